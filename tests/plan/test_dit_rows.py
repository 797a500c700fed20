"""Rows of DiTs in a study: their own times, DDPM, weak networks, and every refusal."""

import json
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler, FlowMatchEulerDiscreteScheduler
from node_builds import built
from released_dit import DEPTH, released
from safetensors.torch import load_file
from tiny_dit import config, folder_of, random_dit
from toy_backbone import saved

from w2s.conditions.labels import Labels
from w2s.errors import UserError
from w2s.guidance.methods.cfg import CFG
from w2s.models.load import load
from w2s.models.registry import family_of
from w2s.models.vp import Schedule
from w2s.plan.estimate import Estimator
from w2s.sampling.denoiser import Denoiser
from w2s.sampling.loop import sample
from w2s.sampling.noise import initial_noise, step_noise
from w2s.weak.checkpoint import import_checkpoint

SMOKE = "scales/smoke/pictures.yaml"
LEADING = {"timestep_spacing": "leading"}
NETWORK = {"kind": "dit", "patch": 2, "hidden": 32, "depth": 4, "heads": 2}
GUIDANCE = {
    "cfg": {"method": "cfg", "weight": 2},
    "cfg-3": {"method": "cfg", "weight": 2, "channels": 3},
    "slg": {"method": "skip_layer", "blocks": [1], "weight": 2},
    "ag": {"method": "autoguidance", "weak": "part", "weight": 2},
    "ag-sit": {"method": "autoguidance", "weak": "early", "weight": 2},
    "sgg": [
        {"window": [0.5, 1], "method": "cfg", "weight": 2},
        {"window": [0, 0.5], "method": "skip_layer", "blocks": [1, 2], "weight": 2},
    ],
}
ROWS = {"none": {"model": "dit"}} | {n: {"model": "dit", "guidance": n} for n in GUIDANCE}
ROWS |= {"ddpm": {"model": "dit", "guidance": "cfg", "solver": "ddpm"}, "base": {"model": "base"}}


@pytest.fixture
def net():
    return random_dit(classes=30, schedule=LEADING)


@pytest.fixture
def study(study_folder, net, tmp_path):
    """The smoke study with one table, whose rows sample a DiT in diffusers' layout."""
    folder_of(net, tmp_path / "dit")
    study_folder.edit(("pretrained",), {"dit": {"path": "dit"}}, SMOKE)
    study_folder.edit(("weak",), {"part": {"recipe": "dit", "part": {"skip": [2]}}}, SMOKE)
    for block in ("tune", "confirm"):
        study_folder.edit((block,), None, SMOKE)
    study_folder.edit(("guidance",), GUIDANCE | {"s2": {"droppable": [1, 3]}}, SMOKE)
    table = {"title": "DiT", "columns": ["fd", "forwards"], "baseline": "none", "rows": ROWS}
    study_folder.edit(("tables",), {"dits": table}, SMOKE)
    return study_folder


def drawing(planned, row):
    return planned.sets["dits", row, 0].drawing


def test_a_row_is_drawn_at_the_times_of_its_network(study, net):
    planned = study.plan(scale="smoke")
    steps = len(drawing(planned, "base").methods)
    times, std = family_of(net.config()).grid(net.config(), steps)
    start = drawing(planned, "none").start
    assert (start["times"], start["initial_std"]) == (list(times), std)
    assert "initial_std" not in drawing(planned, "base").start
    assert drawing(planned, "base").start["times"][0] == 1
    facts = planned.groups["cells/dits/ddpm"].facts["row"]
    assert facts["sampler"] == f"ddpm, {steps} steps"
    assert facts["guidance"][0]["window"] == [0.0, 1.0]
    assert facts["guidance"][0]["steps"] == [0, steps]
    assert facts["times"] == list(times)
    assert facts["forwards"] == 2


