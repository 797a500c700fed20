"""Variance-preserving diffusion seen as flow matching: its noise schedule, and the times it knows.

The VP state at a timestep is ``x_VP = sqrt(abar) x_0 + sqrt(1 - abar) eps``.  Divided by
``sqrt(abar) + sqrt(1 - abar)`` it is the flow state ``x_t = (1 - t) x_0 + t eps`` with
``t = sigma / (1 + sigma)`` and ``sigma = sqrt(1 - abar) / sqrt(abar)``.  An Euler step in t is then
a step of DDIM (arXiv 2010.02502, eq. 13), whatever guides it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import accumulate
from math import hypot, sqrt
from operator import mul
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from w2s.errors import UserError
from w2s.models.backbone import Grid
from w2s.strict import Strict

Beta = Annotated[float, Field(gt=0, lt=1)]


class Schedule(Strict):
    """The discrete noise levels of a network, in diffusers' words; by default those of DiT."""

    num_train_timesteps: Annotated[int, Field(ge=2)] = 1000
    """How many noise levels the network was trained on."""
    beta_start: Beta = 0.0001
    """Variance that the lowest level adds."""
    beta_end: Beta = 0.02
    """Variance that the highest level adds."""
    beta_schedule: Literal["linear", "scaled_linear"] = "linear"
    """What runs evenly between the two: beta, or its square root."""
    prediction_type: Literal["epsilon", "v_prediction", "sample"] = "epsilon"
    """What the network predicts: noise, VP velocity, or the clean latents."""
    timestep_spacing: Literal["leading", "trailing", "linspace"] = "linspace"
    """Which levels few steps visit: as diffusers' leading or trailing, or evenly from the highest
    to the lowest as in DiT's release."""
    steps_offset: Annotated[int, Field(ge=0)] = 0
    """What is added to each timestep of leading spacing."""


@cache
def levels(schedule: Schedule) -> tuple[tuple[float, float], ...]:
    """``sqrt(abar)`` and ``sqrt(1 - abar)`` of every timestep, from the least noise on."""
    low, high, last = schedule.beta_start, schedule.beta_end, schedule.num_train_timesteps - 1
    if schedule.beta_schedule == "scaled_linear":
        low, high = sqrt(low), sqrt(high)
    betas = [low + (high - low) * i / last for i in range(last + 1)]
    if schedule.beta_schedule == "scaled_linear":
        betas = [beta * beta for beta in betas]
    return tuple((sqrt(a), sqrt(1 - a)) for a in accumulate((1 - beta for beta in betas), mul))


def flow_time(level: tuple[float, float]) -> float:
    """t of a noise level as `levels` gives it."""
    signal, noise = level
    return noise / (signal + noise)


def timesteps(schedule: Schedule, steps: int) -> list[int]:
    """The timesteps that a trajectory of so many steps visits, falling.

    "leading" and "trailing" are those of diffusers' DDIMScheduler, "linspace" those of DiT's
    release.  Each step ends at the next one's timestep, the last at clean latents.

    Raises:
        UserError: there are more steps than timesteps, or the spacing cannot have so many.
    """
    count, spacing, offset = (
        schedule.num_train_timesteps,
        schedule.timestep_spacing,
        schedule.steps_offset,
    )
    if steps > count:
        raise UserError(f"the network knows {count} timesteps; set steps to {count} or less")
    stride = count // steps
    if spacing == "leading":
        if offset >= stride:
            raise UserError(
                f"with steps_offset {offset} the last of {steps} steps would not end at clean "
                f"latents; set steps to {count // (offset + 1)} or less"
            )
        return [i * stride + offset for i in reversed(range(steps))]
    if spacing == "trailing":
        if count % steps:
            raise UserError(
                f"trailing spacing is even only where the steps divide {count}, and {steps} do "
                "not: there diffusers itself goes on from other times than it stepped to; set "
                "steps to a divisor"
            )
        return [i * stride - 1 for i in range(steps, 0, -1)]
    if steps == 1:
        raise UserError("linspace spacing runs from the highest timestep to the lowest; set steps")
    return [round(i * (count - 1) / (steps - 1)) for i in reversed(range(steps))]


def grid(schedule: Schedule, steps: int) -> Grid:
    """Flow times of a trajectory that starts from noise of unit variance in the VP state.

    Raises UserError as `timesteps` does.
    """
    known = levels(schedule)
    times = [flow_time(known[i]) for i in timesteps(schedule, steps)]
    return Grid((*times, 0.0), hypot(times[0], 1 - times[0]))  # 1 / (sqrt(abar) + sqrt(1 - abar))


SCHEDULERS = ("DDIMScheduler", "DDPMScheduler")
SETTLED = {  # key of a scheduler: diffusers' default, what it must be, and why
    "trained_betas": (None, None, "takes its noise levels from a list"),
    "clip_sample": (True, False, "clips predicted latents, which no velocity can express"),
    "thresholding": (False, False, "clips predicted latents, which no velocity can express"),
    "rescale_betas_zero_snr": (False, False, "starts at a level without any signal"),
    "set_alpha_to_one": (True, True, "would leave noise in the pictures after the last step"),
}


def schedule_from(scheduler: Mapping) -> Schedule:
    """The schedule of a diffusers folder, given its scheduler_config.json.

    Raises:
        UserError: it is no scheduler of discrete noise levels, or it does more than those say.
    """
    name = scheduler.get("_class_name")
    if name not in SCHEDULERS:
        raise UserError(
            f"the scheduler is a {name}: the noise levels of a DiT are read from a "
            f"{' or '.join(SCHEDULERS)}; save one of these in the folder"
        )
    for key, (default, wanted, why) in SETTLED.items():
        if scheduler.get(key, default) != wanted:
            value = "null" if wanted is None else str(wanted).lower()
            raise UserError(f"the scheduler's {key} {why}: set it to {value}")
    if name == "DDIMScheduler" and scheduler.get("timestep_spacing") == "linspace":
        raise UserError(
            "the scheduler's timestep_spacing is linspace, where a DDIMScheduler goes on from "
            "other times than it stepped to: set it to leading or trailing"
        )
    said = {key: scheduler[key] for key in Schedule.model_fields if key in scheduler}
    try:
        return Schedule(**({"timestep_spacing": "leading"} | said))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"the scheduler's {where} is {first['input']}: {first['msg']}") from None
