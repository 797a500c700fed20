"""Networks from elsewhere in a study: a row, a weak network, a part; and every refusal."""

import json
import re

import pytest
import torch
from node_builds import built
from safetensors.torch import save_file

from w2s.cli import main
from w2s.errors import UserError
from w2s.models.load import build, load
from w2s.plan.study import plan
from w2s.run.start import refuse_absent_files

SMOKE = "scales/smoke/pictures.yaml"
CONFIG = {
    "input_size": 6, "patch_size": 3, "in_channels": 4, "hidden_size": 16, "depth": 4,
    "num_heads": 2, "mlp_ratio": 4.0, "num_classes": 30, "head_at": 2, "time": "noise-at-one",
}  # fmt: skip
NETWORK = {"hidden": 16, "depth": 4, "heads": 2, "patch": 3, "head_at": 2}
ROWS = ("tables", "guidance", "rows")


def saved(folder, **changes):
    """A folder with a random SiT in it."""
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    net = build(CONFIG)
    for parameter in net.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape)
    save_file(net.state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(CONFIG | changes))
    return net


@pytest.fixture
def study(study_folder, tmp_path):
    """The smoke study with a pretrained network, a row of it, and parts of it as weak networks."""
    saved(tmp_path / "given")
    study_folder.edit(("pretrained",), {"given": {"path": "given"}}, SMOKE)
    study_folder.edit(("weak",), {"given-head": {"recipe": "given", "part": "head"}}, SMOKE)
    guidance = {"method": "autoguidance", "weak": "given-head", "weight": 2}
    study_folder.edit(("guidance", "ag-given"), guidance, SMOKE)
    rows = {"given": {"model": "given"}, "guided": {"model": "given", "guidance": "ag-given"}}
    study_folder.edit(("tables",), {"guidance": {"rows": rows}}, SMOKE)
    return study_folder


def test_it_fills_a_row_without_training(study, tmp_path):
    planned = study.plan(scale="smoke")
    for row in ("given", "guided"):
        (segment,) = planned.sets["guidance", row, 0].segments
        assert not {"train"} & kinds_below(planned, segment)
        out = built(planned, segment, tmp_path / "store")
        assert (out / "state.safetensors").exists()
    drawing = planned.sets["guidance", "guided", 0].drawing
    whole = load(built(planned, drawing.model, tmp_path / "store"))
    part = load(built(planned, drawing.nets["given-head"], tmp_path / "store"))
    x, t, y = torch.randn(2, 4, 6, 6), torch.rand(2), torch.tensor([3, 30])
    state = whole.block(1, whole.block(0, whole.embed(x, t, y)))
    assert torch.equal(part(x, t, y), whole.read_head(state))
    assert drawing.forwards == 4 * 1.5


def kinds_below(planned, key):
    node = planned.nodes[key]
    below = [kinds_below(planned, k) for keys in node.inputs.values() for k in keys]
    return {node.kind}.union(*below)


def test_a_row_says_where_its_network_comes_from(study):
    facts = study.plan(scale="smoke").groups["cells/guidance/given"].facts["row"]
    assert facts["recipe"] == "given: pretrained"
    assert (facts["branching"], facts["trained"], facts["conditional"]) == (None, [], True)


def test_latents_of_its_own_scaling_are_decoded_by_it(study):
    before = study.plan(scale="smoke")
    study.edit(("pretrained", "given", "scaling"), {"scale": 0.5, "shift": 0.1}, SMOKE)
    planned = study.plan(scale="smoke")
    metrics = planned.nodes[planned.sets["guidance", "given", 0].metrics]
    decoded = planned.nodes[metrics.parents["decoded"][0]]
    assert decoded.spec["scaling"] == {"scale": 0.5, "shift": 0.1}
    assert "latents" not in decoded.parents
    rest = [key for key in before.sets if key[1] not in ("given", "guided")]
    assert all(before.sets[key].metrics == planned.sets[key].metrics for key in rest)


