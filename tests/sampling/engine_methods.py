"""Every method on the test networks, for what must hold for all of them in the engine."""

from pydantic import TypeAdapter

from w2s.guidance.base import State
from w2s.guidance.registry import METHODS
from w2s.guidance.windows import Guidance, resolve
from w2s.sampling.grid import time_grid
from w2s.sampling.loop import sample
from w2s.sampling.noise import step_noise

NAMES = sorted(METHODS)
TIMES = time_grid(6)


def guidance(name, weight=3.0, **where):
    """A window of this method with the arguments it cannot do without."""
    return {"method": name, "weight": weight, **METHODS[name].example, **where}


def weak_signals(name):
    """The signals that a method's example extrapolates from: nearly always one."""
    return set(resolved(guidance(name, 0.0))[0].signals())


def weak_velocity(name, denoiser, x, t, condition):
    """What the weak signals come to, each a forward of its own."""
    v = {s: denoiser(x, t, condition, [s])[s] for s in weak_signals(name)}
    return resolved(guidance(name, 0.0))[0].combine(v, x, t, State())


def resolved(*windows):
    """The method of each step."""
    return resolve(TypeAdapter(Guidance).validate_python(list(windows)), TIMES)


def draw(denoiser, x, condition, methods, solver="euler", samples=None, **stretch):
    """x and state after the stretch; `samples` numbers the rows, as their noise follows them."""
    rows = list(range(len(x))) if samples is None else samples
    return sample(
        denoiser,
        x,
        condition,
        times=TIMES,
        methods=methods,
        solver=solver,
        noise=lambda step: step_noise([(0, i) for i in rows], x.shape[1:], step),
        **stretch,
    )
