"""VP schedules: diffusers' noise levels and timesteps as flow times, and what is refused."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler

from w2s.errors import UserError
from w2s.models.vp import Schedule, flow_time, grid, levels, schedule_from, timesteps

SCHEDULER = {"_class_name": "DDIMScheduler", "clip_sample": False}


@pytest.mark.parametrize("beta_schedule", ["linear", "scaled_linear"])
@pytest.mark.parametrize(("start", "end", "count"), [(1e-4, 0.02, 1000), (8.5e-4, 0.012, 400)])
def test_levels_are_those_of_diffusers(beta_schedule, start, end, count):
    numbers = {"beta_start": start, "beta_end": end, "num_train_timesteps": count}
    ours = np.array(levels(Schedule(beta_schedule=beta_schedule, **numbers)))
    abar = DDIMScheduler(beta_schedule=beta_schedule, **numbers).alphas_cumprod.double().numpy()
    np.testing.assert_allclose(ours[:, 0] ** 2, abar, rtol=1e-5)
    np.testing.assert_allclose((ours**2).sum(1), 1, rtol=1e-12)


@pytest.mark.parametrize("spacing", ["leading", "trailing"])
@pytest.mark.parametrize("steps", [1, 2, 8, 20, 50, 250, 500, 1000])
@pytest.mark.parametrize("offset", [0, 1])
def test_timesteps_are_those_of_ddim(spacing, steps, offset):
    said = {"timestep_spacing": spacing, "steps_offset": offset}
    if spacing == "leading" and offset >= 1000 // steps:
        with pytest.raises(UserError):
            timesteps(Schedule(**said), steps)
        return
    scheduler = DDIMScheduler(**said)
    scheduler.set_timesteps(steps)
    assert timesteps(Schedule(**said), steps) == scheduler.timesteps.tolist()


@pytest.mark.parametrize("steps", [3, 30, 7, 600])
def test_leading_spacing_takes_any_number_of_steps(steps):
    scheduler = DDIMScheduler()
    scheduler.set_timesteps(steps)
    found = timesteps(Schedule(timestep_spacing="leading"), steps)
    assert found == scheduler.timesteps.tolist()
    stride = 1000 // steps
    assert all(before - stride == after for before, after in pairwise(found))  # as DDIM steps
    assert found[-1] - stride < 0


@pytest.mark.parametrize("steps", [2, 10, 250, 1000])
def test_linspace_is_that_of_the_release(steps):
    """SpacedDiffusion of facebookresearch/DiT, whose strides are fractions."""
    stride, at, used = 999 / (steps - 1), 0.0, []
    for _ in range(steps):
        used.append(round(at))
        at += stride
    assert timesteps(Schedule(), steps) == used[::-1]


def test_flow_times_fall_from_below_one_to_zero():
    times, std = grid(Schedule(timestep_spacing="leading"), 20)
    assert times[0] == pytest.approx(0.990, abs=5e-4)
    assert len(times) == 21
    assert times[-1] == 0
    assert all(before > after for before, after in pairwise(times))
    signal, noise = levels(Schedule())[950]
    assert std == pytest.approx(1 / (signal + noise), rel=1e-12)
    assert std == pytest.approx(0.9899, abs=1e-4)


def test_a_flow_state_is_the_vp_state_at_its_time():
    signal, noise = levels(Schedule())[300]
    t = flow_time((signal, noise))
    clean, eps = 0.7, -1.3
    vp = signal * clean + noise * eps
    assert vp / (signal + noise) == pytest.approx((1 - t) * clean + t * eps, rel=1e-12)


@pytest.mark.parametrize(
    ("said", "steps", "words"),
    [
        ({}, 1001, "knows 1000 timesteps; set steps to 1000 or less"),
        ({"num_train_timesteps": 10}, 11, "knows 10 timesteps"),
        ({"timestep_spacing": "trailing"}, 30, "only where the steps divide 1000, and 30 do not"),
        ({"timestep_spacing": "leading", "steps_offset": 1}, 1000, "set steps to 500 or less"),
        ({"timestep_spacing": "leading", "steps_offset": 50}, 20, "set steps to 19 or less"),
        ({}, 1, "linspace spacing runs from the highest"),
    ],
)
def test_trajectories_that_are_not_there_are_refused(said, steps, words):
    with pytest.raises(UserError, match=words) as refusal:
        grid(Schedule(**said), steps)
    assert "\n" not in str(refusal.value)


def test_diffusers_does_not_go_on_from_where_it_stepped_to_with_other_trailing_steps():
    """Why those are refused: each step ends 1000 // N below its start."""
    scheduler = DDIMScheduler(timestep_spacing="trailing")
    scheduler.set_timesteps(30)
    ends = (scheduler.timesteps - 1000 // 30)[:-1]
    assert not torch.equal(ends, scheduler.timesteps[1:])


def test_the_schedule_of_a_folder_is_what_diffusers_understands():
    """What an old file does not say is diffusers' default, not ours."""
    assert schedule_from(SCHEDULER) == Schedule(timestep_spacing="leading")
    saved = DDPMScheduler(
        clip_sample=False,
        timestep_spacing="trailing",
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
    )
    assert schedule_from(dict(saved.config) | {"_class_name": "DDPMScheduler"}) == Schedule(
        timestep_spacing="trailing", beta_schedule="scaled_linear", prediction_type="v_prediction"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"_class_name": "FlowMatchEulerDiscreteScheduler"}, "is a FlowMatchEulerDiscreteSched"),
        ({"_class_name": None}, "the scheduler is a None"),
        ({"clip_sample": True}, "clip_sample clips .* set it to false"),
        ({"thresholding": True}, "thresholding clips .* set it to false"),
        ({"rescale_betas_zero_snr": True}, "rescale_betas_zero_snr starts .* set it to false"),
        ({"set_alpha_to_one": False}, "set_alpha_to_one would leave noise .* set it to true"),
        ({"trained_betas": [0.1, 0.2]}, "trained_betas takes .* set it to null"),
        ({"timestep_spacing": "linspace"}, "timestep_spacing is linspace"),
        ({"timestep_spacing": "other"}, "timestep_spacing is other"),
        ({"beta_schedule": "squaredcos_cap_v2"}, "beta_schedule is squaredcos_cap_v2"),
        ({"prediction_type": "flow_prediction"}, "prediction_type is flow_prediction"),
        ({"beta_start": "a"}, "beta_start is a"),
        ({"num_train_timesteps": 0}, "num_train_timesteps is 0"),
        ({"steps_offset": -1}, "steps_offset is -1"),
    ],
)
def test_other_schedulers_are_refused_by_what_they_do(change, words):
    with pytest.raises(UserError, match=words) as refusal:
        schedule_from(SCHEDULER | change)
    assert "\n" not in str(refusal.value)


def test_a_scheduler_that_says_nothing_clips():
    """diffusers' own default, which DiT's folder turns off."""
    with pytest.raises(UserError, match="clip_sample"):
        schedule_from({"_class_name": "DDIMScheduler"})
