"""Times of diffusers' FlowMatchEulerDiscreteScheduler, computed from its configuration alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from w2s.errors import UserError

CLASS = "FlowMatchEulerDiscreteScheduler"
DEFAULTS = MappingProxyType(  # of the class's arguments
    {
        "num_train_timesteps": 1000,
        "shift": 1.0,
        "use_dynamic_shifting": False,
        "base_shift": 0.5,
        "max_shift": 1.15,
        "base_image_seq_len": 256,
        "max_image_seq_len": 4096,
        "invert_sigmas": False,
        "shift_terminal": None,
        "use_karras_sigmas": False,
        "use_exponential_sigmas": False,
        "use_beta_sigmas": False,
        "time_shift_type": "exponential",
        "stochastic_sampling": False,
    }
)
ENDS = {"sigma_min": None, "sigma_max": None}  # no arguments, but read if a file has them
ABSENT = ("use_beta_sigmas", "invert_sigmas", "stochastic_sampling")
RHO = 7.0  # of the Karras spacing (arXiv 2206.00364, eq. 5)


def flow_times(scheduler: Mapping, steps: int, image_tokens: int) -> tuple[float, ...]:
    """The N + 1 times of `steps` steps, falling from 1 to exactly 0: float32 numbers, to the bit.

    scheduler: the content of a scheduler_config.json, or the `config` of a scheduler.
    image_tokens: patches of the latents, which dynamic shifting depends on.

    With a constant shift these are ``time_grid(steps, shift, last)`` rounded to float32, `last`
    being the lowest training time in float32.  Rounding in the class takes the first time above 1
    for some odd shifts, by a few bits; here it is 1 then, where windows begin.

    Raises:
        UserError: the scheduler is another one, or an option that is not reproduced is set.
    """
    config = check_scheduler(scheduler)
    sigmas = _shifted(config, steps, image_tokens)
    if config["shift_terminal"]:
        with np.errstate(invalid="ignore"):  # a single step has nothing to stretch; refused below
            rest = 1 - sigmas
            sigmas = 1 - rest / (rest[-1] / (1 - config["shift_terminal"]))
    sigmas = _spaced(config, sigmas, steps).astype(np.float32)
    if 1 < sigmas[0] < 1 + 1e-6:
        sigmas[0] = 1
    if not (sigmas[0] <= 1 and sigmas[-1] > 0 and (np.diff(sigmas) < 0).all()):
        raise UserError(
            f"the scheduler's {steps} steps would run from t = {sigmas[0]:g} to {sigmas[-1]:g}, "
            "which does not fall from 1 towards 0: take another number of steps, or correct "
            "scheduler/scheduler_config.json"
        )
    return (*sigmas.tolist(), 0.0)


def check_scheduler(scheduler: Mapping) -> dict:
    """The configuration with the class's defaults filled in.

    Raises UserError for a scheduler that is not flow matching, for options that are not reproduced
    here, and for values that are none.
    """
    name = scheduler.get("_class_name", CLASS)
    if name != CLASS:
        raise UserError(
            f"the scheduler is {name}, which is not the flow matching of SD3: give a folder whose "
            f"scheduler/scheduler_config.json is of {CLASS}"
        )
    config = {**DEFAULTS, **ENDS, **scheduler}
    for key, default in (DEFAULTS | ENDS).items():
        if not _is_like(default, config[key]):
            raise UserError(
                f"the scheduler's {key} is {config[key]!r}: correct it in "
                f"scheduler/scheduler_config.json, where {default!r} is usual"
            )
    if absent := [option for option in ABSENT if config[option]]:
        raise UserError(
            f"the scheduler sets {absent[0]}, which is not reproduced here: set it to false in "
            "scheduler/scheduler_config.json"
        )
    if config["use_karras_sigmas"] and config["use_exponential_sigmas"]:
        raise UserError(
            "the scheduler sets use_karras_sigmas and use_exponential_sigmas: choose one in "
            "scheduler/scheduler_config.json"
        )
    return config


def _is_like(default, value) -> bool:
    """Whether a value is of the kind of an argument's default."""
    if isinstance(default, bool):
        return isinstance(value, bool)
    if isinstance(default, str):
        return value in ("exponential", "linear")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value is None if default is None and not number else number and value > 0


def _shifted(config: Mapping, steps: int, image_tokens: int) -> np.ndarray:
    """Evenly spaced training times, moved towards noise by a constant or by the image's size."""
    train, shift = config["num_train_timesteps"], config["shift"]
    ends = np.array([1.0, 1 / train], dtype=np.float32)
    if not config["use_dynamic_shifting"]:
        # What the class keeps as its highest and lowest time is shifted once already.
        one = np.float32(1)
        ends = np.float32(shift) * ends / (one + np.float32(shift - 1) * ends)
    even = np.linspace(float(ends[0]) * train, float(ends[1]) * train, steps) / train
    if not config["use_dynamic_shifting"]:
        return shift * even / (1 + (shift - 1) * even)
    mu = _mu(config, image_tokens)
    moved = math.exp(mu) if config["time_shift_type"] == "exponential" else mu
    return moved / (moved + (1 / even - 1) ** 1.0)


def _mu(config: Mapping, image_tokens: int) -> float:
    """The shift for an image, linear in its tokens (`calculate_shift` of diffusers' pipeline)."""
    low, high = config["base_image_seq_len"], config["max_image_seq_len"]
    slope = (config["max_shift"] - config["base_shift"]) / (high - low)
    return image_tokens * slope + (config["base_shift"] - slope * low)


def _spaced(config: Mapping, sigmas: np.ndarray, steps: int) -> np.ndarray:
    """The times between the same ends, spaced otherwise where the configuration says so."""
    low, high = config["sigma_min"], config["sigma_max"]
    low = sigmas[-1].item() if low is None else low
    high = sigmas[0].item() if high is None else high
    if config["use_karras_sigmas"]:
        first, last = high ** (1 / RHO), low ** (1 / RHO)
        return (first + np.linspace(0, 1, steps) * (last - first)) ** RHO
    if config["use_exponential_sigmas"]:
        return np.exp(np.linspace(math.log(high), math.log(low), steps))
    return sigmas
