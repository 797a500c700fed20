"""SD3 and SD3.5 as backbones: equal to diffusers' transformer, whatever is skipped."""

import pytest
import torch
from peft import LoraConfig
from tiny_sd3 import CLIP_WIDTHS, LATENT, T5_WIDTH, transformer
from torch.utils.flop_counter import FlopCounterMode

from w2s.errors import UserError
from w2s.models.load import build
from w2s.models.registry import family_of, shape_of
from w2s.models.sd3 import PUBLISHED
from w2s.models.sd3_network import SD3

KINDS = ("sd3", "sd3.5")


def inputs(height=6, width=10, text=5, n=2):
    """x, t, text and pooled vectors."""
    torch.manual_seed(7)
    x, t = torch.randn(n, LATENT, height, width), torch.linspace(0.1, 0.9, n)
    return x, t, torch.randn(n, text, T5_WIDTH), torch.randn(n, sum(CLIP_WIDTHS))


def run(net, given, skip=()):
    state = net.embed(*given)
    for i in range(net.depth):
        if i not in skip:
            state = net.block(i, state)
    return net.readout(state)


def expected(net, given, skip=()):
    x, t, text, pooled = given
    return net(x, text, pooled, t * 1000, return_dict=False, skip_layers=list(skip))[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("skip", [(), (0,), (3,), (1, 2), (0, 3)])
@pytest.mark.parametrize("size", [(6, 10), (10, 4)])
@torch.no_grad()
def test_blocks_make_the_transformer(kind, skip, size):
    net, given = transformer(kind), inputs(*size)
    torch.testing.assert_close(
        run(SD3(net), given, skip), expected(net, given, skip), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_its_configuration_builds_it_again(kind):
    net = SD3(transformer(kind))
    again = build(net.config())
    again.load_state_dict(net.state_dict())
    assert torch.equal(run(again.eval(), inputs()), run(net, inputs()))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("skip", [(0,), (1, 2)])
@torch.no_grad()
def test_a_network_without_some_blocks_is_one_that_skips_them(kind, skip):
    net = SD3(transformer(kind))
    family = family_of(net.config())
    weights, config = family.take(net.state_dict(), net.config(), {"skip": list(skip)})
    smaller = build(config)
    smaller.load_state_dict(weights)
    torch.testing.assert_close(run(smaller.eval(), inputs()), run(net, inputs(), skip))


def test_the_last_block_is_not_left_out_of_a_network():
    config = SD3(transformer()).config()
    with pytest.raises(UserError, match="last block of an SD3 is built unlike the others"):
        family_of(config).part_config(config, {"skip": [3]})


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_work_is_counted_block_by_block(kind):
    """The flop counter sees blocks and attention, each multiply-accumulate as two operations."""
    net = SD3(transformer(kind, layers=6))
    x, t, text, pooled = inputs(text=7, n=1)
    state = net.embed(x, t, text, pooled)
    with FlopCounterMode(display=False) as counter:
        for i in range(net.depth):
            state = net.block(i, state)
    config = net.config() | {"latents": list(x.shape[1:]), "text_tokens": text.shape[1]}
    assert shape_of(config).macs == counter.get_total_flops() / 2
    assert shape_of(config).tokens == 15 + 7


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes_have_the_published_number_of_weights(name):
    """arXiv 2403.03206 and the model cards: 2 B, 2.5 B (2.24 B without its table of positions)."""
    with torch.device("meta"):
        net = build({"kind": "sd3"} | PUBLISHED[name])
    weights = sum(value.numel() for value in net.state_dict().values())
    assert family_of(net.config()).parameters(net.config()) == pytest.approx(weights, rel=0.01)
    assert weights / 1e9 == pytest.approx(
        {"sd3-medium": 2.1, "sd3.5-medium": 2.5, "sd3.5-large": 8.1}[name], rel=0.02
    )


@torch.no_grad()
def test_a_lora_holds():
    net, given = transformer(), inputs()
    plain = run(SD3(net), given)
    net.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_v"], init_lora_weights=False))
    tuned = run(SD3(net), given)
    torch.testing.assert_close(tuned, expected(net, given), rtol=1e-5, atol=1e-5)
    assert (tuned - plain).abs().max() > 1e-2


def hook(net):
    net.register_forward_pre_hook(lambda *_: None)


def offload(net):
    net._hf_hook = object()


def adapter(net):
    net.image_proj = torch.nn.Identity()


@pytest.mark.parametrize(
    ("change", "says"), [(hook, "hooks"), (offload, "hooks"), (adapter, "IP adapter")]
)
def test_what_would_be_ignored_is_refused(change, says):
    net = transformer()
    change(net)
    with pytest.raises(UserError, match=says):
        SD3(net)
