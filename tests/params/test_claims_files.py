"""Claims are read strictly: every mistake is one sentence with its file and key."""

import pytest
import yaml
from refusals import refused

from w2s.params.claims import Claim

COMPARED = {
    "sentence": "CFG lowers FD",
    "source": "a paper, table 1",
    "setting": "one weight",
    "row": "guidance/cfg",
    "against": "guidance/none",
    "column": "fd",
    "direction": "lower",
}
BOUND = {key: COMPARED[key] for key in ("sentence", "source", "setting")} | {
    "row": "guidance/cfg",
    "column": "forwards",
    "at_most": 2,
}


def write(folder, name, claims, **top):
    file = folder.root / "claims" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump({**top, "claims": claims}, sort_keys=False))


@pytest.mark.parametrize("name", ["mini.yaml", "mini/pictures.yaml"])
def test_a_scales_claims_are_its_file_or_a_file_for_each_part(study_folder, name):
    write(study_folder, name, {"lower": COMPARED, "cost": BOUND})
    claims = study_folder.part(scale="mini").claims
    assert list(claims.by_name) == ["lower", "cost"]
    assert claims.where("cost", "row") == f"claims/{name}: claims.cost.row"


def test_a_scale_needs_no_claims(study_folder):
    assert study_folder.part(scale="mini").claims is None
    write(study_folder, "mini.yaml", {"lower": COMPARED})
    assert study_folder.part(scale="smoke").claims is None


def test_claims_may_be_based_on_those_of_another_scale(study_folder):
    write(study_folder, "mini/pictures.yaml", {"lower": COMPARED})
    write(study_folder, "smoke/pictures.yaml", {"cost": BOUND}, base="mini")
    assert list(study_folder.part(scale="smoke").claims.by_name) == ["lower", "cost"]


def test_claims_of_a_part_that_is_not_run_are_counted(two_parts):
    write(two_parts, "two/pictures.yaml", {"lower": COMPARED})
    trained = {"row": "trained/cfg", "against": "trained/none"}
    write(two_parts, "two/again.yaml", {"lower": COMPARED | trained})
    assert two_parts.load(scale="two").unasked_claims == {}
    study = two_parts.load(scale="two", parts="again")
    assert study.unasked_claims == {"pictures": 1}
    assert [part.name for part in study.parts if part.claims] == ["again"]


def test_sides_and_bounds():
    lower, cost = Claim(**COMPARED), Claim(**BOUND)
    assert (lower.lower, lower.bound, lower.rows) == (
        True, 0.0, {"row": "guidance/cfg", "against": "guidance/none"},
    )  # fmt: skip
    assert (cost.lower, cost.bound, cost.rows) == (True, 2.0, {"row": "guidance/cfg"})
    least = Claim(**{**BOUND, "at_most": None, "at_least": 0.5})
    assert (least.lower, least.bound) == (False, 0.5)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"row": "gidance/cfg"}, "row: scales/mini/pictures.yaml has no table 'gidance'; did you "
                                 "mean 'guidance'?"),
        ({"against": "guidance/nono"}, "against: table 'guidance' of scales/mini/pictures.yaml has "
                                       "no row 'nono'; did you mean 'none'?"),
        ({"column": "fdd"}, "column: table 'guidance' of scales/mini/pictures.yaml has no column "
                            "'fdd'; did you mean 'fd'?"),
        ({"row": "cfg"}, "row: names a table and a row, such as guidance/cfg, not 'cfg'"),
        ({"direction": "downwards"}, "direction: must be 'lower' or 'higher', not 'downwards'"),
        ({"direction": None}, "with against needs direction, lower or higher, and no bound"),
        ({"at_most": 2}, "with against needs direction, lower or higher, and no bound"),
        ({"against": None}, "without against needs one of at_most and at_least alone"),
        ({"against": "guidance/cfg"}, "row and against are the same; name two rows"),
        ({"at_least": float("nan")}, "at_least: must be a finite number, not nan"),
        ({"sentence": ""}, "sentence: must not be empty"),
        ({"papre": "x"}, "papre: unknown key; valid keys are"),
        ({"against": "guidance/real"}, "against: real data share no noise with samples"),
    ],
)  # fmt: skip
def test_refusals_name_file_and_key(study_folder, capsys, change, sentence):
    claim = {key: value for key, value in (COMPARED | change).items() if value is not None}
    write(study_folder, "mini.yaml", {"lower": claim})
    (line,) = refused(capsys)
    assert line.startswith("claims/mini.yaml: claims.lower")
    assert sentence in line


def test_a_claim_is_whole(study_folder, capsys):
    write(study_folder, "mini.yaml", {"lower": {"row": "guidance/cfg"}})
    lines = refused(capsys)
    assert {line.split(":")[1].rpartition(".")[2] for line in lines} == {
        "sentence", "source", "setting", "column",
    }  # fmt: skip


def test_every_mistake_of_every_claim_is_named_at_once(study_folder, capsys):
    mistaken = {"one": COMPARED | {"row": "guidance/cgf"}, "two": BOUND | {"column": "forward"}}
    write(study_folder, "mini.yaml", mistaken)
    assert len(refused(capsys)) == 2


def test_an_empty_file_and_an_unknown_part_are_refused(study_folder, capsys):
    write(study_folder, "mini.yaml", {})
    assert refused(capsys) == ["claims/mini.yaml: claims: must have at least 1 entry"]
    (study_folder.root / "claims/mini.yaml").unlink()
    write(study_folder, "mini/picture.yaml", {"lower": COMPARED})
    (line,) = refused(capsys)
    assert line == (
        "claims/mini/picture.yaml: scale 'mini' has no part named 'picture'; did you mean "
        "'pictures'?"
    )


def test_claims_are_checked_whether_or_not_their_part_is_run(two_parts, capsys):
    write(two_parts, "two/again.yaml", {"lower": COMPARED})
    lines = refused(capsys, "--scale", "two", "--parts", "pictures")
    assert len(lines) == len(Claim(**COMPARED).rows)
    assert all("scales/two/again.yaml has no table 'guidance'" in line for line in lines)
