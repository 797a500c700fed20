"""A probe is one node, and a figure one group: what names them, and what they rest on."""

import pytest

from w2s.report.probes import NONE

FIGURE = "figure/optimal-velocity-mini"
PROBE = ("probes", "latents")


def probe_of(planned):
    (node,) = [node for node in planned.nodes.values() if node.kind == "probe"]
    return node


def test_a_probe_adds_one_node_and_renames_no_other(study_folder):
    planned = study_folder.plan()
    study_folder.edit(("probes",), {})
    study_folder.edit(("figures",), {})
    without = study_folder.plan()
    assert planned.nodes.keys() - without.nodes.keys() == {probe_of(planned).key}
    assert planned.groups.keys() - without.groups.keys() == {FIGURE}


def test_a_probe_rests_on_the_networks_and_latents_of_the_rows(study_folder):
    planned = study_folder.plan()
    node, rows = probe_of(planned), planned.sets
    drawing = rows["guidance", "ag-early", 0].drawing
    latents = tuple(key for key, n in planned.nodes.items() if n.kind == "latents")
    assert node.parents == {
        "model": (drawing.model,),
        "weak:early": (drawing.nets["early"],),
        "latents": latents,
    }
    assert node.spec["times"] == drawing.start["times"]
    assert node.spec["seeds"] == [0, 1, 2, 3, 4]
    assert list(node.spec["guidance"]) == [NONE, "cfg", "ag-early"]
    assert node.spec["measures"] == ["velocity"]


def test_each_training_seed_has_networks_of_its_own(study_folder):
    study_folder.edit(("training", "seeds"), [0, 1, 2])
    planned = study_folder.plan()
    node = probe_of(planned)
    assert node.spec["seeds"] == [0, 1, 2]
    for role, kind in (("model", "base"), ("weak:early", "early")):
        assert [planned.nodes[key].label for key in node.parents[role]] == [f"extract {kind}"] * 3
        assert len(set(node.parents[role])) == 3
    assert planned.groups[FIGURE].facts["probes"][0]["over"] == "training seeds"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*PROBE, "per_seed"), 60),
        ((*PROBE, "seeds"), [0, 1]),
        (("guidance", "cfg", "weight"), 1.5),
        (("sampling", "steps"), 19),
        ((*PROBE, "model"), "mg"),
    ],
)
def test_what_decides_a_probe_names_it(study_folder, path, value):
    before = probe_of(study_folder.plan()).key
    study_folder.edit(path, value)
    assert probe_of(study_folder.plan()).key != before


def test_words_rename_the_figure_alone(study_folder):
    before = study_folder.plan()
    study_folder.edit((*PROBE, "label"), "another")
    after = study_folder.plan()
    assert after.nodes.keys() == before.nodes.keys()
    assert after.groups[FIGURE].key != before.groups[FIGURE].key


def test_a_figure_may_leave_guidances_out(study_folder):
    study_folder.edit(("figures", "optimal-velocity-mini", "guidance"), ["cfg"])
    planned = study_folder.plan()
    (probe,) = planned.groups[FIGURE].facts["probes"]
    assert [shown["name"] for shown in probe["guidance"]] == [NONE, "cfg"]
    assert probe["guidance"][1] == {
        "name": "cfg",
        "label": "CFG, w = 1.25",
        "method": "cfg",
        "weight": 1.25,
    }
    assert "ag-early" in probe_of(planned).spec["guidance"]
