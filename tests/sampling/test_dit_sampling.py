"""DiT through the engine: Euler is DDIM, ddpm is DDPM with the learned variance."""

from collections import Counter

import pytest
import torch
from diffusers import AutoencoderKL, DDIMScheduler, DDPMScheduler, DiTPipeline
from pydantic import TypeAdapter
from tiny_dit import CLASSES, LATENTS, random_dit

from w2s.conditions.labels import Labels
from w2s.guidance.base import NULL, STRONG, VARIANCE
from w2s.guidance.windows import Guidance, resolve, windows_in_steps
from w2s.models.registry import family_of, shape_of
from w2s.sampling.denoiser import Denoiser
from w2s.sampling.loop import sample
from w2s.sampling.trajectories import Segment, segment_forwards
from w2s.sampling.tree import forwards_unshared

LABELS = torch.tensor([1, 4, 0])
CFG = {"method": "cfg", "weight": 3.0}


def scheduler_of(kind, spacing, **more):
    return kind(clip_sample=False, timestep_spacing=spacing, **more)


def noise_of(step):
    return torch.randn(3, *LATENTS, generator=torch.Generator().manual_seed(100 + step))


def engine(net, steps, solver, guidance=None):
    """x at the end, from the same noise as `reference`, and the forwards of a sample."""
    times, std = family_of(net.config()).grid(net.config(), steps)
    given = TypeAdapter(Guidance).validate_python(guidance or [])
    denoiser = Denoiser(net)
    x, _ = sample(
        denoiser,
        std * noise_of(-1),
        Labels(CLASSES).condition(LABELS),
        times=times,
        methods=resolve(given, times),
        solver=solver,
        noise=noise_of,
    )
    return x, denoiser.forwards


@torch.no_grad()
def reference(net, scheduler, steps, weight=1.0, channels=4, learned=False):
    """diffusers' loop over VP states, both halves of the output where the variance is learned."""
    scheduler.set_timesteps(steps)
    x, null = noise_of(-1), torch.full_like(LABELS, CLASSES)
    for step, timestep in enumerate(scheduler.timesteps):
        at = timestep.expand(len(x))
        c, u = (net.transformer(x, timestep=at, class_labels=y).sample for y in (LABELS, null))
        eps, rest = c[:, :4].clone(), c[:, 4:]
        few = slice(None), slice(channels)
        eps[few] = u[few] + weight * (c[few] - u[few])
        if learned:
            with drawn(noise_of(step)):
                x = scheduler.step(torch.cat([eps, rest], 1), timestep, x).prev_sample
        else:
            x = scheduler.step(eps, timestep, x).prev_sample
    return x


class drawn:
    """DDPMScheduler's noise of a step, replaced."""

    def __init__(self, noise):
        self.patch = pytest.MonkeyPatch()
        self.noise = noise

    def __enter__(self):
        module = "diffusers.schedulers.scheduling_ddpm.randn_tensor"
        self.patch.setattr(module, lambda *_, **__: self.noise)

    def __exit__(self, *_):
        self.patch.undo()


def close(made, want, tolerance=1e-5):
    assert (made - want).norm() <= tolerance * want.norm()


@pytest.mark.parametrize("weight", [1.0, 3.0])
@pytest.mark.parametrize("steps", [4, 20, 50])
@pytest.mark.parametrize("spacing", ["leading", "trailing"])
def test_euler_is_ddim(spacing, steps, weight):
    net = random_dit(schedule={"timestep_spacing": spacing})
    made, _ = engine(net, steps, "euler", CFG | {"weight": weight})
    close(made, reference(net, scheduler_of(DDIMScheduler, spacing), steps, weight))


@pytest.mark.parametrize("prediction", ["v_prediction", "sample"])
def test_euler_is_ddim_whatever_is_predicted(prediction):
    said = {"prediction_type": prediction}
    net = random_dit(schedule={"timestep_spacing": "leading"} | said)
    made, _ = engine(net, 10, "euler", CFG)
    close(made, reference(net, scheduler_of(DDIMScheduler, "leading", **said), 10, 3.0))


def test_the_first_state_left_as_it_is_would_be_wrong():
    """Noise of unit variance in the flow is 1 % more than the network was trained with."""
    net = random_dit(schedule={"timestep_spacing": "leading"})
    times, std = family_of(net.config()).grid(net.config(), 20)
    want = reference(net, scheduler_of(DDIMScheduler, "leading"), 20)
    stretch = {"times": times, "methods": (None,) * 20, "solver": "euler", "noise": noise_of}
    condition = Labels(CLASSES).condition(LABELS)
    right, _ = sample(Denoiser(net), std * noise_of(-1), condition, **stretch)
    wrong, _ = sample(Denoiser(net), noise_of(-1), condition, **stretch)
    close(right, want)
    assert (wrong - want).norm() > 1e-3 * want.norm()


