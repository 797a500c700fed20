"""What engine and naive sampling are compared on: every method, in every layout of windows."""

import naive_guidance as naive
import torch
from naive_sampler import Window, apg, formula_of, linear, tv_interval, tv_symmetric
from naive_sampler import sample as naive_sample
from pydantic import TypeAdapter

from w2s.guidance.methods.s2 import S2
from w2s.guidance.registry import METHODS
from w2s.guidance.windows import Guidance, resolve
from w2s.sampling.grid import time_grid
from w2s.sampling.loop import sample

TIMES = time_grid(6, shift=2.0)  # 1, .909, .8, .667, .5, .286, 0
DRAWN = {"cfg": 2.0, "droppable": [1, 5], "fraction": 0.5, "masks": 2, "seed": 4}


def plain(formula):
    """A formula of the predictions and x, t alone, as the sampler calls it."""
    return lambda p, i, steps, memory: formula(p)


def drawn(p, i, steps, memory):
    method = S2(weight=1.5, **DRAWN)
    if not 0.1 <= TIMES[i] <= 0.9:
        return naive.cfg(2.0, p.c, p.u)
    return naive.s2(1.5, 2.0, p.c, p.u, [p.k(*blocks) for blocks in method.draw(i)])


def zero_star(p, i, steps, memory):
    return torch.zeros_like(p.x) if i == 0 else naive.cfg_zero_star(2.5, p.c, p.u)


RAMP = {"schedule": "linear", "start": 4.0, "end": 1.5}
BY_HAND = {  # with a state, draws or a schedule of their own, or in which a formula has a limit
    "cfg ramp": ({"weight": RAMP}, linear(4.0, 1.5, lambda w, p: naive.cfg(w, p.c, p.u))),
    "s2": ({"weight": 1.5, **DRAWN}, drawn),
    "tv_cfg": ({"weight": 2.0, "shape": "symmetric"}, tv_symmetric(2.0, TIMES)),
    "tv_cfg interval": (
        {"weight": 2.0, "shape": "interval", "interval": [0.3, 0.95]},
        tv_interval(2.0, 0.3, 0.95, TIMES),
    ),
    "apg": (
        {"weight": 3.0, "momentum": -0.5, "eta": 0.2, "max_norm": 2.0},
        apg(3.0, -0.5, 0.2, 2.0),
    ),
    "cfg_zero_star": ({"weight": 2.5}, zero_star),
    "tcfg": ({"weight": 2.5}, plain(lambda p: tcfg(2.5, p))),
}
ARGUMENTS = {  # beside the examples of all methods
    "cfg below one": {"weight": 0.4},
    "cfg in two channels": {"weight": 2.5, "channels": 2},
    "cfg null in two channels": {"weight": 0.0, "channels": 2},
    "skip_layer on cfg": {"weight": 3.0, "blocks": [1], "cfg": 2.0},
    "internal with cfg": {"weight": 1.6, "cfg": 1.4},
    "cfg_rescale in part": {"weight": 2.5, "rescale": 0.6},
    "mambo_g damped less": {"weight": 6.0, "alpha": 2.0},
}
ARGUMENTS |= {n: {"weight": 2.5, **METHODS[n].example} for n in METHODS if n not in BY_HAND}
CASES = [*BY_HAND, *ARGUMENTS]
LAYOUTS = {  # where the method's window lies, and where the one of CFG beside it
    "empty": ({"window": [0.6, 0.65]}, None),
    "full": ({}, None),
    "single step": ({"window": [0.6, 0.7]}, None),
    "touching": ({"window": [0.6, 1]}, {"window": [0, 0.6]}),
    "touching below": ({"window": [0, 0.6]}, {"window": [0.6, 1]}),
    "blended": ({"window": [0.6, 1], "blend": 0.5}, {"window": [0, 0.6]}),
    "blended below": ({"window": [0, 0.6]}, {"window": [0.6, 1], "blend": 0.5}),
    "blended into nothing": ({"window": [0.6, 1], "blend": 0.5}, None),
}


def tcfg(w, p):
    """On the noise prediction, which at t = 1 is x whatever the velocity: there, the limit."""
    at = min(p.t, 1 - 1e-7)
    return naive.tcfg(w, p.c, p.u, p.x, at)


def name_of(case):
    return next(name for name in case.split() if name in METHODS)


def window(formula, where, other):
    """The naive window of one side of a layout."""
    lo, hi = where.get("window", (0.0, 1.0))
    above = (other or {}).get("blend", 0.0) if (other or {}).get("window", [None])[0] == hi else 0.0
    return Window(formula, lo, hi, where.get("blend", 0.0), above)


def case_of(case):
    """Arguments, weight included, and the naive formula."""
    if case in BY_HAND:
        return BY_HAND[case]
    arguments = dict(ARGUMENTS[case])
    weight = arguments.pop("weight")
    return ARGUMENTS[case], formula_of(name_of(case), weight, arguments)


def compare(engine, predict, condition, shape, case, layout, solver):
    """Draw a case in a layout by the engine and naively; fails where they differ."""
    arguments, formula = case_of(case)
    mine, beside = LAYOUTS[layout]
    guidance = [{"method": name_of(case), **arguments, **mine}]
    windows = [window(formula, mine, beside)]
    if beside:
        guidance.append({"method": "cfg", "weight": 1.7, **beside})
        windows.append(window(plain(lambda p: naive.cfg(1.7, p.c, p.u)), beside, mine))
        windows.sort(key=lambda w: -w.hi)
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    noise = [torch.randn(x.shape, generator=generator).double() for _ in TIMES]
    want = naive_sample(predict, x, TIMES, windows, solver, noise)
    got, _ = sample(
        engine,
        x.float(),
        condition,
        times=TIMES,
        methods=resolve(TypeAdapter(Guidance).validate_python(guidance), TIMES),
        solver=solver,
        noise=lambda step: noise[step].float(),
    )
    assert (got - want).norm() <= 1e-5 * want.norm()