@pytest.mark.parametrize("row", ["none", "cfg-3", "sgg", "ddpm", "ag", "ag-sit"])
def test_a_row_is_the_loop_with_the_network_itself(study, net, tmp_path, row):
    planned = study.plan(scale="smoke")
    one, store = drawing(planned, row), tmp_path / "store"
    (key,) = planned.sets["dits", row, 0].segments
    made = load_file(built(planned, key, store) / "state.safetensors")
    start, count = one.start, one.start["per_seed"]
    samples = [(seed, i) for seed in start["seeds"] for i in range(count)]
    weak = {name: load(built(planned, node, store)) for name, node in one.nets.items()}
    labels = Labels(30)
    want, _ = sample(
        Denoiser(net, weak),
        start["initial_std"] * initial_noise(samples, start["shape"]),
        labels.condition(labels.numbers(samples)),
        times=start["times"],
        methods=one.methods,
        solver=start["solver"],
        noise=lambda step: step_noise(samples, start["shape"], step),
    )
    assert (made["x"] - want).norm() <= 1e-4 * want.norm()  # of another batch shape
    assert torch.isfinite(made["x"]).all()


def test_its_work_is_priced(study, net):
    planned, part = study.plan(scale="smoke"), study.load(scale="smoke").part()
    (key,) = planned.sets["dits", "ddpm", 0].segments
    price = Estimator(part, planned).of(planned.nodes[key])
    start = drawing(planned, "ddpm").start
    count = len(start["seeds"]) * start["per_seed"]
    assert price.forwards == count * 2 * len(drawing(planned, "ddpm").methods)
    shape = family_of(net.config()).shape(net.config())
    assert price.gmacs == pytest.approx(price.forwards * shape.macs / 1e9)
    assert drawing(planned, "ag").forwards == pytest.approx(
        len(drawing(planned, "ag").methods) * (1 + 3 / 4), rel=0.01
    )


def test_guided_channels_are_part_of_the_key_and_all_of_them_never_were(study):
    """CFG on all channels is recorded as it was before the choice."""
    planned = study.plan(scale="smoke")
    specs = {
        r: planned.nodes[planned.sets["dits", r, 0].segments[0]].spec for r in ("cfg", "cfg-3")
    }
    ((_, fields),) = specs["cfg"]["steps"]
    assert fields == {"method": "cfg", "weight": 2.0}
    assert specs["cfg-3"]["steps"][0][1] == fields | {"channels": 3}
    assert planned.groups["cells/dits/cfg-3"].facts["row"]["guidance"][0]["channels"] == 3
    assert CFG(weight=2.0).model_dump(mode="json") == fields


def test_a_folder_of_ours_is_the_same_network(study, net, tmp_path):
    one = drawing(study.plan(scale="smoke"), "cfg")
    saved(net, tmp_path / "ours")
    study.edit(("pretrained", "dit", "path"), "ours", SMOKE)
    planned = study.plan(scale="smoke")
    other = drawing(planned, "cfg")
    assert other.model != one.model
    assert other.start == one.start
    weights = load(built(planned, other.model, tmp_path / "store"))
    assert weights.config() == net.config()
    assert all(
        torch.equal(a, b) for a, b in zip(weights.parameters(), net.parameters(), strict=True)
    )


@pytest.mark.parametrize("kind", ["dit", "sit"])
def test_an_imported_checkpoint_fills_rows_and_is_taken_apart(study, tmp_path, kind):
    """Rows of the network itself, one guided by a part of it, and one that it guides."""
    torch.save(released(side=6, classes=30), tmp_path / "public.pt")
    import_checkpoint(Path("public.pt"), kind, "public", "heads=4")
    study.edit(("pretrained", "dit", "path"), "data/networks/public", SMOKE)
    rows = {name: ROWS[name] for name in ("none", "cfg-3", "ag")}
    study.edit(("tables", "dits", "rows"), rows, SMOKE)
    study.edit(("guidance", "slg", "blocks"), [1], SMOKE)
    planned = study.plan(scale="smoke")
    assert ("initial_std" in drawing(planned, "ag").start) == (kind == "dit")
    for row in rows:
        (key,) = planned.sets["dits", row, 0].segments
        x = load_file(built(planned, key, tmp_path / "store") / "state.safetensors")["x"]
        assert torch.isfinite(x).all()
    part = load(built(planned, drawing(planned, "ag").nets["part"], tmp_path / "store"))
    assert part.depth == DEPTH - 1


