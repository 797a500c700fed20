"""Parity with the formulas of diffusers' guiders; tests/pipelines has their runs on SD3."""

import pytest
import torch
from diffusers import guiders
from diffusers.hooks import LayerSkipConfig
from guidance_fakes import batch, make, run, step

from w2s.guidance.base import NULL, STRONG, Signal, State


def guider(name, number=3, **arguments):
    """A guider in the middle of eight steps."""
    made = getattr(guiders, name)(**arguments)
    made.set_state(step=number, num_inference_steps=8, timestep=torch.tensor(500))
    return made


PAIRS = [
    ("cfg", {}, "ClassifierFreeGuidance", {}),
    ("cfg_rescale", {"rescale": 0.6}, "ClassifierFreeGuidance", {"guidance_rescale": 0.6}),
    ("cfg_zero_star", {}, "ClassifierFreeZeroStarGuidance", {}),
]


@pytest.mark.parametrize(("ours", "arguments", "theirs", "settings"), PAIRS)
@pytest.mark.parametrize("weight", [1.0, 1.4, 7.5])
def test_parity(ours, arguments, theirs, settings, weight):
    x, v = batch()
    expected = guider(theirs, guidance_scale=weight, **settings)(pair(v, weight))
    guided = run(make(ours, weight=weight, **arguments), v, x, step(3))
    torch.testing.assert_close(guided, expected.pred, atol=1e-5, rtol=1e-5)


class Data:
    """What a guider is handed for one prediction."""

    def __init__(self, name, prediction):
        self.__guidance_identifier__ = name
        self.noise_pred = prediction


def pair(v, weight=2.0):
    both = [Data("pred_cond", v[STRONG]), Data("pred_uncond", v[NULL])]
    return both if weight != 1 else both[:1]


def test_zero_star_starts_still_in_both():
    x, v = batch()
    theirs = guider("ClassifierFreeZeroStarGuidance", 0, guidance_scale=4.0)(pair(v)).pred
    assert torch.equal(run(make("cfg_zero_star", weight=4.0, zero_init=1), v, x, step(0)), theirs)


def test_tcfg_on_the_same_prediction():
    """diffusers damps whatever the network puts out; at t = 0 and x = 0 velocity is noise."""
    _, v = batch()
    theirs = guider("TangentialClassifierFreeGuidance", guidance_scale=4.0)
    expected = theirs.forward(v[STRONG], v[NULL]).pred
    resolved = make("tcfg", weight=4.0).at(step(3))
    guided = resolved.combine(v, torch.zeros_like(v[NULL]), 0.0, State())
    torch.testing.assert_close(guided, expected, atol=1e-4, rtol=1e-4)


def apg_guider(momentum, eta, max_norm, weight):
    return guider(
        "AdaptiveProjectedGuidance",
        0,
        guidance_scale=weight - 1,
        adaptive_projected_guidance_momentum=momentum,
        adaptive_projected_guidance_rescale=max_norm,
        eta=eta,
        use_original_formulation=True,
    )


def test_apg_over_a_window_fed_with_clean_images():
    """Given x0 and its original formulation diffusers' guider is the paper's, with scale w - 1."""
    theirs = apg_guider(-0.5, 0.25, 4.0, weight=5.0)
    theirs.prepare_inputs({})
    ours = make("apg", weight=5.0, momentum=-0.5, eta=0.25, max_norm=4.0)
    state = State()
    for i in range(4):
        x, v = batch(seed=i)
        at = step(i)
        clean = theirs.forward(x - at.t * v[STRONG], x - at.t * v[NULL]).pred
        guided = run(ours, v, x, at, state)
        torch.testing.assert_close(guided, (x - clean) / at.t, atol=1e-4, rtol=1e-4)


def test_apg_in_diffusers_own_formulation_keeps_guiding_at_weight_one():
    """v_u + w d' starts from the null prediction: with d' projected, w = 1 is not conditional."""
    _, v = batch()
    theirs = guider("AdaptiveProjectedGuidance", guidance_scale=1.0001, eta=0.0)
    assert (theirs.forward(v[STRONG], v[NULL]).pred - v[STRONG]).abs().max() > 0.05


def test_skip_layer_guider_adds_and_mixes_its_scales():
    """On top of CFG its scale is w - 1; alone it is w."""
    x, v = batch()
    skipped = v[Signal(skip=(2, 3))]
    layers = {"skip_layer_config": LayerSkipConfig(indices=[2, 3])}
    layers |= {"skip_layer_guidance_start": 0.0, "skip_layer_guidance_stop": 1.0}
    both = guider("SkipLayerGuidance", guidance_scale=4.0, skip_layer_guidance_scale=2.0, **layers)
    ours = run(make("skip_layer", weight=3.0, cfg=4.0), v, x, step(3))
    theirs = both.forward(v[STRONG], v[NULL], skipped).pred
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    alone = guider("SkipLayerGuidance", guidance_scale=1.0, skip_layer_guidance_scale=2.0, **layers)
    theirs = alone.forward(v[STRONG], pred_cond_skip=skipped).pred
    ours = run(make("skip_layer", weight=2.0), v, x, step(3))
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def magnitude_aware(v, shape):
    theirs = guider("MagnitudeAwareGuidance", guidance_scale=7.5, alpha=5.0)
    return theirs.forward(v[STRONG].reshape(shape), v[NULL].reshape(shape)).pred


def test_magnitude_aware_guidance_on_token_shaped_predictions():
    x, v = batch()
    guided = run(make("mambo_g", weight=7.5, alpha=5.0), v, x, step(3))
    expected = magnitude_aware(v, (3, 4, 36)).reshape(x.shape)
    torch.testing.assert_close(guided, expected, atol=1e-5, rtol=1e-5)


def test_magnitude_aware_guider_does_not_take_images():
    """It asks torch.norm for a norm over three axes, which the installed torch refuses."""
    with pytest.raises(RuntimeError, match="2-tuple"):
        magnitude_aware(batch()[1], (3, 4, 6, 6))


def test_tangential_guider_cannot_tell_its_branches():
    with pytest.raises(AttributeError):
        _ = guider("TangentialClassifierFreeGuidance").is_conditional
