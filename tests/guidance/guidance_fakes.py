"""Small stand-ins for a denoiser: predictions and steps to combine them in."""

from itertools import chain

import torch

from w2s.guidance.base import HEAD, NULL, STRONG, Signal, State, Step
from w2s.guidance.registry import METHODS

NULL_HEAD = Signal(null=True, head=True)
WEAK = Signal(net="small")
SKIP = Signal(skip=(2, 3))
KNOWN = (STRONG, NULL, HEAD, NULL_HEAD, WEAK, SKIP)

AFFINE = [name for name in METHODS if METHODS[name].affine]
NONLINEAR = [name for name in METHODS if not METHODS[name].affine]


def make(name, **arguments):
    """The method of this name with the arguments it cannot do without."""
    return METHODS[name](**METHODS[name].example | arguments)


def step(index=0, first=0, last=None, steps=8, shift=1.0):
    """A step of an evenly spaced trajectory, its times shifted towards noise."""
    even = [1 - i / steps for i in range(steps + 1)]
    times = tuple(shift * t / (1 + (shift - 1) * t) for t in even)
    return Step(index=index, times=times, first=first, last=steps if last is None else last)


def weak_signals(name):
    """The signals that a method's example extrapolates from: nearly always one."""
    return make(name, weight=0.0).at(step()).signals()


def weak_prediction(name, v, x, at):
    """What the weak signals come to."""
    (first, *others) = weak_signals(name)
    return v[first] if not others else run(make(name, weight=0.0), v, x, at)


ALL = tuple(dict.fromkeys([*KNOWN, *chain.from_iterable(map(weak_signals, METHODS))]))
SCHEDULED = [n for n in METHODS if METHODS[n].model_fields["weight"].annotation is not float]

SLOPES = dict(zip(KNOWN, (0.9, 0.4, 0.7, 0.2, 0.6, 0.5), strict=True))
SHIFTS = dict(zip(KNOWN, (0.3, -0.2, 0.1, 0.5, -0.4, 0.2), strict=True))


def linear(x):
    """The predictions of a denoiser that is linear in x, in its own way for each signal."""
    return {s: SLOPES[s] * x + SHIFTS[s] for s in KNOWN}


def batch(n=3, seed=0, shape=(4, 6, 6), signals=ALL):
    """Random x and one random prediction per signal, correlated as real ones are."""
    g = torch.Generator().manual_seed(seed)
    x, common = (torch.randn(n, *shape, generator=g) for _ in range(2))
    return x, {s: common + 0.3 * torch.randn(n, *shape, generator=g) for s in signals}


def run(method, v, x, at, state=None):
    """What the sampling loop does with a method in one step, given every prediction."""
    resolved = method.at(at)
    if resolved is None:
        return v[STRONG]
    asked = {s: v[s] for s in resolved.signals()}
    return resolved.combine(asked, x, at.t, State() if state is None else state)
