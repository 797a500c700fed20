"""AdamW equals torch's own, skips frozen parameters, and goes on as if never stopped."""

import torch
from torch import nn

from w2s.training.adamw import AdamW


def network():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))
    net[0].bias.requires_grad_(False)
    return net


def backward(net, seed):
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(seed))
    net(x).square().sum().backward()


def same(a, b):
    return all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


def test_it_equals_the_optimizer_class():
    ours, theirs = network(), network()
    adam = AdamW(ours, (0.9, 0.99), 0.1)
    trained = [p for p in theirs.parameters() if p.requires_grad]
    reference = torch.optim.AdamW(trained, 0.05, (0.9, 0.99), weight_decay=0.1, fused=True)
    for seed in range(5):
        backward(ours, seed)
        adam.step(0.05)
        backward(theirs, seed)
        reference.step()
        reference.zero_grad()
    assert same(ours, theirs)
    assert torch.equal(ours[0].bias, network()[0].bias)


def test_its_tensors_are_its_whole_state():
    whole, stopped = network(), network()
    adam, first = AdamW(whole, (0.9, 0.99), 0.0), AdamW(stopped, (0.9, 0.99), 0.0)
    for net, optimizer in ((whole, adam), (stopped, first)):
        backward(net, 1)
        optimizer.step(0.05)
    second = AdamW(stopped, (0.9, 0.99), 0.0)
    second.load({name: value.clone() for name, value in first.tensors().items()})
    for net, optimizer in ((whole, adam), (stopped, second)):
        backward(net, 2)
        optimizer.step(0.05)
    assert same(whole, stopped)
