"""Verdicts follow from corrected intervals alone, and flip with the data."""

import json
import re
from dataclasses import asdict, replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from report_rows import KEY, ROW, TABLE, run_of

from w2s.metrics.intervals import interval_over, paired_difference
from w2s.params.claims import Claim
from w2s.plan.published import Group
from w2s.report.cells import build_cell
from w2s.report.claims import judged, publish_claims, verdict
from w2s.report.claims_page import claims_page, number_text
from w2s.store import folders
from w2s.store.keys import carried_key, carried_nodes

TEXT = {"sentence": "One has less than two", "source": "a paper", "setting": "A setting."}
LOWER = Claim(**TEXT, row="guidance/one", against="guidance/two", column="fd", direction="lower")
HIGHER = LOWER.model_copy(update={"direction": "higher"})
COST = Claim(**TEXT, row="guidance/one", column="forwards", at_most=2)
FLIPPED = {"seen": "opposite here", "opposite here": "seen", "not seen": "not seen"}
FIVE = st.lists(st.floats(-3, 3), min_size=5, max_size=5)


def cell_of(values, column="fd", **row):
    row = replace(ROW, label="label of a row", **row)
    return build_cell(TABLE, row, column, [run_of(values)], None)


def alone(claim, *cells):
    (one,) = judged({"one": claim}, {"one": list(cells)})["claims"]
    return one


@pytest.mark.parametrize(
    ("claim", "interval", "said"),
    [
        (LOWER, [-2, -1], "seen"),
        (LOWER, [-1, 1], "not seen"),
        (LOWER, [-1, 0], "not seen"),
        (LOWER, [1, 2], "opposite here"),
        (LOWER, [0, 0], "not seen"),
        (HIGHER, [1, 2], "seen"),
        (HIGHER, [0, 2], "not seen"),
        (HIGHER, [-2, -1], "opposite here"),
        (COST, [1.5, 1.5], "seen"),
        (COST, [2, 2], "seen"),
        (COST, [1.9, 2.1], "not seen"),
        (COST, [2.5, 2.5], "opposite here"),
        (COST.model_copy(update={"at_most": None, "at_least": 2}), [2, 3], "seen"),
        (COST.model_copy(update={"at_most": None, "at_least": 2}), [1, 1.5], "opposite here"),
        (LOWER, None, "not available"),
    ],
)
def test_a_verdict_is_the_side_on_which_the_interval_lies(claim, interval, said):
    assert verdict(claim, interval) == said


@given(FIVE, FIVE)
def test_the_verdict_flips_with_the_data_and_with_the_claim(first, second):
    one, two = cell_of(first), cell_of(second)
    straight, back = alone(LOWER, one, two), alone(LOWER, two, one)
    assert back["verdict"] == FLIPPED[straight["verdict"]]
    assert alone(HIGHER, one, two)["verdict"] == back["verdict"]
    assert back["value"] == pytest.approx(-straight["value"], abs=1e-12)


def test_one_claim_alone_is_judged_by_the_paired_interval_of_the_table():
    noise, gap = [0.0, 5.0, -5.0], [-1.0, -1.1, -0.9]
    one, two = cell_of([n + g for n, g in zip(noise, gap, strict=True)]), cell_of(noise)
    said = alone(LOWER, one, two)
    expected = paired_difference(dict(enumerate(one["per_seed"][0])), dict(enumerate(noise)))
    assert said["interval"] == said["corrected"] == [expected.low, expected.high]
    assert (said["n"], said["over"], said["verdict"]) == (3, "sampling seeds", "seen")


@given(st.lists(FIVE, min_size=2, max_size=12))
def test_in_a_family_verdicts_are_holms(rows):
    zero = cell_of([0.0] * 5)
    claims = {str(i): LOWER for i in range(len(rows))}
    family = judged(claims, {str(i): [cell_of(row), zero] for i, row in enumerate(rows)})
    ranked = sorted(family["claims"], key=lambda claim: claim["p"])
    left = [p["p"] * (len(ranked) - rank) for rank, p in enumerate(ranked)]
    assume(all(abs(value - 0.05) > 1e-9 for value in left))
    stop = next((rank for rank, value in enumerate(left) if value > 0.05), len(ranked))
    for rank, claim in enumerate(ranked):
        side = "seen" if claim["value"] < 0 else "opposite here"
        assert claim["verdict"] == (side if rank < stop else "not seen")


def test_what_a_claim_shows_alone_it_may_lose_among_many():
    clear, zero = cell_of([-1.0, -1.2, -0.4, -1.5, -0.2]), cell_of([0.0] * 5)
    vague = cell_of([1.0, -1.0, 0.5, -0.4, 0.1])
    assert alone(LOWER, clear, zero)["verdict"] == "seen"
    claims = {str(i): LOWER for i in range(20)}
    cells = {name: [clear if name == "0" else vague, zero] for name in claims}
    first = judged(claims, cells)["claims"][0]
    assert first["verdict"] == "not seen"
    assert first["interval"][1] < 0 < first["corrected"][1]


