"""Networks of points: work and weights counted exactly, parts that are networks of their own."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from w2s.conditions.labels import Labels
from w2s.errors import UserError
from w2s.guidance.base import HEAD, NULL, STRONG, Signal
from w2s.models.load import build
from w2s.models.mlp import MLPParams
from w2s.models.registry import family_of, shape_of
from w2s.sampling.denoiser import Denoiser

CONFIG = {"kind": "mlp", "hidden": 8, "depth": 4, "classes": 3, "head_at": 2}
PARTS = ["head", {"skip": [1]}, {"skip": [0, 3]}, "full"]


def random_mlp(seed=0, **changes):
    """An MLP whose every block does something."""
    torch.manual_seed(seed)
    net = build(CONFIG | changes)
    for block in net.blocks:
        torch.nn.init.normal_(block.outer.weight, std=0.3)
    return net.eval()


def inputs(n=6):
    torch.manual_seed(7)
    return torch.randn(n, 2, 1, 1), torch.rand(n), torch.arange(n) % 4


@torch.no_grad()
def alone(net, x, t, y, skip=(), head=False):
    """One prediction, a pass of its own."""
    state = net.embed(x, t, y)
    for i in range(net.head_at if head else net.depth):
        state = state if i in skip else net.block(i, state)
    return (net.read_head if head else net.readout)(state)


@pytest.mark.parametrize("changes", [{}, {"head_at": None, "depth": 1}, {"classes": 24}])
def test_weights_are_counted_exactly(changes):
    net = build(CONFIG | changes)
    assert net.config() == CONFIG | changes
    weights = sum(value.numel() for value in net.state_dict().values())
    assert family_of(net.config()).parameters(net.config()) == weights


@torch.no_grad()
def test_work_is_counted_exactly():
    """The flop counter sees each multiply-accumulate as two operations."""
    net, (x, t, y) = random_mlp(), inputs(n=1)
    state = net.embed(x, t, y)
    with FlopCounterMode(display=False) as counter:
        for i in range(net.depth):
            state = net.block(i, state)
    shape = shape_of(net.config())
    assert shape.macs == counter.get_total_flops() / 2
    assert (shape.depth, shape.head_at, shape.tokens) == (4, 2, 1)


def test_it_reads_points_times_and_classes():
    net, (x, t, y) = random_mlp(), inputs()
    v = alone(net, x, t, y)
    assert v.shape == x.shape == (6, *family_of(CONFIG).latents(CONFIG))
    assert family_of(CONFIG).classes(CONFIG) == net.null_class == 3
    for other in (alone(net, x + 1, t, y), alone(net, x, t / 2, y), alone(net, x, t, (y + 1) % 4)):
        assert ((other - v).flatten(1).norm(dim=1) > 1e-3).all(), "each sample by itself"


@pytest.mark.parametrize("part", PARTS)
def test_a_part_predicts_what_the_whole_network_does_in_its_place(part):
    net, given = random_mlp(), inputs()
    family = family_of(CONFIG)
    weights, config = family.take(net.state_dict(), CONFIG, part)
    taken = build(config)
    taken.load_state_dict(weights)
    assert config == family.part_config(CONFIG, part)
    head, skip = part == "head", part["skip"] if isinstance(part, dict) else ()
    assert torch.equal(alone(taken.eval(), *given), alone(net, *given, skip, head))
    assert taken.depth == len(family.kept(CONFIG, part))
    assert taken.head_at == (2 if part == "full" else None)


@pytest.mark.parametrize(
    ("part", "said"),
    [("head", "needs a network with a mid-depth head"), ({"skip": [4]}, "blocks are 0 to 3")],
)
def test_a_part_that_is_not_there_is_refused(part, said):
    with pytest.raises(UserError, match=said):
        family_of(CONFIG).part_config(CONFIG | {"head_at": None}, part)


@pytest.mark.parametrize("batched", [False, True])
def test_signals_that_share_blocks_are_those_of_separate_passes(batched):
    net, weak = random_mlp(), random_mlp(1, hidden=4, depth=2, head_at=None)
    denoiser = Denoiser(net, {"weak": weak}, batched=batched)
    x, _, y = inputs()
    y = y % 3
    signals = {
        STRONG: (net, y, {}),
        NULL: (net, torch.full_like(y, 3), {}),
        HEAD: (net, y, {"head": True}),
        Signal(skip=(2,)): (net, y, {"skip": (2,)}),
        Signal(skip=(0, 3)): (net, y, {"skip": (0, 3)}),
        Signal(net="weak"): (weak, y, {}),
    }
    made = denoiser(x, 0.3, Labels(3).condition(y), signals)
    for signal, (used, label, how) in signals.items():
        expected = alone(used, x, torch.full((6,), 0.3), label, **how)
        torch.testing.assert_close(made[signal], expected, atol=1e-6, rtol=1e-5)
    # Blocks 2 and 3 after two shared ones, block 3 alone, and 1 and 2 without the first.
    assert denoiser.blocks_run["main"] == 4 + 4 + 1 + 2


def test_low_precision_rounds_and_does_no_more():
    net, (x, _, y) = random_mlp(), inputs()
    condition = Labels(3).condition(y % 3)
    exact = Denoiser(net)(x, 0.3, condition, [STRONG])[STRONG]
    for weights in ("fp32", "bf16"):
        net = random_mlp()
        low = Denoiser(net, precision="bf16", weights=weights)(x, 0.3, condition, [STRONG])[STRONG]
        assert 0 < (low - exact).norm() < 0.05 * exact.norm()


def test_a_block_is_the_identity_at_first():
    torch.manual_seed(0)
    net = build(CONFIG)
    assert torch.equal(alone(net, *inputs()), alone(net, *inputs(), skip=range(4)))


def test_an_entry_under_models_says_what_is_built():
    params = MLPParams(kind="mlp", hidden=64, head_at=2)
    assert list(params.mistakes((2, 1, 1))) == []
    net = build(params.config((2, 1, 1), classes=24))
    assert (net.depth, net.head_at, net.null_class) == (4, 2, 24)
    (mistake,) = params.model_copy(update={"head_at": 4}).mistakes((2, 1, 1))
    assert mistake == ("head_at", "must be below the depth of 4 blocks")
    ((key, what),) = params.mistakes((4, 6, 6))
    assert key == "kind"
    assert "latents have 4 channels of 6 x 6 pixels" in what
