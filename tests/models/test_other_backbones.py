"""A network of another kind goes through everything by its entry in the registry alone."""

import pytest
import torch
from node_builds import built
from safetensors.torch import load_file
from toy_backbone import CONFIG, Toy, ToyFamily, saved

from w2s.guidance.base import HEAD, NULL, STRONG, Signal
from w2s.models.load import load
from w2s.models.registry import FAMILIES
from w2s.plan.estimate import Estimator
from w2s.sampling.trajectories import decode

SMOKE = "scales/smoke/pictures.yaml"
GUIDANCE = {
    "cfg": {"method": "cfg", "weight": 2},
    "slg": {"method": "skip_layer", "blocks": [1], "weight": 2},
    "mid": {"method": "internal", "weight": 2},
    "ag": {"method": "autoguidance", "weak": "toy-head", "weight": 2},
    "ag-skip": {"method": "autoguidance", "weak": "toy-skip", "weight": 2},
    "sgg": [
        {"window": [0.5, 1], "method": "cfg", "weight": 2},
        {"window": [0, 0.5], "method": "autoguidance", "weak": "toy-head", "weight": 2},
    ],
}
ROWS = {"none": {"model": "toy"}} | {
    name: {"model": "toy", "guidance": name} for name in GUIDANCE
}  # fmt: skip
MACS = CONFIG["depth"] * CONFIG["width"] ** 2


@pytest.fixture
def net(monkeypatch):
    monkeypatch.setitem(FAMILIES, "toy", ToyFamily())
    torch.manual_seed(0)
    return Toy(CONFIG).eval()


@pytest.fixture
def study(study_folder, net, tmp_path):
    """The smoke study with one table, whose every row samples the toy network."""
    saved(net, tmp_path / "toy")
    study_folder.edit(("pretrained",), {"toy": {"path": "toy"}}, SMOKE)
    weak = {"toy-head": "head", "toy-skip": {"skip": [0]}}
    parts = {name: {"recipe": "toy", "part": part} for name, part in weak.items()}
    study_folder.edit(("weak",), parts, SMOKE)
    study_folder.edit(("guidance",), GUIDANCE | {"s2": {"droppable": [1, 3]}}, SMOKE)
    table = {"title": "Toys", "columns": ["fd", "forwards"], "baseline": "none", "rows": ROWS}
    study_folder.edit(("tables",), {"toys": table}, SMOKE)
    return study_folder


def final(planned, row, root):
    """A row's samples in order, its shards together."""
    shards = [
        load_file(built(planned, key, root) / "state.safetensors")
        for key in planned.sets["toys", row, 0].segments
    ]
    order = torch.cat([shard["index"] for shard in shards]).argsort()
    return torch.cat([shard["x"] for shard in shards])[order]


def test_it_is_sampled_under_every_guidance_as_by_hand(study, net, tmp_path):
    planned, parts = study.plan(scale="smoke"), {}
    for name in ("head", "skip"):
        drawing = planned.sets["toys", {"head": "ag", "skip": "ag-skip"}[name], 0].drawing
        parts[name] = load(built(planned, drawing.nets[f"toy-{name}"], tmp_path / "store"))
    assert (parts["head"].depth, parts["skip"].depth) == (2, 2)
    for row in ROWS:
        made = final(planned, row, tmp_path / "store")
        drawing = planned.sets["toys", row, 0].drawing
        expected = by_hand(net, parts, drawing, tmp_path / "store", planned)
        assert (made - expected).norm() <= 1e-5 * expected.norm(), row


@torch.no_grad()
def by_hand(net, parts, drawing, root, planned):
    """The trajectory from the same noise, every signal a full pass of its own."""
    from w2s.sampling.noise import initial_noise

    start = drawing.start
    samples = [(seed, i) for seed in start["seeds"] for i in range(start["per_seed"])]
    x = initial_noise(samples, start["shape"])
    y = torch.tensor([i % CONFIG["classes"] for _, i in samples])
    for step, method in enumerate(drawing.methods):
        t, after = start["times"][step : step + 2]
        wanted = (STRONG,) if method is None else method.signals()
        v = {signal: one(net, parts, signal, x, t, y) for signal in wanted}
        guided = v[STRONG] if method is None else method.combine(v, x, t, None)
        x = x + (after - t) * guided
    return x


