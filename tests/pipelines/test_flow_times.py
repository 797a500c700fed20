"""Times of the flow-matching scheduler: those of diffusers' class, to the bit."""

import json
from itertools import pairwise

import numpy as np
import pytest
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.stable_diffusion_3.pipeline_stable_diffusion_3 import calculate_shift

from w2s.errors import UserError
from w2s.pipelines.times import DEFAULTS, flow_times
from w2s.sampling.grid import time_grid

TOKENS = (64, 1024, 4096)
SHIFTS = {
    "constant": {"shift": 3.0},
    "by size": {"use_dynamic_shifting": True},
    "by size, linear": {"use_dynamic_shifting": True, "time_shift_type": "linear"},
}
SPACINGS = {
    "as shifted": {},
    "terminal": {"shift_terminal": 0.02},
    "karras": {"use_karras_sigmas": True},
    "exponential": {"use_exponential_sigmas": True},
    "terminal and karras": {"shift_terminal": 0.1, "use_karras_sigmas": True},
    "another training": {"num_train_timesteps": 250},
}


def of_the_class(scheduler, steps, tokens):
    config = scheduler.config
    mu = calculate_shift(
        tokens,
        config.base_image_seq_len,
        config.max_image_seq_len,
        config.base_shift,
        config.max_shift,
    )
    scheduler.set_timesteps(steps, **({"mu": mu} if config.use_dynamic_shifting else {}))
    return tuple(scheduler.sigmas.tolist())


@pytest.mark.parametrize("shift", [0.5, 1, 1.15, 3, 3.0, 6.0, 12])
def test_a_constant_shift_is_the_grid_of_this_project_in_float32(shift):
    scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    last = scheduler.sigma_min  # shift * 0.001 / (1 + (shift - 1) * 0.001), in float32
    for steps in range(1, 51):
        times = flow_times(scheduler.config, steps, 64)
        assert times == of_the_class(scheduler, steps, 64)
        if shift in (1, 3, 6):
            assert times == tuple(map(float, np.float32(time_grid(steps, shift, last))))


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("shift", SHIFTS)
def test_every_option_is_that_of_the_class(shift, spacing):
    scheduler = FlowMatchEulerDiscreteScheduler(**SHIFTS[shift], **SPACINGS[spacing])
    kept = json.loads(scheduler.to_json_string())
    for steps in range(2, 51):
        for tokens in TOKENS:
            assert flow_times(kept, steps, tokens) == of_the_class(scheduler, steps, tokens)


def test_ends_of_a_spacing_that_a_configuration_names_count():
    config = {"use_karras_sigmas": True, "sigma_min": 0.01, "sigma_max": 0.9}
    scheduler = FlowMatchEulerDiscreteScheduler.from_config(config)
    assert flow_times(scheduler.config, 7, 64) == of_the_class(scheduler, 7, 64)
    assert flow_times(config, 7, 64)[0] == pytest.approx(0.9)


def test_times_fall_from_at_most_one_to_zero_for_every_shift():
    above = 0
    for shift in [n / 100 for n in range(10, 2001, 7)]:
        times = flow_times({"shift": shift}, 28, 64)
        assert times[0] <= 1
        assert times[-1] == 0
        assert all(a > b for a, b in pairwise(times))
        scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
        wanted = of_the_class(scheduler, 28, 64)
        above += wanted[0] > 1
        assert times == (min(wanted[0], 1.0), *wanted[1:])
    assert above  # as rounding has it, windows that end at 1 would miss the first step


def test_what_a_file_leaves_out_is_as_in_the_class():
    known = FlowMatchEulerDiscreteScheduler().config
    assert {key: known[key] for key in DEFAULTS} == dict(DEFAULTS)
    assert set(DEFAULTS) == {key for key in known if not key.startswith("_")}


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"_class_name": "DDIMScheduler"}, "DDIMScheduler, which is not the flow matching"),
        ({"_class_name": "FlowMatchHeunDiscreteScheduler"}, "is FlowMatchHeunDiscreteScheduler"),
        ({"use_beta_sigmas": True}, "sets use_beta_sigmas, which is not reproduced"),
        ({"invert_sigmas": True}, "sets invert_sigmas"),
        ({"stochastic_sampling": True}, "sets stochastic_sampling"),
        ({"use_karras_sigmas": True, "use_exponential_sigmas": True}, "choose one"),
        ({"time_shift_type": "cubic"}, "time_shift_type is 'cubic'"),
        ({"shift": 0}, "shift is 0"),
        ({"shift": "3"}, "shift is '3'"),
        ({"shift": None}, "shift is None"),
        ({"use_karras_sigmas": 1}, "use_karras_sigmas is 1"),
        ({"num_train_timesteps": True}, "num_train_timesteps is True"),
        ({"shift_terminal": 1.5}, "does not fall"),
        ({"use_karras_sigmas": True, "sigma_max": 80.0}, "from t = 80"),
        ({"use_karras_sigmas": True, "sigma_max": 0.001, "sigma_min": 0.9}, "does not fall"),
    ],
)
def test_what_is_not_reproduced_is_refused_by_name(config, says):
    with pytest.raises(UserError, match=says):
        flow_times(config, 28, 64)


def test_one_step_cannot_be_stretched_to_an_end():
    with pytest.raises(UserError, match="1 steps would run from t = nan"):
        flow_times({"shift_terminal": 0.02}, 1, 64)
