"""How diffusers' guiders are wrong on SD3, and this project's right beside each."""

import copy

import pytest
import torch
from diffusers.guiders import (
    AutoGuidance,
    ClassifierFreeGuidance,
    SkipLayerGuidance,
    SmoothedEnergyGuidance,
)
from diffusers.hooks import LayerSkipConfig
from modular_runs import close, draw, inputs, networks, reference

from w2s.errors import UserError
from w2s.pipelines.guiders import WindowedGuidance

KINDS = ("sd3", "sd3.5")
ALWAYS = {"skip_layer_guidance_start": 0.0, "skip_layer_guidance_stop": 1.0}
FIRST = {"steps": [1, 5]}  # its skip-layer window never holds the first step


@pytest.fixture(params=KINDS)
def nets(request):
    """Anew for each test: what fails under their guiders leaves its hooks behind."""
    return networks(request.param)


def skipping(blocks, cfg=4.0, weight=3.0):
    """diffusers' guider: CFG at its scale, and w - 1 as the scale of the skip term."""
    return SkipLayerGuidance(
        guidance_scale=cfg,
        skip_layer_guidance_scale=weight - 1,
        skip_layer_config=LayerSkipConfig(indices=list(blocks), fqn="transformer_blocks"),
        **ALWAYS,
    )


def ours(blocks, cfg=4.0, weight=3.0):
    """The same with blocks skipped right, in the steps in which diffusers skips them."""
    skip = {"method": "skip_layer", "weight": weight, "blocks": list(blocks), "cfg": cfg}
    return [skip | FIRST, {"method": "cfg", "weight": cfg, "steps": [0, 1]}]


def right(nets, windows, given=None):
    """What this project's guider makes, which is what separate full forwards make."""
    given = given or inputs()
    made = draw(nets["main"], WindowedGuidance(windows), given)
    assert close(made, reference(nets, windows, given))
    return made


@pytest.mark.parametrize("layers", [7, [7], [7, 8]])
def test_layers_as_it_documents_them_are_a_type_error(nets, layers):
    theirs = SkipLayerGuidance(skip_layer_guidance_layers=layers, **ALWAYS)
    with pytest.raises(TypeError):
        draw(copy.deepcopy(nets["main"]), theirs, inputs())
    right(nets, ours([layers] if isinstance(layers, int) else layers))


@pytest.mark.parametrize("blocks", [[7], [7, 8, 9], [5, 6, 7, 8, 9]])
def test_odd_runs_of_blocks_fail(nets, blocks):
    with pytest.raises(RuntimeError):
        draw(copy.deepcopy(nets["main"]), skipping(blocks), inputs())
    right(nets, ours(blocks))


def test_the_reason_is_that_a_skipped_block_exchanges_image_and_text(nets):
    block, image, text = nets["main"].transformer_blocks[7], *torch.randn(2, 1, 6, 16)
    arguments = {"hidden_states": image, "encoder_hidden_states": text[:, :2], "temb": image[:, 0]}
    assert [out.shape[1] for out in block(**arguments)] == [2, 6]
    theirs = skipping([7])
    theirs.set_state(step=3, num_inference_steps=8, timestep=torch.tensor(500))
    for _ in range(3):
        theirs.prepare_models(nets["main"])
    assert [out.shape[1] for out in block(**arguments)] == [6, 2]


def test_separated_blocks_are_silently_wrong(nets):
    made = draw(nets["main"], skipping([4, 6]), inputs())
    assert not close(made, right(nets, ours([4, 6])), 0.05)


def test_a_pair_of_adjacent_blocks_is_right(nets):
    """Each exchanges its streams, so that the second sets right what the first does."""
    assert close(draw(nets["main"], skipping([7, 8]), inputs()), right(nets, ours([7, 8])))


def test_without_cfg_it_is_cfg_at_the_skip_scale(nets):
    theirs = draw(nets["main"], skipping([7, 8], cfg=1.0, weight=4.0), inputs())
    plain = WindowedGuidance({"method": "cfg", "weight": 3.0} | FIRST)
    assert close(theirs, draw(nets["main"], plain, inputs()))
    alone = right(nets, {"method": "skip_layer", "weight": 4.0, "blocks": [7, 8]})
    assert not close(theirs, alone, 0.05)


def test_auto_guidance_compares_with_the_negative_prompt(nets):
    theirs = AutoGuidance(
        guidance_scale=2.0,
        auto_guidance_config=LayerSkipConfig(indices=[7, 8], fqn="transformer_blocks"),
    )
    given = inputs()
    other = given | {"negative_prompt_embeds": given["negative_prompt_embeds"].flip(0)}
    assert not close(*(draw(nets["main"], theirs, g) for g in (given, other)), 1e-3)
    guider = WindowedGuidance({"method": "autoguidance", "weight": 2.0, "weak": "small"})
    guider.set_network("small", nets["small"])
    made = [draw(nets["main"], guider, g) for g in (given, other, inputs(negative=False))]
    assert torch.equal(made[0], made[1])
    assert torch.equal(made[0], made[2])
    assert close(made[0], reference(nets, guider.config.windows, given))


def test_without_a_negative_prompt_cfg_is_silently_left_out(nets):
    given = inputs(negative=False)
    theirs = draw(nets["main"], ClassifierFreeGuidance(guidance_scale=5.0), given)
    assert torch.equal(theirs, draw(nets["main"], WindowedGuidance([]), given))
    with pytest.raises(UserError, match='pass negative_prompt=""'):
        draw(nets["main"], WindowedGuidance({"method": "cfg", "weight": 5.0}), given)


def test_smoothed_energy_guidance_is_cfg(nets):
    """It blurs from its second forward on, but never counts any."""
    theirs = SmoothedEnergyGuidance(guidance_scale=5.0, seg_guidance_layers=2)
    made = draw(nets["main"], theirs, inputs())
    assert close(made, right(nets, {"method": "cfg", "weight": 5.0}), 1e-3)
