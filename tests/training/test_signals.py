"""Pushes: against forwards written out, for the samples in the window only, and counted."""

from itertools import product

import pytest
import torch

from w2s.conditions.base import Condition
from w2s.models.sit_network import SiT
from w2s.training.batches import Batch
from w2s.training.objectives import objective_from
from w2s.training.signals import Taps, pushes

TIMES = torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9, 0.8, 0.4])
LABELS = torch.tensor([0, 1, 2, 0, 1, 3, 3])  # the last two dropped
NULL = torch.full_like(LABELS, 3)
DEPTH, HEAD_AT = 5, 3


def network(seed, depth=DEPTH):
    torch.manual_seed(seed)
    net = SiT(
        input_size=4, patch_size=2, in_channels=2, hidden_size=16, depth=depth, num_heads=2,
        num_classes=3, head_at=HEAD_AT if depth == DEPTH else None,
    )  # fmt: skip
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return net


@pytest.fixture
def world():
    torch.manual_seed(9)
    x = torch.randn(len(TIMES), 2, 4, 4)
    batch = Batch(x, torch.randn_like(x), TIMES, Condition((LABELS,), (NULL,)), TIMES, LABELS == 3)
    return batch, (network(0), network(1), network(2, depth=2))


def push_and_cost(fields, world):
    batch, (net, ema, weak) = world
    objective = objective_from(fields)
    seen = Taps(net, True, objective)(batch.x, batch.t, LABELS)
    return pushes(objective, batch, seen, net, ema, weak)


def naive(net, batch, *, null=False, skip=(), head=False):
    """One prediction by a forward of its own."""
    state = net.embed(batch.x, batch.t, NULL if null else LABELS)
    for i in range(HEAD_AT if head else net.depth):
        if i not in skip:
            state = net.block(i, state)
    return (net.read_head if head else net.readout)(state).detach()


def gap(world, away_from, skip=(), weak_ema=False):
    """Strong minus weak of every sample."""
    batch, (net, ema, weak) = world
    source = ema if weak_ema else net
    strong = naive(source, batch)
    if away_from == "weak":
        return strong - naive(weak, batch)
    null, head = away_from == "unconditional", away_from == "head"
    return strong - naive(source, batch, null=null, skip=skip, head=head)


# Blocks on top of the pass with gradient, of DEPTH: (away_from, skip), in training and by the EMA.
COST = {
    ("unconditional", ()): (DEPTH, 2 * DEPTH),
    ("unconditional", (1, 3)): (3, DEPTH + 3),
    ("unconditional", (0,)): (4, DEPTH + 4),
    ("head", ()): (0, DEPTH),
    ("head", (1,)): (1, DEPTH + 1),
    ("head", (4,)): (0, DEPTH),
    ("skipped", (1, 3)): (2, DEPTH + 2),
    ("skipped", (0,)): (4, DEPTH + 4),
    ("skipped", (4,)): (0, DEPTH),
    ("weak", ()): (DEPTH, 2 * DEPTH),  # counted in forwards of the weak network
}


@pytest.mark.parametrize(("signal", "weak_ema"), list(product(COST, [False, True])))
def test_each_signal_is_that_of_full_forwards(world, signal, weak_ema):
    away_from, skip = signal
    window = {"window": [0.3, 0.8], "away_from": away_from, "scale": 0.25, "weak_ema": weak_ema}
    window |= {"skip": list(skip)} if skip else {}
    push, cost = push_and_cost({"name": "windows", "windows": [window]}, world)
    inside = (TIMES > 0.3) & (TIMES <= 0.8)
    if signal == ("unconditional", ()):
        inside &= LABELS != 3  # a dropped label makes no pair
    assert not push.requires_grad
    assert not push[~inside].any()
    wanted = 0.25 * gap(world, away_from, skip, weak_ema)
    assert wanted[inside].abs().min() > 0
    torch.testing.assert_close(push[inside], wanted[inside])
    assert cost == pytest.approx(COST[signal][weak_ema] / DEPTH * int(inside.sum()))


@pytest.mark.parametrize(
    ("fields", "away_from", "skip"),
    [
        ({"name": "mg"}, "unconditional", ()),
        ({"name": "mg", "weak_ema": True}, "unconditional", ()),
        ({"name": "br"}, "head", ()),
        ({"name": "slg", "skip": [1, 3]}, "skipped", (1, 3)),
        ({"name": "ag"}, "weak", ()),
    ],
)
def test_the_named_objectives(world, fields, away_from, skip):
    push, _ = push_and_cost(fields | {"scale": 0.4}, world)
    wanted = 0.4 * gap(world, away_from, skip, fields.get("weak_ema", False))
    torch.testing.assert_close(push, wanted)  # of a dropped label, by the null branch: zero


def test_segments_take_one_signal_each_with_its_own_strength(world):
    push, cost = push_and_cost({"name": "sgg", "scale": [0.2, 0.5], "tau": 0.5}, world)
    low, high = TIMES <= 0.5, (TIMES > 0.5) & (LABELS != 3)
    torch.testing.assert_close(push[low], 0.5 * gap(world, "head")[low])
    torch.testing.assert_close(push[high], 0.2 * gap(world, "unconditional")[high])
    assert not push[~(low | high)].any()
    assert cost == int(high.sum())


def test_two_windows_that_skip_share_one_pass(world):
    windows = [
        {"window": [0, 0.5], "away_from": "skipped", "skip": [3], "scale": 0.3},
        {"window": [0.5, 1], "away_from": "skipped", "skip": [1, 2], "scale": 0.3},
    ]
    push, cost = push_and_cost({"name": "windows", "windows": windows}, world)
    low = TIMES <= 0.5
    torch.testing.assert_close(push[low], 0.3 * gap(world, "skipped", (3,))[low])
    torch.testing.assert_close(push[~low], 0.3 * gap(world, "skipped", (1, 2))[~low])
    assert cost == pytest.approx((1 * int(low.sum()) + 2 * int((~low).sum())) / DEPTH)


def test_a_window_without_samples_runs_nothing(world):
    push, cost = push_and_cost({"name": "mg", "window": [0.31, 0.32]}, world)
    assert not push.any()
    assert cost == 0


def test_taps_do_not_change_the_prediction(world):
    batch, (net, *_) = world
    seen = Taps(net, True, objective_from({"name": "slg"}))(batch.x, batch.t, LABELS)
    assert torch.equal(seen.v, net(batch.x, batch.t, LABELS))
    assert torch.equal(seen.head, naive(net, batch, head=True))