def test_networks_of_other_latents_do_not_guide(study):
    study.edit(("pretrained", "given", "scaling"), {"scale": 0.5}, SMOKE)
    study.edit(("guidance", "ag-given", "weak"), "early", SMOKE)
    with pytest.raises(UserError, match=r"guided\.guidance: 'early' was trained on"):
        study.plan(scale="smoke")


def test_it_guides_a_trained_network_and_its_keys_follow_its_content(study, tmp_path):
    study.edit(("guidance", "ag-given", "weak"), "given", SMOKE)
    study.edit((*ROWS, "guided", "model"), "base", SMOKE)
    before = study.plan(scale="smoke").sets["guidance", "guided", 0].drawing.nets
    other = load_weights(tmp_path / "given")
    save_file({n: w + 1 for n, w in other.items()}, tmp_path / "given" / "model.safetensors")
    assert study.plan(scale="smoke").sets["guidance", "guided", 0].drawing.nets != before


def load_weights(folder):
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def test_what_is_not_there_yet_is_planned_for_and_refused_at_the_start(study):
    study.edit(("pretrained", "given"), {"path": "absent", "network": NETWORK}, SMOKE)
    planned = plan(study.load(scale="smoke"))
    with pytest.raises(UserError, match="absent, which the weights is read from, does not exist"):
        refuse_absent_files(planned)


def test_a_checkpoint_is_planned_by_what_is_said_of_it(study):
    said = {"path": "sit.pt", "network": NETWORK, "time": "data-at-one"}
    study.edit(("pretrained", "given"), said, SMOKE)
    planned = study.plan(scale="smoke")
    spec = planned.nodes[planned.sets["guidance", "given", 0].drawing.model].spec
    assert spec["kind"] == "public"
    assert (spec["network"]["time"], spec["network"]["head_at"]) == ("data-at-one", 2)


BAD = {
    # what: path, value, words of the sentence, key named if another
    "no network": (("pretrained", "given", "path"), "absent", "no absent/config.json", None),
    "checkpoint": (("pretrained", "given", "path"), "a.pt", "is missing: a checkpoint", "network"),
    "time of a folder": (("pretrained", "given", "time"), "data-at-one", "drop it", "time"),
    "classes": (("pretrained", "given", "classes"), 7, "knows 30 classes and not 7", "classes"),
    "name of a recipe": (("pretrained", "base"), {"path": "given"}, "by a training recipe", ""),
    "name of a weak": (("pretrained", "early"), {"path": "given"}, "taken by a weak model", ""),
    "patch": (
        ("pretrained", "given", "network"),
        NETWORK | {"patch": 4},
        "must divide the latents' 6 pixels",
        "network.patch",
    ),
    "kind": (("pretrained", "given", "network"), NETWORK | {"kind": "x"}, "'sit'", "network.kind"),
    "step": (("weak", "given-head", "step"), 4, "has no snapshots; drop it", "step"),
    "fraction": (("weak", "given-head", "fraction"), 0.5, "has no snapshots", "fraction"),
    "ema": (("weak", "given-head", "ema"), 0.1, "has no snapshots; drop it", "ema"),
    "part": (("weak", "given-head", "part"), {"skip": [4]}, "blocks are 0 to 3", "part"),
    "seeds": (("training", "seeds"), [0, 1], "the same under every one of training.seeds", None),
}


@pytest.mark.parametrize("bad", BAD)
def test_mistakes_are_sentences_with_their_key(study, bad, capsys):
    path, value, words, key = BAD[bad]
    study.edit(path, value, SMOKE)
    assert main(["plan", "--scale", "smoke"]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error
    if key:
        assert ".".join((*path[:2], key)) in error


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"input_size": 12},
            "reads 4 channels of 12 x 12 and the study's latents are 4 channels of 6",
        ),
        ({"num_classes": 10}, "knows 10 classes and not 30"),
        ({"kind": "vit"}, "no network of kind 'vit'"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(study, tmp_path, changes, words):
    (tmp_path / "given" / "config.json").write_text(json.dumps(CONFIG | changes))
    with pytest.raises(UserError, match=re.escape(words)):
        study.load(scale="smoke")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"input_size": "x"}', '{"depth": 4}'])
