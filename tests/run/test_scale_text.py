"""Values are put in the place of others in a YAML file, and nothing else of it changes."""

import pytest
import yaml

from w2s.run.scale_text import NotThere, replaced

TEXT = """\
# A comment: {weight: 1}
guidance:   # and another
  cfg: {method: cfg,   weight: 1.25}  # weight: 1.25
  sgg:
    - {window: [0.50, 1], method: cfg, weight: 2}
    - window: [0, 0.50]
      method: autoguidance
      weak: early     # the network
      weight: 3.0e+0
  slg: {method: skip_layer, blocks: [3], weight: &shared 2}
  other: {method: cfg, weight: *shared}
  block:
    blocks:
      - 3

tail: "as it is"
"""


def changed(**values):
    return replaced(TEXT, {tuple(_path(name)): value for name, value in values.items()})


def _path(name):
    return ["guidance", *(int(p) if p.isdecimal() else p for p in name.split("__"))]


def test_the_values_change_and_nothing_else():
    text = changed(cfg__0__weight=1.4, sgg__0__window__0=0.7, sgg__1__window__1=0.7)
    expected = TEXT.replace("cfg,   weight: 1.25", "cfg,   weight: 1.4")
    expected = expected.replace("[0.50, 1]", "[0.7, 1]").replace("[0, 0.50]", "[0, 0.7]")
    assert text == expected


def test_names_and_lists_are_written_as_yaml_has_them():
    text = changed(sgg__1__weak="small-net", slg__blocks=(1, 2), sgg__1__method="no")
    read = yaml.safe_load(text)["guidance"]
    assert (read["sgg"][1]["weak"], read["slg"]["blocks"]) == ("small-net", [1, 2])
    assert read["sgg"][1]["method"] == "no"  # which unquoted is false
    assert "weak: small-net     # the network" in text


def test_a_value_that_stands_there_keeps_its_spelling():
    assert changed(sgg__0__window__0=0.5, sgg__1__weight=3.0, slg__blocks=(3,)) == TEXT


def test_windows_ends_of_lines_stay():
    text = TEXT.replace("\n", "\r\n")
    new = replaced(text, {("guidance", "sgg", 1, "weight"): 2.5})
    assert new == text.replace("3.0e+0", "2.5")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("apg__weight", "guidance.apg is not written there"),
        ("cfg__rescale", "guidance.cfg.rescale is not written there"),
        ("sgg__2__weight", r"guidance.sgg\[2\] is not written there"),
        ("other__weight", "guidance.other.weight is shared by an anchor"),
        ("slg__weight", "guidance.slg.weight is shared by an anchor"),
        ("block__blocks", "guidance.block.blocks is spread over several lines"),
        ("cfg", "guidance.cfg is spread over several lines"),
    ],
)
def test_what_has_no_place_of_its_own_is_refused(name, why):
    with pytest.raises(NotThere, match=why):
        changed(**{name: 1.0})
