"""Kind `probe`: guided velocities against true ones, and what becomes of points on their way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from safetensors.torch import save_file
from torch import Tensor

from w2s.conditions.base import Condition
from w2s.conditions.labels import Labels
from w2s.errors import UserError
from w2s.files import write_json
from w2s.guidance.base import STRONG, Method, Signal, State
from w2s.job import Job
from w2s.metrics.truths import PlaneTruth, Truth, truth_of
from w2s.models.load import load
from w2s.plane.optimal import best_weight, cosine
from w2s.plane.stages import STAGES, Stages
from w2s.sampling.denoiser import Denoiser
from w2s.sampling.loop import states
from w2s.sampling.noise import initial_noise, step_noise
from w2s.sampling.trajectories import Trajectory, decode, signals_of

VELOCITY = ("distance", "best_weight", "cosine")
FOLLOWED = 20  # points whose whole way is kept
EXACT = 1e-6  # relative difference of velocities that is taken for rounding
Values = dict[str, list[list[float | None]]]  # by figure: for each seed a value for each time
Signals = Mapping[Signal, Tensor]


def build(job: Job) -> dict:
    """Probe guidances on the marginal path, where points are noised true ones, and on their own.

    Spec: guidance, by name the methods of each step as in the spec of a segment, and versions,
    those of their methods; solver and times; seeds and per_seed, points under each, their classes
    in turn; measures, of "velocity" and "stages" (of a world alone) those that are wanted.
    Parents: points, whose world is the truth, or latents; model and weak:<net>, each either one
    network for all seeds or one for each.

    Writes probe.json: times, seeds and n, points under each; `own`, by guidance and figure, and
    `marginal`, the same, a list for each seed with a value for each time.  distance is the root of
    the mean squared distance to the true velocity.  best_weight and cosine (`w2s.plane.optimal`)
    are those of a step's direction, null where it has none or where there is no error to point
    at; these three end before t = 0.  The others are those of `w2s.plane.stages`, on own paths.
    For a world also paths.safetensors: of the first seed labels (n,), true (n, 2), and by
    guidance points/<name> (n, 2) and paths/<name> (times, `FOLLOWED` or fewer, 2).

    It runs on the CPU.  Returns forwards run per sample.  Raises UserError where points do not stay
    finite.
    """
    spec, truth = job.spec, truth_of(job)
    guidance = {name: decode(runs) for name, runs in spec["guidance"].items()}
    denoisers = _denoisers(job)
    seeds = zip(spec["seeds"], denoisers, strict=True)
    sets, courses = [], []
    for seed, denoiser in job.progress(seeds, len(denoisers), "drawing seed"):
        one = _set(truth, denoiser, seed, spec["per_seed"])
        sets.append(one)
        courses.append({name: _course(one, guidance[name], spec, name) for name in guidance})
    own: dict[str, Values] = {name: {} for name in guidance}
    marginal: dict[str, Values] = {}
    if "velocity" in spec["measures"]:
        marginal, own = _velocities(truth, sets, courses, spec["times"], guidance)
    if "stages" in spec["measures"]:
        for name, found in _stages(Stages(truth.components), sets, courses, spec["times"]).items():
            own[name] |= found
    made = {"times": spec["times"], "seeds": spec["seeds"], "n": spec["per_seed"]}
    write_json(job.out / "probe.json", made | {"marginal": marginal, "own": own})
    if isinstance(truth, PlaneTruth):
        save_file(_kept(sets[0], courses[0]), job.out / "paths.safetensors")
    return {"forwards": sum(d.forwards for d in dict.fromkeys(denoisers)) / len(sets)}


@dataclass(frozen=True)
class Set:
    """The points of one seed, and the networks that they are carried by."""

    denoiser: Denoiser
    numbers: list[tuple[int, int]]  # seed and number of each
    labels: Tensor  # (n,)
    condition: Condition
    data: Tensor  # (n, C, H, W) true, float64
    noise: Tensor

    def noised(self, t: float) -> Tensor:
        """The true points at time t: the same points and noise at any."""
        return _seen((1 - t) * self.data + t * self.noise)


@dataclass(frozen=True)
class Course:
    """The points of a set as a guidance leads them."""

    points: list[Tensor]  # (n, C, H, W) at each time, float64
    heard: list[Signals]  # the signals at the start of each step


class Listening:
    """A denoiser whose answers are kept by time, the last at each."""

    def __init__(self, denoiser: Denoiser):
        self.denoiser, self.heard = denoiser, {}

    def __call__(self, x: Tensor, t: float, condition: Condition, signals) -> Signals:
        """The denoiser's answer."""
        self.heard[t] = self.denoiser(x, t, condition, signals)
        return self.heard[t]


def _set(truth: Truth, denoiser: Denoiser, seed: int, count: int) -> Set:
    source = Labels(truth.classes)
    numbers = [(seed, i) for i in range(count)]
    labels = source.numbers(numbers)
    data, noise = truth.draw(labels.numpy(), seed), initial_noise(numbers, truth.shape).double()
    return Set(denoiser, numbers, labels, source.condition(labels), data, noise)


