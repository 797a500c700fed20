"""Every method against its plain formula, in float32 against float64."""

import naive_guidance as naive
import pytest
import torch

from w2s.guidance.base import HEAD, NULL, STRONG, Signal, State, Step
from w2s.guidance.registry import METHODS

NULL_HEAD, WEAK = Signal(null=True, head=True), Signal(net="small")
SKIPS = tuple(Signal(skip=(i, i + 1)) for i in range(4))
SIGNALS = (STRONG, NULL, HEAD, NULL_HEAD, WEAK, *SKIPS)
TIMES = tuple(i / 8 for i in range(8, -1, -1))


def predictions(seed):
    """x and one prediction per signal: (batch, channels, height, width) in float64."""
    g = torch.Generator().manual_seed(seed)
    x, shared = (torch.randn(3, 4, 8, 8, generator=g, dtype=torch.float64) for _ in range(2))
    return x, {s: shared + 0.4 * torch.randn(x.shape, generator=g).double() for s in SIGNALS}


def ours(name, arguments, seed, index=3):
    x, v = predictions(seed)
    at = Step(index=index, times=TIMES, first=index, last=8)
    method = METHODS[name](**arguments).at(at)
    single = {s: v[s].float() for s in method.signals()}
    return method.combine(single, x.float(), at.t, State()).double()


def close(one, other):
    assert (one - other).norm() <= 1e-5 * other.norm()


def formulas(w, x, v, t):
    """name, arguments and expected velocity of every stateless method."""
    c, u, m, um, s, k = (v[signal] for signal in SIGNALS[:6])
    skip = {"blocks": [0, 1]}
    return [
        ("cfg", {}, naive.cfg(w, c, u)),
        ("cfg", {"channels": 3}, naive.cfg(w, c, u, 3)),
        ("autoguidance", {"weak": "small"}, naive.autoguidance(w, c, s)),
        ("skip_layer", skip, naive.skip_layer(w, c, k, u, 1.0)),
        ("skip_layer", {**skip, "cfg": 4.0}, naive.skip_layer(w, c, k, u, 4.0)),
        ("internal", {}, naive.internal(w, c, m, u, um, 1.0)),
        ("internal", {"cfg": 1.35}, naive.internal(w, c, m, u, um, 1.35)),
        ("adg", {}, naive.adg(w, c, u, x, t)),
        ("cfg_zero_star", {"zero_init": 0}, naive.cfg_zero_star(w, c, u)),
        ("cfg_rescale", {"rescale": 0.7}, naive.cfg_rescale(w, c, u, 0.7)),
        ("tcfg", {}, naive.tcfg(w, c, u, x, t)),
        ("mambo_g", {"alpha": 3.0}, naive.mambo_g(w, c, u, 3.0)),
    ]


@pytest.mark.parametrize("w", [1.3, 3.0, 7.5])
@pytest.mark.parametrize("index", [1, 4, 7])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_method_is_its_formula(w, index, seed):
    x, v = predictions(seed)
    for name, arguments, expected in formulas(w, x, v, TIMES[index]):
        close(ours(name, {"weight": w, **arguments}, seed, index), expected)


@pytest.mark.parametrize("masks", [1, 3])
def test_s2_is_the_formula_on_the_blocks_it_drew(masks):
    method = METHODS["s2"](cfg=7.5, droppable=[0, 5], fraction=0.4, masks=masks, seed=2)
    at = Step(index=3, times=TIMES, first=0, last=8)
    x, v = predictions(0)
    g = torch.Generator().manual_seed(9)
    dropped = [Signal(skip=blocks) for blocks in method.draw(3)]
    v |= {s: v[STRONG] + 0.3 * torch.randn(x.shape, generator=g).double() for s in set(dropped)}
    resolved = method.at(at)
    single = {s: v[s].float() for s in resolved.signals()}
    guided = resolved.combine(single, x.float(), at.t, State()).double()
    close(guided, naive.s2(1.25, 7.5, v[STRONG], v[NULL], [v[s] for s in dropped]))


@pytest.mark.parametrize(
    ("beta", "eta", "r"), [(-0.5, 0.0, 5.0), (0.0, 0.3, 2.5), (-0.75, 0, 99.0)]
)
def test_apg_is_its_loop_over_a_window(beta, eta, r):
    first, last = 2, 7
    method = METHODS["apg"](weight=4.0, momentum=beta, eta=float(eta), max_norm=r)
    state, mine, steps = State(), [], []
    for index in range(first, last):
        at = Step(index=index, times=TIMES, first=first, last=last)
        x, v = predictions(index)
        steps.append((v[STRONG], v[NULL], x, at.t))
        single = {s: v[s].float() for s in (STRONG, NULL)}
        mine.append(method.at(at).combine(single, x.float(), at.t, state).double())
    for one, other in zip(mine, naive.apg(4.0, steps, beta, eta, r), strict=True):
        close(one, other)


@pytest.mark.parametrize("steps", [2, 3, 8, 13])
@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_symmetric_tv_cfg_is_the_published_schedule(steps, shift):
    even = [1 - i / steps for i in range(steps + 1)]
    times = tuple(shift * t / (1 + (shift - 1) * t) for t in even)
    method = METHODS["tv_cfg"](weight=5.0, shape="symmetric")
    resolved = [method.at(Step(i, times, 0, steps)) for i in range(steps)]
    weights = [1.0 if r is None else r.weight for r in resolved]
    assert weights == pytest.approx(naive.tv_cfg(5.0, times))