def one(net, parts, signal, x, t, y):
    main = net if signal.net == "main" else parts[signal.net.removeprefix("toy-")]
    y = torch.full_like(y, CONFIG["classes"]) if signal.null else y
    state = main.embed(x, torch.full((len(x),), t), y)
    for i in range(main.head_at if signal.head else main.depth):
        state = state if i in signal.skip else main.block(i, state)
    return main.read_head(state) if signal.head else main.readout(state)


def test_three_shards_and_other_cuts_give_the_same_bytes(study, tmp_path):
    whole = study.plan(scale="smoke")
    rows = {row: final(whole, row, tmp_path / "store") for row in ("sgg", "cfg")}
    study.edit(("sampling", "shards"), 3, SMOKE)
    sharded = study.plan(scale="smoke")
    assert len(sharded.sets["toys", "sgg", 0].segments) == 3
    for row, x in rows.items():
        assert torch.equal(final(sharded, row, tmp_path / "shards"), x)
    study.edit(("sampling", "shards"), 1, SMOKE)
    study.edit(("tables", "toys", "rows"), {n: ROWS[n] for n in ("none", "sgg")}, SMOKE)
    alone = study.plan(scale="smoke")
    assert len(chain(alone, "sgg")) < len(chain(whole, "sgg"))
    assert torch.equal(final(alone, "sgg", tmp_path / "alone"), rows["sgg"])


def chain(planned, row):
    (key,), keys = planned.sets["toys", row, 0].segments, []
    while key:
        keys.append(key)
        (key,) = planned.nodes[key].helpers.get("from", (None,))
    return keys


def test_it_is_priced_by_blocks_and_by_its_own_work(study):
    loaded = study.load(scale="smoke").part()
    planned = study.plan(scale="smoke")
    forwards = {row: planned.sets["toys", row, 0].drawing.forwards / 4 for row in ROWS}
    assert forwards["none"] == forwards["mid"] == 1
    assert forwards["cfg"] == 2
    assert forwards["slg"] == pytest.approx((3 + 1) / 3)
    assert forwards["ag"] == forwards["ag-skip"] == pytest.approx(1 + 2 / 3)
    (key,) = planned.sets["toys", "none", 0].segments
    price = Estimator(loaded, planned).of(planned.nodes[key])
    steps = len(decode(planned.nodes[key].spec["steps"])) - start_of(planned, key)
    assert price.forwards == 60 * steps
    assert price.gmacs == pytest.approx(price.forwards * MACS / 1e9)


def start_of(planned, key):
    before = planned.nodes[key].helpers.get("from")
    return planned.nodes[before[0]].spec["stop"] if before else 0


def test_what_it_does_not_have_is_refused_with_the_key(study):
    from w2s.errors import UserError

    for path, value, said in [
        (("weak", "toy-skip", "part"), {"skip": [3]}, "weak.toy-skip.part: cannot skip block 3"),
        (("guidance", "slg", "blocks"), [3], "rows.slg.guidance: .* blocks are 0 to 2"),
    ]:
        study.edit(path, value, SMOKE)
        with pytest.raises(UserError, match=said):
            study.plan(scale="smoke")
        study.edit(path, {"skip": [0]} if path[0] == "weak" else [1], SMOKE)


def test_signals_that_share_leading_layers_share_their_work(net):
    from w2s.conditions.base import Condition
    from w2s.sampling.denoiser import Denoiser

    denoiser = Denoiser(net, precision="fp32", batched=True)
    y = torch.tensor([0, 3])
    condition = Condition((y,), (torch.full_like(y, CONFIG["classes"]),))
    x = torch.randn(2, *CONFIG["latents"])
    signals = [STRONG, NULL, HEAD, Signal(skip=(2,))]
    made = denoiser(x, 0.3, condition, signals)
    for signal in signals:
        assert torch.allclose(made[signal], one(net, {}, signal, x, 0.3, y), atol=1e-6)
    assert denoiser.blocks_run["main"] == 2 * 3