def _denoisers(job: Job) -> list[Denoiser]:
    """The networks of each seed: one for all where there is one of each."""
    roles = {r: job.parents[r] for r in job.parents if r == "model" or r.startswith("weak:")}
    made = []
    for place in range(max(map(len, roles.values()))):
        nets = {
            role.removeprefix("weak:"): load(folders[place if len(folders) > 1 else 0])
            for role, folders in roles.items()
        }
        made.append(Denoiser(nets.pop("model"), nets))
    return made * len(job.spec["seeds"]) if len(made) == 1 else made


def _seen(x: Tensor) -> Tensor:
    """x as networks are given it, as exact as float32 is, in float64."""
    return x.float().double()


def _course(one: Set, methods: Trajectory, spec: Mapping, name: str) -> Course:
    """A solver that looks ahead meets each time twice, the second time at the next step's start."""
    listening = Listening(one.denoiser)
    way = states(
        listening,
        one.noise,
        one.condition,
        times=spec["times"],
        methods=methods,
        solver=spec["solver"],
        noise=lambda step: step_noise(one.numbers, one.noise.shape[1:], step).double(),
    )
    points = [_seen(x) for x in way]
    if not points[-1].isfinite().all():
        raise UserError(f"points guided by '{name}' are not finite: lower its weight")
    return Course(points, [listening.heard[t] for t in spec["times"][:-1]])


def _velocities(
    truth: Truth,
    sets: Sequence[Set],
    courses: Sequence[Mapping[str, Course]],
    times: Sequence[float],
    guidance: Mapping[str, Trajectory],
) -> tuple[dict[str, Values], dict[str, Values]]:
    """The figures `VELOCITY` of every guidance on the marginal path, and on its own."""
    marginal, own = (
        {name: {figure: [[] for _ in sets] for figure in VELOCITY} for name in guidance}
        for _ in range(2)
    )
    for step, t in enumerate(times[:-1]):
        methods = {name: steps[step] for name, steps in guidance.items()}
        asked = dict.fromkeys(s for method in methods.values() for s in signals_of(method))
        true = _true(truth, sets, courses, step, t)
        for place, (one, course) in enumerate(zip(sets, courses, strict=True)):
            x, v = one.noised(t), next(true)
            signals = one.denoiser(x, t, one.condition, {STRONG: None, **asked})
            for name, method in methods.items():
                _add(marginal[name], place, _figures(v, x, t, signals, method))
            for name, method in methods.items():
                x, signals = course[name].points[step], course[name].heard[step]
                _add(own[name], place, _figures(next(true), x, t, signals, method))
    return marginal, own


def _true(truth: Truth, sets, courses, step: int, t: float) -> Iterator[Tensor]:
    """For each set its true velocities at time t on the marginal path, then on each course.

    They are computed at once: most of what a truth has to know of a time is of no point.
    """
    x = [
        x
        for one, course in zip(sets, courses, strict=True)
        for x in (one.noised(t), *(own.points[step] for own in course.values()))
    ]
    labels = torch.cat([one.labels.repeat(1 + len(courses[0])) for one in sets])
    time = _seen(torch.tensor(t)).item()
    return iter(truth.velocity(torch.cat(x), time, labels).split(len(x[0])))


def _add(found: Values, place: int, figures: Mapping[str, float | None]) -> None:
    """Append each figure's value of the seed at this place."""
    for figure, value in figures.items():
        found[figure][place].append(value)


def _figures(
    true: Tensor, x: Tensor, t: float, signals: Signals, method: Method | None
) -> dict[str, float | None]:
    """`VELOCITY` of a method at points x."""
    strong = signals.get(STRONG)
    guided = strong if method is None else method.combine(signals, x, t, State())
    distance = (guided - true).flatten(1).square().sum(1).mean().sqrt()
    values: dict[str, float | None] = dict.fromkeys(VELOCITY)
    values["distance"] = float(distance)
    weak = [signals[s] for s in signals_of(method) if s != STRONG]
    if strong is None or len(weak) != 1 or not method.affine or not _apart(strong, weak[0]):
        return values
    values["best_weight"] = best_weight(true, strong, weak[0])
    if _apart(strong, true):
        values["cosine"] = cosine(true, strong, weak[0])
    return values


def _apart(one: Tensor, other: Tensor) -> bool:
    """Whether velocities differ by more than rounding."""
    return bool((one - other).norm() > EXACT * other.norm())


def _stages(
    stages: Stages,
    sets: Sequence[Set],
    courses: Sequence[Mapping[str, Course]],
    times: Sequence[float],
) -> dict[str, Values]:
    """The figures of `STAGES` on the way of every guidance, time by time."""
    found = {name: {figure: [[] for _ in sets] for figure in STAGES} for name in courses[0]}
    for step, t in enumerate(times):
        for place, (one, course) in enumerate(zip(sets, courses, strict=True)):
            true = one.noised(t).flatten(1)
            for name, own in course.items():
                x = own.points[step].flatten(1)
                _add(found[name], place, stages.at(x, t, one.labels, true))
    return found


def _kept(one: Set, courses: Mapping[str, Course]) -> dict[str, Tensor]:
    """What pictures show of a seed."""
    kept = {"labels": one.labels, "true": one.data.flatten(1).float()}
    for name, course in courses.items():
        way = [x[:FOLLOWED].flatten(1) for x in course.points]
        kept[f"points/{name}"] = course.points[-1].flatten(1).float()
        kept[f"paths/{name}"] = torch.stack(way).float()
    return kept
