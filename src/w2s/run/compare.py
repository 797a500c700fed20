"""`w2s plane`: a guidance tried in a two-dimensional world, as a picture and as numbers.

Truth, networks and errors are exact, so what is seen is the guidance's own doing.  Sampling is
that of any study: its windows, denoiser, solver and loop.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from w2s.conditions.labels import Labels
from w2s.guidance.base import Method
from w2s.metrics.point_registry import POINT_SCORES
from w2s.params.trial import TIMES, Trial
from w2s.plane.exact import ExactNetwork
from w2s.plane.mixture import Mixture
from w2s.plane.scores import Judge
from w2s.plane.tree import balanced
from w2s.report.points import density_grid, points_over_density
from w2s.sampling.denoiser import Denoiser
from w2s.sampling.loop import states
from w2s.sampling.noise import initial_noise, step_noise
from w2s.sampling.solvers import evaluations
from w2s.sampling.trajectories import nets_of

SOLVER = "heun"
FOLLOWED = 20  # samples whose paths are drawn


@dataclass(frozen=True)
class Drawn:
    """A sample set."""

    points: np.ndarray  # (N, 2)
    paths: np.ndarray  # (steps + 1, FOLLOWED or fewer, 2)
    forwards: float  # of the main network, per sample and evaluation


def compare(trial: Trial, out: Path | None = None) -> str:
    """Truth, no guidance and the guidance as a table of scores; written to `out` as a picture."""
    truth, labels = trial.world.grow(), balanced(trial.points, trial.world.classes)
    real = truth.draw(labels, trial.seed)
    unguided, guided = draw(trial, [None] * len(trial.methods)), draw(trial, trial.methods)
    judge = Judge(truth, trial.points)
    rows = [
        ("a true sample", judge.score(real, labels), None),
        ("no guidance", judge.score(unguided.points, labels), unguided.forwards),
        (trial.guidance_name, judge.score(guided.points, labels), guided.forwards),
    ]
    if out is not None:
        _picture(out, trial, labels, real, unguided, guided)
    return "\n".join(_table(rows))


def draw(trial: Trial, methods: Sequence[Method | None]) -> Drawn:
    """As many points as the trial says, their classes balanced."""
    world, numbers = trial.world, [(trial.seed, i) for i in range(trial.points)]
    weak = {name: ExactNetwork(world, trial.weak) for name in nets_of(methods)}
    denoiser = Denoiser(ExactNetwork(world, trial.main), weak)
    labels = Labels(world.classes)
    condition = labels.condition(labels.numbers(numbers))
    paths = []
    for x in states(
        denoiser,
        initial_noise(numbers, (2, 1, 1)),
        condition,
        times=TIMES,
        methods=methods,
        solver=SOLVER,
        noise=lambda step: step_noise(numbers, (2, 1, 1), step),
    ):
        paths.append(x[:FOLLOWED])
    asked = sum(evaluations(SOLVER, TIMES, step) for step in range(len(methods)))
    places = torch.stack(paths).flatten(2).numpy()
    return Drawn(x.flatten(1).numpy(), places, denoiser.forwards / asked)


def _picture(out: Path, trial: Trial, labels, real, unguided: Drawn, guided: Drawn) -> None:
    reach = 1.15 * float(np.abs(real).max())
    places = torch.from_numpy(density_grid(reach))
    density = Mixture(trial.world.grow()).log_density(places, 0.0).exp().numpy()
    name = trial.guidance_name
    clouds = [
        (f"truth: {trial.world_name}", real, labels),
        ("no guidance", unguided.points, labels),
        (name, guided.points, labels),
    ]
    followed = ("paths (grey: no guidance)", unguided.paths, guided.paths, labels[:FOLLOWED])
    points_over_density(out, _described(trial), density, reach, clouds, followed)


def _described(trial: Trial) -> str:
    """Everything that the picture depends on, kept in its file."""
    return json.dumps(
        {
            "world": trial.world.model_dump(),
            "main": trial.main.model_dump(),
            "weak": trial.weak and trial.weak.model_dump(),
            "guidance": [window.model_dump(mode="json") for window in trial.guidance],
            "points": trial.points,
            "seed": trial.seed,
        }
    )


def _table(rows: list[tuple[str, dict[str, float], float | None]]) -> list[str]:
    """Lines with aligned columns, numbers to the right."""
    lines = [["", *(score.heading for score in POINT_SCORES.values()), "Forwards"]]
    for label, scores, forwards in rows:
        cells = [f"{scores[name]:.{score.digits}f}" for name, score in POINT_SCORES.items()]
        lines.append([label, *cells, "–" if forwards is None else f"{forwards:.2f}"])
    left, *widths = (max(map(len, column)) for column in zip(*lines, strict=True))
    return [
        "  ".join([label.ljust(left), *map(str.rjust, cells, widths)]) for label, *cells in lines
    ]
