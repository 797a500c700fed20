"""Engine and methods against full forwards of diffusers' SD3 and SD3.5, prompts as conditions."""

import pytest
import torch
from naive_cases import CASES, LAYOUTS, TIMES, compare, name_of
from naive_sampler import PromptedPredictions
from tiny_sd3 import CLIP_WIDTHS, LATENT, T5_WIDTH, transformer

from w2s.conditions.base import Condition
from w2s.errors import UserError
from w2s.guidance.base import STRONG, Signal
from w2s.guidance.methods.skip_layer import SkipLayer
from w2s.models.sd3_network import SD3
from w2s.sampling.denoiser import Denoiser
from w2s.sampling.loop import sample

LAYERS = 7
ON_SD3 = [case for case in CASES if name_of(case) != "internal"]  # it has no head at mid depth


def prompts(length, seed, n=2):
    """Text and pooled vectors of some prompts."""
    generator = torch.Generator().manual_seed(seed)
    text = torch.randn(n, length, T5_WIDTH, generator=generator)
    return text, torch.randn(n, sum(CLIP_WIDTHS), generator=generator)


@pytest.fixture(scope="module", params=["sd3", "sd3.5"])
def nets(request):
    return {"main": transformer(request.param, LAYERS), "small": transformer("sd3", 3, seed=1)}


@pytest.fixture(scope="module", params=[None, False, True], ids=["rule", "apart", "batched"])
def engine(request, nets):
    return Denoiser(SD3(nets["main"]), {"small": SD3(nets["small"])}, batched=request.param)


def equal(nets, engine, case, layout, solver="euler", negative=5, size=(6, 10)):
    condition = Condition(prompts(5, 1), prompts(negative, 2))

    def predict(x, t):
        return PromptedPredictions(nets, *condition, x, t)

    compare(engine, predict, condition, (2, LATENT, *size), case, layout, solver)


@pytest.mark.parametrize("case", ON_SD3)
def test_every_method_equals_separate_forwards(nets, engine, case):
    equal(nets, engine, case, "full")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", ["skip_layer on cfg", "autoguidance", "apg", "s2"])
def test_so_it_does_in_every_layout_of_windows(nets, engine, case, layout):
    equal(nets, engine, case, layout)


@pytest.mark.parametrize("solver", ["heun", "sde"])
def test_so_it_does_by_every_solver(nets, engine, solver):
    equal(nets, engine, "skip_layer on cfg", "touching", solver)


@pytest.mark.parametrize("negative", [3, 8])
@pytest.mark.parametrize("case", ["cfg below one", "skip_layer on cfg", "s2", "adg"])
def test_prompt_and_negative_prompt_may_differ_in_length(nets, engine, case, negative):
    equal(nets, engine, case, "touching", negative=negative)


@pytest.mark.parametrize("size", [(4, 10), (10, 4)])
def test_latents_may_be_wide_and_tall(nets, engine, size):
    equal(nets, engine, "skip_layer on cfg", "touching", size=size)


@pytest.mark.parametrize("blocks", [(0,), (LAYERS - 1,), (0, LAYERS - 1), (1, 3, 4)])
def test_any_blocks_may_be_skipped(nets, engine, blocks):
    """Without the last block text is never dropped; without the first nothing is shared."""
    x, given = torch.randn(2, LATENT, 6, 10), prompts(5, 1)
    signal = Signal(skip=blocks)
    v = engine(x, 0.7, Condition(given, given), [STRONG, signal])
    predict = PromptedPredictions(nets, given, given, x, 0.7)
    for made, expected in ((v[STRONG], predict.c), (v[signal], predict.k(*blocks))):
        assert (made - expected).norm() <= 1e-5 * expected.norm()


def test_a_head_at_mid_depth_is_refused(engine):
    with pytest.raises(UserError, match="which has none"):
        engine(
            torch.randn(2, LATENT, 6, 10), 0.5, Condition(*2 * [prompts(5, 1)]), [Signal(head=True)]
        )


@pytest.mark.parametrize("kind", ["sd3", "sd3.5"])
def test_a_batch_of_prompts_is_its_prompts_alone(kind):
    engine, n = Denoiser(SD3(transformer(kind, LAYERS))), 4
    given, null, x = prompts(5, 1, n), prompts(5, 2, n), torch.randn(n, LATENT, 6, 10)
    methods = [SkipLayer(weight=3.0, blocks=(2, 4), cfg=4.0)] * (len(TIMES) - 1)

    def drawn(rows):
        condition = Condition(*(tuple(part[rows] for part in pair) for pair in (given, null)))
        run = {"times": TIMES, "methods": methods, "solver": "euler", "noise": None}
        return sample(engine, x[rows], condition, **run)[0]

    alone = torch.cat([drawn(slice(i, i + 1)) for i in range(n)])
    assert (drawn(slice(n)) - alone).norm() <= 1e-5 * alone.norm()
