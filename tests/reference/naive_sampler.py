"""Guided sampling in its most literal form: a full forward per prediction, algebra in float64.

Windows are read off the noise level anew in every step; nothing here uses the project's own
resolution of windows, schedules, signals or solvers.
"""

from dataclasses import dataclass, field
from inspect import signature
from itertools import pairwise

import naive_guidance as naive
import torch

from w2s.guidance.registry import METHODS
from w2s.models.sit_network import SiT


def random_sit(seed, **changes):
    """A small SiT whose every weight is random, adaLN-zero included."""
    config = {"input_size": 4, "patch_size": 2, "in_channels": 3, "hidden_size": 16, "depth": 5}
    net = SiT(**(config | {"num_heads": 2, "num_classes": 4, "head_at": 2} | changes))
    generator = torch.Generator().manual_seed(seed)
    for parameter in net.parameters():
        if parameter.requires_grad:
            draw = torch.randn(parameter.shape, generator=generator)
            parameter.data = draw * (0.9 / parameter[0].numel() ** 0.5 if draw.dim() > 1 else 0.1)
    return net.eval()


@dataclass
class Predictions:
    """The predictions at one (x, t), each a full forward of its own when it is asked for."""

    nets: dict
    given: torch.Tensor  # the condition: labels here
    null: torch.Tensor
    x: torch.Tensor
    t: float

    def _forward(self, net, condition, skip=(), head=False):
        net = self.nets[net]
        state = net.embed(self.x.float(), torch.full((len(self.x),), self.t), condition)
        for i in range(net.head_at if head else net.depth):
            state = state if i in skip else net.block(i, state)
        return (net.read_head if head else net.readout)(state).double()

    c = property(lambda self: self._forward("main", self.given))
    u = property(lambda self: self._forward("main", self.null))
    m = property(lambda self: self._forward("main", self.given, head=True))
    um = property(lambda self: self._forward("main", self.null, head=True))
    s = property(lambda self: self._forward("small", self.given))

    def k(self, *blocks):
        return self._forward("main", self.given, skip=blocks)


class PromptedPredictions(Predictions):
    """The same of diffusers' SD3 transformers; conditions are pairs of text and pooled vectors."""

    def _forward(self, net, condition, skip=()):
        text, pooled = condition
        t = torch.full((len(self.x),), self.t) * 1000
        net, x = self.nets[net], self.x.float()
        return net(x, text, pooled, t, skip_layers=list(skip), return_dict=False)[0].double()


@dataclass
class Window:
    """A method on the noise levels lo < t <= hi, cross-fading over `blend` around lo."""

    formula: object  # (predictions, step number, steps of the window, memory) -> velocity
    lo: float = 0.0
    hi: float = 1.0
    blend: float = 0.0
    blend_above: float = 0.0  # of the window that gives way to this one
    memory: list = field(default_factory=list)

    def acts(self, t):
        upper = self.hi + self.blend_above / 2
        below = t < upper if self.blend_above else t <= upper
        return self.lo - self.blend / 2 < t and below

    def steps(self, times):
        return [i for i, t in enumerate(times[:-1]) if self.acts(t)]

    def share(self, t):
        """How much of the velocity is this window's, where it fades out."""
        if not self.blend:
            return 1.0
        return min(max((t - (self.lo - self.blend / 2)) / self.blend, 0.0), 1.0)


@torch.no_grad()
def sample(predict, x, times, windows, solver, noise):
    """x at the end of the trajectory.

    `predict` gives the `Predictions` at x and t; `noise` lists the standard normal noise of each
    step.
    """
    for i, (t, s) in enumerate(pairwise(times)):
        here = [window for window in windows if window.acts(t)]

        def velocity(x, at, i=i, t=t, here=here):
            p = predict(x, at)
            if not here:
                return p.c
            one = here[0].formula(p, i, here[0].steps(times), here[0].memory)
            share = here[0].share(t)
            if share == 1:
                return one
            if len(here) == 1:
                return share * one + (1 - share) * p.c
            other = here[1].formula(p, i, here[1].steps(times), here[1].memory)
            return share * one + (1 - share) * other

        v = velocity(x, t)
        if solver == "euler":
            x = x + (s - t) * v
        elif solver == "heun":
            ahead = x + (s - t) * v
            x = ahead if s == 0 else x + (s - t) * (v + velocity(ahead, s)) / 2
        else:
            drift = v + (x + (1 - t) * v)  # v - w score / 2 with w = 2 t, score = -eps / t
            x = x + (s - t) * drift
            x = x if s == 0 else x + (2 * t * (t - s)) ** 0.5 * noise[i]
    return x


def formula_of(name, weight, arguments):
    """A method's formula in `naive_guidance`, called with what its parameters ask for."""
    function, method = getattr(naive, name), METHODS[name](weight=weight, **arguments)

    def value(parameter, p):
        if parameter == "w":
            return weight
        if parameter == "k":
            return p.k(*method.blocks)
        return getattr(p if hasattr(p, parameter) else method, parameter)

    def formula(p, i, steps, memory):
        return function(**{name: value(name, p) for name in signature(function).parameters})

    return formula


def apg(w, beta, eta, r):
    """APG step by step: a step's first evaluation is remembered by the steps after it."""

    def formula(p, i, steps, memory):
        earlier = [entry for number, entry in memory if number < i]
        entry = (p.c, p.u, p.x, p.t)
        if i not in [number for number, _ in memory]:
            memory.append((i, entry))
        return naive.apg(w, [*earlier, entry], beta, eta, r)[-1]

    return formula


def linear(start, end, formula):
    """A formula whose weight runs from start to end over the window's steps."""

    def scheduled(p, i, steps, memory):
        progress = (i - steps[0]) / max(len(steps) - 1, 1)
        return formula(start + (end - start) * progress, p)

    return scheduled


def tv_symmetric(w, times):
    """TV-CFG: the published schedule on the window's own time, stretched to unit length."""

    def formula(p, i, steps, memory):
        own = [times[k] for k in (*steps, steps[-1] + 1)]
        unit = [(t - own[-1]) / (own[0] - own[-1]) for t in own]
        return naive.cfg(naive.tv_cfg(w, unit)[i - steps[0]], p.c, p.u)

    return formula


def tv_interval(w, lo, hi, times):
    """TV-CFG: weight 1 outside the interval, inside as much as makes the mean w."""

    def formula(p, i, steps, memory):
        lengths = {k: times[k] - times[k + 1] for k in steps}
        inside = sum(length for k, length in lengths.items() if lo < times[k] < hi)
        weight = 1 + (w - 1) * sum(lengths.values()) / inside if lo < times[i] < hi else 1
        return naive.cfg(weight, p.c, p.u)

    return formula