def test_a_configuration_that_says_nothing_is_refused(study, tmp_path, content):
    (tmp_path / "given" / "config.json").write_text(content)
    with pytest.raises(UserError, match=r"pretrained\.given\.path: .*config\.json") as refusal:
        study.load(scale="smoke")
    assert "\n" not in str(refusal.value)


def test_networks_for_other_classes_do_not_guide(study, tmp_path):
    (tmp_path / "given" / "config.json").write_text(json.dumps(CONFIG | {"num_classes": 10}))
    study.edit(("pretrained", "given", "classes"), 10, SMOKE)
    study.edit((*ROWS, "guided", "model"), "base", SMOKE)
    with pytest.raises(UserError, match=r"rows\.guided\.guidance: 'given-head' knows 10 classes"):
        study.plan(scale="smoke")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"network": NETWORK | {"depth": 3}}, "its depth is 4 and not 3"),
        ({"network": NETWORK | {"head_at": None}}, "its head_at is 2 and not None"),
    ],
)
def test_a_folder_that_contradicts_what_is_said_is_refused_when_read(
    study, tmp_path, change, words
):
    study.edit(("pretrained", "given"), {"path": "given"} | change, SMOKE)
    study.edit(("weak", "given-head", "part"), "full", SMOKE)
    planned = study.plan(scale="smoke")
    with pytest.raises(UserError, match=words):
        built(planned, planned.sets["guidance", "given", 0].drawing.model, tmp_path / "store")


@pytest.mark.parametrize("damage", ["cut", "absent", "other"])
def test_damaged_weights_are_refused_when_read(study, tmp_path, damage):
    planned, file = study.plan(scale="smoke"), tmp_path / "given" / "model.safetensors"
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:100])
    elif damage == "absent":
        file.unlink()
    else:
        weights = load_weights(tmp_path / "given")
        save_file({n: w for n, w in weights.items() if n != "pos_embed"}, file)
    with pytest.raises(UserError, match=r"model\.safetensors .*(damaged|pos_embed is missing)"):
        built(planned, planned.sets["guidance", "given", 0].drawing.model, tmp_path / "store")


LABELS = {
    "in a table": ((*ROWS, "none", "guidance"), "uncond-ag-early", "rows.none.guidance"),
    "in training": (("training", "recipes", "ag", "weak"), "uncond-early", "recipes.ag.weak"),
    "in the sweep": (("sweep", "weights", "uncond-ag-early"), [1.0, 1.5, 2.0, 2.5, 3.0], "weights"),
}


@pytest.mark.parametrize("place", LABELS)
def test_a_weak_network_without_labels_does_not_lead_one_with_them(study_folder, place):
    path, value, key = LABELS[place]
    study_folder.edit(path, value)
    with pytest.raises(UserError, match=rf"{key}.*: 'uncond-early' never saw labels and '\w+' did"):
        study_folder.load()


def test_a_pretrained_network_says_itself_whether_it_saw_labels(study):
    study.edit(("guidance", "ag-given", "weak"), "given", SMOKE)
    study.edit((*ROWS, "guided", "model"), "base", SMOKE)
    study.plan(scale="smoke")
    study.edit(("pretrained", "given", "conditional"), False, SMOKE)
    with pytest.raises(UserError, match="'given' never saw labels and 'base' did"):
        study.load(scale="smoke")
    study.edit((*ROWS, "guided", "model"), "given", SMOKE)
    planned = study.plan(scale="smoke")
    assert planned.sets["guidance", "guided", 0].drawing.start["conditional"] is False