@pytest.mark.parametrize(("weight", "channels"), [(1.0, 4), (3.0, 4), (3.0, 3)])
@pytest.mark.parametrize("spacing", ["leading", "linspace"])
def test_ddpm_is_diffusers_fed_with_both_halves(spacing, weight, channels):
    net = random_dit(schedule={"timestep_spacing": spacing})
    guidance = CFG | {"weight": weight}
    if channels != 4:
        guidance |= {"channels": channels}
    made, _ = engine(net, 12, "ddpm", guidance)
    scheduler = scheduler_of(DDPMScheduler, spacing, variance_type="learned_range")
    close(made, reference(net, scheduler, 12, weight, channels, learned=True))


def test_the_variance_is_the_strong_ones_even_where_only_the_null_branch_is_sampled():
    net = random_dit(schedule={"timestep_spacing": "leading"})
    made, forwards = engine(net, 6, "ddpm", CFG | {"weight": 0.0})
    scheduler = scheduler_of(DDPMScheduler, "leading", variance_type="learned_range")
    close(made, reference(net, scheduler, 6, 0.0, learned=True))
    assert forwards == 2 * 6  # which takes the conditional pass after all


def test_diffusers_own_pipeline_drops_the_variance_and_fails():
    """What there is to get right: DiTPipeline with a scheduler of the variance DiT learned."""
    net = random_dit()
    vae = AutoencoderKL(latent_channels=4, block_out_channels=(32,), norm_num_groups=32)
    scheduler = scheduler_of(DDPMScheduler, "leading", variance_type="learned_range")
    pipe = DiTPipeline(net.transformer, vae, scheduler)
    pipe.set_progress_bar_config(disable=True)
    with pytest.raises(TypeError, match="NoneType"):
        pipe([1], guidance_scale=1.0, num_inference_steps=2)


def test_the_variance_costs_no_block():
    net = random_dit()
    ran = Counter()
    for solver in ("euler", "ddpm"):
        _, ran[solver] = engine(net, 5, solver, CFG)
    assert ran["euler"] == ran["ddpm"] == 2 * 5
    denoiser, condition = Denoiser(net), Labels(CLASSES).condition(LABELS)
    made = denoiser(noise_of(0), 0.5, condition, [STRONG, VARIANCE])
    assert denoiser.blocks_run["main"] == net.depth
    assert torch.equal(made[STRONG], denoiser(noise_of(0), 0.5, condition, [STRONG])[STRONG])


@pytest.mark.parametrize(
    "how",
    [
        {"precision": "bf16"},
        {"precision": "bf16", "weights": "bf16"},
        {"precision": "fp16", "weights": "fp16"},
    ],
)
def test_less_precision_is_close(how):
    """Levels and times stay in float32: only the network's own arithmetic is rounded."""
    condition, x = Labels(CLASSES).condition(LABELS), noise_of(0)
    for t in (0.02, 0.5, 0.9):
        want = Denoiser(random_dit())(x, t, condition, [STRONG, VARIANCE])
        made = Denoiser(random_dit(), **how)(x, t, condition, [STRONG, VARIANCE])
        assert all((made[s] - want[s]).norm() <= 0.05 * want[s].norm() for s in want)


def test_plans_count_what_ddpm_runs():
    net = random_dit()
    shapes = {"main": shape_of(net.config())}
    times, _ = family_of(net.config()).grid(net.config(), 5)

    def cost(weight, **count):
        given = TypeAdapter(Guidance).validate_python(CFG | {"weight": weight})
        piece = Segment(0, tuple(resolve(given, times)))
        return segment_forwards(piece, shapes, times, "ddpm", **count)

    assert [cost(w) for w in (1.0, 3.0, 0.0)] == [5, 10, 10]
    assert cost(3.0, count=forwards_unshared) == 10


def test_signals_sort_and_compare_as_before_the_variance():
    assert sorted([VARIANCE, NULL, STRONG]) == [STRONG, VARIANCE, NULL]
    assert NULL.kind == (True, False, False, False)


@pytest.mark.parametrize("steps", [4, 20])
def test_windows_hold_on_times_that_begin_below_one(steps):
    net = random_dit(schedule={"timestep_spacing": "leading"})
    times, _ = family_of(net.config()).grid(net.config(), steps)
    assert times[0] < 1
    windows = [CFG | {"window": [0.5, 1]}, CFG | {"window": [0, 0.5], "weight": 2.0}]
    given = TypeAdapter(Guidance).validate_python(windows)
    methods = resolve(given, times)
    assert [m.weight for m in methods] == [3.0 if t > 0.5 else 2.0 for t in times[:-1]]
    (_, high), (last, end) = (span["steps"] for span in windows_in_steps(given, times))
    assert (high, end) == (last, steps)
    whole = TypeAdapter(Guidance).validate_python(CFG | {"steps": [0, steps]})
    assert windows_in_steps(whole, times)[0]["window"] == [0.0, times[0]]


@pytest.mark.parametrize("method", ["adg", "apg", "tcfg", "cfg_rescale", "mambo_g"])
@pytest.mark.parametrize("solver", ["euler", "heun", "sde", "ddpm"])
def test_every_solver_takes_methods_of_any_space(solver, method):
    x, _ = engine(random_dit(), 5, solver, {"method": method, "weight": 2.0})
    assert torch.isfinite(x).all()