def test_it_is_planned_and_priced_before_the_weights_are_there(study):
    said = {"path": "absent", "network": NETWORK | {"schedule": LEADING}}
    study.edit(("pretrained", "dit"), said, SMOKE)
    assert drawing(study.plan(scale="smoke"), "ddpm").start["times"][0] < 1


BAD = {
    # what: path, value, words of the sentence
    "shift": (("sampling", "shift"), 3.0, r"rows\.\S+model: 'dit' knows the times .* set it to 1"),
    "too many steps": (
        ("tables", "dits", "rows", "ddpm", "steps"),
        1001,
        r"rows\.ddpm\.model: the network knows 1000 timesteps; set steps to 1000 or less",
    ),
    "ddpm of a SiT": (
        ("tables", "dits", "rows", "base", "solver"),
        "ddpm",
        r"rows\.base\.model: solver ddpm needs the variance of each step, which 'base' does not",
    ),
    "trained here": (("models", "dit"), NETWORK, r"models\.dit\.kind: a dit is not trained here"),
    "direction of time": (
        ("pretrained", "dit"),
        {"path": "dit.pt", "network": NETWORK, "time": "data-at-one"},
        r"pretrained\.dit\.time: a dit has its direction of time from its kind; drop it",
    ),
    "DiT guides SiT": (
        ("tables", "dits", "rows", "base", "guidance"),
        "ag",
        r"rows\.base\.guidance: 'part' knows the times of its own noise schedule alone",
    ),
    "first block": (("weak", "part", "part"), {"skip": [0]}, "first block of a DiT"),
    "mid head": (("weak", "part", "part"), "head", "needs a network with a mid-depth head"),
    "patch": (
        ("pretrained", "dit", "network"),
        NETWORK | {"patch": 4},
        r"network\.patch: must divide the latents' 6 pixels",
    ),
    "schedule": (
        ("pretrained", "dit", "network"),
        NETWORK | {"schedule": {"beta_schedule": "cosine"}},
        r"network\.schedule\.beta_schedule: must be 'linear' or 'scaled_linear', not 'cosine'",
    ),
    "channels": (("guidance", "cfg-3", "channels"), 0, r"cfg-3\S*channels: must be above"),
    "channels of another method": (
        ("guidance", "slg", "channels"),
        3,
        r"guidance\.slg\S*channels: unknown key",
    ),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_mistakes_are_sentences_with_their_key(study, bad):
    path, value, words = BAD[bad]
    study.edit(path, value, SMOKE)
    with pytest.raises(UserError, match=words) as refusal:
        study.plan(scale="smoke")
    assert "\n" not in str(refusal.value)


def test_ddpm_needs_a_variance(study, tmp_path):
    saved(random_dit(classes=30, learn_sigma=False), tmp_path / "plain")
    study.edit(("pretrained", "dit", "path"), "plain", SMOKE)
    with pytest.raises(UserError, match=r"rows\.ddpm\.model: solver ddpm .* DiT with learn_sigma"):
        study.plan(scale="smoke")


def change(folder, file, **entries):
    path = folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


SPOILT = {
    "another pipeline": (
        lambda f: change(f, "model_index.json", _class_name="StableDiffusion3Pipeline"),
        "is of StableDiffusion3Pipeline, not of DiTPipeline",
    ),
    "another transformer": (
        lambda f: change(f, "transformer/config.json", _class_name="SD3Transformer2DModel"),
        "the transformer is a SD3Transformer2DModel, and not a DiTTransformer2DModel",
    ),
    "no scheduler": (
        lambda f: (f / "scheduler/scheduler_config.json").unlink(),
        r"there is no dit/scheduler/scheduler_config\.json",
    ),
    "no configuration": (
        lambda f: (f / "transformer/config.json").unlink(),
        r"there is no dit/transformer/config\.json",
    ),
    "flow matching": (
        lambda f: FlowMatchEulerDiscreteScheduler().save_pretrained(f / "scheduler"),
        "the scheduler is a FlowMatchEulerDiscreteScheduler",
    ),
    "clipping": (
        lambda f: DDIMScheduler().save_pretrained(f / "scheduler"),
        "the scheduler's clip_sample clips",
    ),
    "no weights": (
        lambda f: (f / "transformer/diffusion_pytorch_model.safetensors").unlink(),
        r"there is no dit/transformer/diffusion_pytorch_model\.safetensors",
    ),
    "pickles": (
        lambda f: (f / "transformer/diffusion_pytorch_model.safetensors").rename(
            f / "transformer/diffusion_pytorch_model.bin"
        ),
        "only safetensors are read",
    ),
    "cut": (
        lambda f: (f / "transformer/diffusion_pytorch_model.safetensors").write_bytes(b"cut"),
        "is not a whole safetensors file",
    ),
    "no JSON": (
        lambda f: (f / "transformer/config.json").write_text("{"),
        "cannot be read as JSON",
    ),
    "latents": (
        lambda f: change(f, "transformer/config.json", sample_size=8),
        "reads 4 channels of 8 x 8 and the study's latents are 4 channels of 6",
    ),
    "channels": (
        lambda f: change(f, "transformer/config.json", out_channels=5),
        "gives 4, or 8 with their variance, and not 5",
    ),
    "classes": (
        lambda f: change(f, "transformer/config.json", num_embeds_ada_norm=10),
        "knows 10 classes and not 30",
    ),
}  # fmt: skip


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_bad_folder_is_refused_before_anything_runs(study, tmp_path, spoilt):
    spoil, words = SPOILT[spoilt]
    spoil(tmp_path / "dit")
    with pytest.raises(UserError, match=words) as refusal:
        study.load(scale="smoke")
    assert "pretrained.dit" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_weights_of_another_depth_are_refused_when_read(study, tmp_path):
    change(tmp_path / "dit", "transformer/config.json", num_layers=5)
    planned = study.plan(scale="smoke")
    with pytest.raises(UserError, match=r"transformer_blocks\.4\.\S+ is missing"):
        built(planned, drawing(planned, "cfg").model, tmp_path / "store")


def test_a_folder_of_another_schedule_than_said_is_refused_when_read(study, tmp_path):
    study.edit(("pretrained", "dit", "network"), NETWORK, SMOKE)  # without a word: the release's
    planned = study.plan(scale="smoke")
    with pytest.raises(UserError, match=r"its schedule is .*leading.* and not .*linspace"):
        built(planned, drawing(planned, "cfg").model, tmp_path / "store")


def test_a_published_folder_of_old_is_read():
    """Its class was Transformer2DModel, with arguments that DiT's own class does not have."""
    from w2s.models.dit import config_from

    known = config(
        classes=1000, latents=(4, 32, 32), hidden=None, depth=None, heads=None, size="XL"
    )
    old = {"_class_name": "Transformer2DModel", "cross_attention_dim": None, "num_vector_embeds": 7}
    old |= {key: value for key, value in known.items() if key not in ("kind", "schedule")}
    found = config_from(old, {"_class_name": "DDIMScheduler", "clip_sample": False})
    assert {key: found[key] for key in known if key != "schedule"} == {
        key: value for key, value in known.items() if key != "schedule"
    }
    assert Schedule(**found["schedule"]) == Schedule(**LEADING)
    with pytest.raises(UserError, match="the transformer is a Transformer2DModel"):
        config_from(old | {"norm_type": "layer_norm"}, {})