def test_training_seeds_count_once_each():
    table = replace(TABLE, training_seeds=[7, 8, 9])
    runs = [
        [run_of(v) for v in rows] for rows in ([[1, 2], [3, 3], [2, 6]], [[0, 0], [1, 3], [2, 2]])
    ]
    cells = [build_cell(table, ROW, "fd", run, None) for run in runs]
    said = alone(HIGHER, *cells)
    expected = interval_over([1.5, 1.0, 2.0], "training seeds")
    assert (said["n"], said["over"]) == (3, "training seeds")
    assert said["interval"] == pytest.approx([expected.low, expected.high])


def test_prompts_are_paired_and_resampled():
    row = replace(ROW, kind="score")
    table = replace(TABLE, columns=["saturation"], training_seeds=[])
    made = {"definition": "what it is", "seeds": [0], "n": 3}
    cells = [
        build_cell(table, row, "saturation", [made | {"per_prompt": values}], None)
        for values in ([0.6, 0.2, 0.9], [0.5, 0.1, 0.7])
    ]
    said = alone(HIGHER, *cells)
    assert (said["n"], said["over"], said["verdict"]) == (3, "prompts", "seen")
    assert said["interval"] == pytest.approx([0.1, 0.2])


def test_counted_numbers_are_exact_and_count_among_the_claims():
    forwards = cell_of([1.0, 2.0], "forwards")
    said = alone(COST, forwards)
    assert (said["value"], said["verdict"], said["n"], said["p"]) == (1.5, "seen", 0, 0.0)
    dear = cell_of([1.0, 2.0], "forwards", forwards=2.875)
    assert alone(COST, dear)["verdict"] == "opposite here"
    apart = LOWER.model_copy(update={"column": "forwards"})
    assert alone(apart, forwards, dear)["verdict"] == "seen"
    assert alone(apart, forwards, forwards)["verdict"] == "not seen"


def test_what_is_not_there_has_no_verdict_and_still_counts():
    row = {"unavailable": {"hps": "weights.pt"},
           "drawn": {"n": 4, "seeds": [0], "prompts": 4}}  # fmt: skip
    table = replace(TABLE, columns=["hps"])
    absent = build_cell(table, replace(ROW, **row), "hps", [], None)
    claims = {"there": LOWER, "absent": LOWER}
    one, two = cell_of([-1.0, -1.1, -0.9]), cell_of([0.0, 0.0, 0.0])
    family = judged(claims, {"there": [one, two], "absent": [absent, absent]})
    there, lacking = family["claims"]
    assert lacking["verdict"] == "not available"
    assert lacking["covers"] == "not available: weights.pt"
    assert there["verdict"] == "seen"
    assert family["inside"] == 0.95  # the one that is left of two, after Holm's first step
    page = claims_page(KEY, {"scale": "mini", "families": [family | FAMILY], "unasked": {}})
    assert "weights.pt" in page


def test_one_seed_gives_no_verdict():
    said = alone(LOWER, cell_of([1.0]), cell_of([2.0]))
    assert (said["verdict"], said["interval"], said["p"]) == ("not available", None, 1.0)
    assert "no interval" in said["covers"]


def test_other_seeds_cannot_be_compared():
    with pytest.raises(ValueError, match="cannot pair"):
        alone(LOWER, cell_of([1.0, 2.0]), cell_of([1.0, 2.0, 3.0]))


FAMILY = {"part": "pictures", "dataset": "mini world"}


def test_both_files_say_the_same_and_lead_back_to_their_nodes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = {}
    for name, values in (("one", [1.0, 1.1, 0.9]), ("two", [2.0, 2.2, 2.1])):
        key = name.ljust(16, "0")
        scratch = folders.scratch_dir("metrics", key)
        (scratch / "metrics.json").write_text(json.dumps(run_of(values)))
        folders.publish(scratch, "metrics", key, {})
        rows[f"guidance/{name}"] = asdict(
            replace(ROW, name=name, label=f"w_{name}", measured=[key])
        )
    claims = [{"name": "less", **LOWER.model_dump()}, {"name": "cost", **COST.model_dump()}]
    group = Group(
        name="claims",
        paths=("results/claims.json", "results/claims.md"),
        needs=tuple(row["measured"][0] for row in rows.values()),
        facts={
            "scale": "mini",
            "families": [{**FAMILY, "claims": claims}],
            "tables": {"guidance": asdict(TABLE)},
            "rows": rows,
            "unasked": {"toy": 3},
        },
    )
    publish_claims(group)
    said, page = (tmp_path / path for path in group.paths)
    assert carried_key(said) == carried_key(page) == group.key
    assert carried_nodes(said) == [("metrics", key) for key in group.needs]
    less, cost = json.loads(said.read_text())["families"][0]["claims"]
    assert (less["verdict"], cost["verdict"]) == ("seen", "seen")
    text = page.read_text()
    assert "Left out, because the part toy is not run: 3 claims." in text
    assert text.count("| seen |") == 2
    assert "w\\_one (`guidance/one`) less w\\_two (`guidance/two`)" in " ".join(text.split())
    before = page.read_bytes()
    publish_claims(group)
    assert page.read_bytes() == before


@given(st.floats(-1e3, 1e3).filter(lambda x: abs(x) > 1e-6))
def test_no_number_is_shown_on_the_other_side_of_0(number):
    shown = float(number_text(number, signed=True).replace("−", "-"))
    assert shown * number > 0
    assert shown == pytest.approx(number, rel=0.006)
    assert re.fullmatch(r"[+−][\d.e−+]+", number_text(number, signed=True))
