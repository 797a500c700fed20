"""Strong minus weak: against forwards written out, for the samples in the window only, counted."""

import pytest
import torch

from w2s.models.sit_network import SiT
from w2s.training.batches import Batch
from w2s.training.objectives import objective_from
from w2s.training.signals import Taps, fork_of, strong_minus_weak

TIMES = torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9, 0.8])
LABELS = torch.tensor([0, 1, 2, 0, 1, 3])  # the last one dropped


def network(seed):
    torch.manual_seed(seed)
    net = SiT(
        input_size=4, patch_size=2, in_channels=2, hidden_size=16, depth=4, num_heads=2,
        num_classes=3, head_at=2,
    )  # fmt: skip
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return net


@pytest.fixture
def world():
    torch.manual_seed(9)
    x = torch.randn(6, 2, 4, 4)
    return Batch(x, torch.randn_like(x), TIMES, LABELS, TIMES, LABELS), [
        network(s) for s in range(3)
    ]


def gap_and_cost(fields, world):
    batch, (net, ema, weak) = world
    objective = objective_from(fields)
    seen = Taps(net, True, fork_of(objective))(batch.x, batch.t, batch.y)
    return strong_minus_weak(objective, batch, seen, net, ema, weak)


def head(net, x, t, y):
    return net.read_head(net.block(1, net.block(0, net.embed(x, t, y))))


def expected(fields, world):
    """The difference for every sample, each prediction by a forward of its own."""
    batch, (net, ema, weak) = world
    x, t, y = batch.x, batch.t, batch.y
    read = ema if fields.get("weak_ema") else net
    return (
        read(x, t, y)
        - {
            "mg": lambda: read(x, t, torch.full_like(y, 3)),
            "br": lambda: head(read, x, t, y),
            "slg": lambda: net(x, t, y, skip=(1, 3)),
            "ag": lambda: weak(x, t, y),
        }[fields["name"]]()
    )


@pytest.mark.parametrize(
    ("fields", "forwards"),
    [
        ({"name": "mg", "weak_ema": True}, 2),
        ({"name": "mg", "weak_ema": False}, 1),
        ({"name": "br", "weak_ema": False}, 0),
        ({"name": "br", "weak_ema": True}, 1),
        ({"name": "slg", "skip": [1, 3]}, 1 / 4),
        ({"name": "ag"}, 1),
    ],
)
def test_each_signal_inside_its_window(world, fields, forwards):
    gap, cost = gap_and_cost(fields | {"window": [0.3, 0.8]}, world)
    inside = (TIMES >= 0.3) & (TIMES <= 0.8)
    if fields["name"] == "mg":
        inside &= LABELS != 3  # a dropped label makes no pair
    assert not gap.requires_grad
    assert not gap[~inside].any()
    torch.testing.assert_close(gap[inside], expected(fields, world)[inside])
    assert cost == pytest.approx(forwards * int(inside.sum()))


def test_segments_take_one_signal_each(world):
    gap, cost = gap_and_cost({"name": "sgg", "tau": 0.5}, world)
    low, high = TIMES <= 0.5, (TIMES > 0.5) & (LABELS != 3)
    cag = expected({"name": "br"}, world)
    cdg = expected({"name": "mg", "weak_ema": True}, world)
    torch.testing.assert_close(gap[low], cag[low])
    torch.testing.assert_close(gap[high], cdg[high])
    assert not gap[~(low | high)].any()
    assert cost == 2 * int(high.sum())


def test_a_window_without_samples_runs_nothing(world):
    gap, cost = gap_and_cost({"name": "mg", "window": [0.31, 0.32]}, world)
    assert not gap.any()
    assert cost == 0


def test_taps_do_not_change_the_prediction(world):
    batch, (net, *_) = world
    seen = Taps(net, True, 2)(batch.x, batch.t, batch.y)
    assert torch.equal(seen.v, net(batch.x, batch.t, batch.y))
    assert torch.equal(seen.head, head(net, batch.x, batch.t, batch.y))
