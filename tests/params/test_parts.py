"""Scales as files and folders: their parts, what those are based on, and what is refused."""

import re
from pathlib import Path

import pytest
import yaml
from tiny_study import HOME

from w2s.errors import UserError
from w2s.params.between import PREFIXES, RULES
from w2s.params.kinds import PART_KINDS
from w2s.plan.study import PLANNERS

COST = {"device": "x", "measured": "today", "seconds_per_gmac": 1.0}


def test_a_scale_of_one_file_is_the_part_pictures(study_folder):
    (part,) = study_folder.load(scale="smoke").parts
    assert (part.scale, part.name, part.params.part) == ("smoke", "pictures", "pictures")


def test_every_file_of_a_folder_is_a_part(two_parts):
    study = two_parts.load(scale="two")
    assert [part.name for part in study.parts] == ["pictures", "again"]
    assert set(study.part("again").params.tables) == {"trained"}
    assert study.part("again").params.sampling.steps == 3


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (None, ["pictures", "again"]),
        ("again", ["again"]),
        (["again"], ["again"]),
        (["again", "pictures"], ["pictures", "again"]),
    ],
)
def test_parts_are_chosen_by_name(two_parts, asked, names):
    assert [part.name for part in two_parts.load(scale="two", parts=asked).parts] == names


def test_a_part_is_based_on_the_part_of_its_name_or_on_another(two_parts):
    two_parts.write("three/again", {"base": "two", "sampling": {"per_seed": 40}})
    two_parts.write("four/other", {"base": "two/again", "sampling": {"per_seed": 50}})
    again, other = two_parts.part("again", scale="three"), two_parts.part("other", scale="four")
    assert (again.params.sampling.steps, other.params.sampling.steps) == (3, 3)
    assert (again.params.sampling.per_seed, other.params.sampling.per_seed) == (40, 50)


def test_a_file_may_be_based_on_a_folder(two_parts):
    two_parts.write("flat", {"base": "two", "sampling": {"per_seed": 40}})
    (part,) = two_parts.load(scale="flat").parts
    assert set(part.params.tables) == set(two_parts.part(scale="two").params.tables)


def test_the_cost_may_stand_in_any_part(two_parts):
    two_parts.change("two/pictures", cost=None)
    two_parts.change("two/again", cost=COST)
    for asked in (None, "pictures", "again"):
        assert two_parts.load(scale="two", parts=asked).cost.device == "x"


def test_images_of_ones_own_take_the_place_of_every_parts(two_parts, tmp_path):
    for name in ("cats", "dogs"):
        (tmp_path / "pets" / name).mkdir(parents=True)
    study = two_parts.load(scale="two", data="pets")
    assert [part.data["classes"] for part in study.parts] == [2, 2]


def test_what_is_not_asked_for_is_not_looked_up(two_parts):
    two_parts.change("two/again", data={"kind": "folder", "path": "away", "resolution": 12})
    assert [part.name for part in two_parts.load(scale="two", parts="pictures").parts]
    with pytest.raises(UserError, match=r"scales/two/again\.yaml: data\.path: there is no folder"):
        two_parts.load(scale="two", parts="again")


def refusals(folder, **overrides) -> list[str]:
    with pytest.raises(UserError) as refused:
        folder.load(**overrides)
    return str(refused.value).splitlines()


def test_both_forms_of_a_scale_are_refused(two_parts):
    two_parts.write("two", {"base": "smoke"})
    (line,) = refusals(two_parts, scale="two")
    assert line.endswith("there are both scales/two.yaml and scales/two/; keep one of them")


def test_an_empty_folder_is_refused(two_parts, tmp_path):
    (tmp_path / "scales/none").mkdir()
    (line,) = refusals(two_parts, scale="none")
    assert "scales/none holds no part; put one there, such as pictures.yaml" in line


def test_a_parts_name_must_do_for_file_names(two_parts):
    two_parts.write("two/a b", {"base": "two/again"})
    (line,) = refusals(two_parts, scale="two")
    assert line.startswith("scales/two/a b.yaml: a part's name is made of letters")


def test_an_unknown_part_is_refused_with_the_nearest(two_parts):
    (line,) = refusals(two_parts, scale="two", parts=["pictures", "agian"])
    assert line.endswith("scale 'two' has no part named 'agian'; did you mean 'again'?")


def test_tables_of_one_name_are_refused_naming_both_files(two_parts):
    again = two_parts.part("again", scale="two").layers.merged()["tables"]
    two_parts.change("two/again", tables=again | {"guidance": again["trained"]})
    (line,) = refusals(two_parts, scale="two", parts="pictures")
    assert line.startswith("scales/two/again.yaml: tables.guidance: scales/two/pictures.yaml has")


def test_two_costs_are_refused(two_parts):
    two_parts.change("two/pictures", cost=COST)
    two_parts.change("two/again", cost=COST | {"device": "y"})
    (line,) = refusals(two_parts, scale="two")
    assert line.startswith("scales/two/again.yaml: cost: differs from scales/two/pictures.yaml")


def test_mistakes_in_all_parts_are_named_at_once(two_parts):
    for part in ("pictures", "again"):
        two_parts.change(f"two/{part}", sampling={"steps": -1})
    files = [line.partition(":")[0] for line in refusals(two_parts, scale="two", parts="again")]
    assert set(files) == {"scales/two/pictures.yaml", "scales/two/again.yaml"}


def test_every_kind_of_part_can_be_read_and_planned():
    assert PART_KINDS.keys() == PLANNERS.keys()
    for name, kind in PART_KINDS.items():
        assert kind.params.model_fields["part"].default == name
        assert {"tables", "sweep", "cost"} <= kind.params.model_fields.keys()


def test_no_table_can_take_a_rules_place():
    files = [HOME / "Snakefile", *(HOME / "rules").glob("*.smk")]
    text = "\n".join(file.read_text() for file in files)
    looped = {"curves", "sweep", "scan", "claims"}
    assert set(re.findall(r"^rule (\w+):", text, re.M)) | looped == RULES
    for prefix in re.findall(r'^            f"(\w+)\{', text, re.M):  # names of rules in a loop
        assert prefix in PREFIXES


def test_scales_that_ship_are_files(study_folder):
    for file in Path("scales").rglob("*.yaml"):
        assert yaml.safe_load(file.read_text()), file
