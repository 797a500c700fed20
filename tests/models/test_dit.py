"""DiT as a backbone: equal to diffusers' transformer, and a velocity in flow time."""

import pytest
import torch
from tiny_dit import CLASSES, LATENTS, config, random_dit
from torch.utils.flop_counter import FlopCounterMode

from w2s.errors import UserError
from w2s.models.load import build
from w2s.models.registry import family_of, shape_of
from w2s.models.sizes import SIZES
from w2s.models.vp import Schedule, flow_time, levels


def inputs(n=3, size=LATENTS):
    """x in the flow, timesteps, labels with the null class among them."""
    torch.manual_seed(7)
    return torch.randn(n, *size), torch.tensor([0, 400, 999])[:n], torch.tensor([1, CLASSES, 4])[:n]


def flow_times(timestep):
    known = levels(Schedule())
    return torch.tensor([flow_time(known[i]) for i in timestep.tolist()])


def run(net, x, timestep, y, skip=()):
    state = net.embed(x, flow_times(timestep), y)
    for i in range(net.depth):
        state = state if i in skip else net.block(i, state)
    return state


def expected(net, x, timestep, y):
    """Noise and variance of diffusers' own forward pass, and the VP state it was given."""
    signal, noise = torch.tensor(levels(Schedule()))[timestep].T[..., None, None, None]
    vp = x * (signal + noise)
    out = net.transformer(vp, timestep=timestep, class_labels=y).sample
    return out[:, : LATENTS[0]], out[:, LATENTS[0] :], vp, signal, noise


@torch.no_grad()
def test_noise_and_variance_are_those_of_diffusers():
    net, given = random_dit(), inputs()
    eps, variance, vp, signal, noise = expected(net, *given)
    clean = (vp - noise * eps) / signal
    state = run(net, *given)
    torch.testing.assert_close(net.readout(state), eps - clean, rtol=1e-5, atol=1e-3)
    torch.testing.assert_close(net.read_variance(state), variance, rtol=1e-5, atol=1e-6)
    gentle = given[1] < 999  # where abar is 4e-5, clean latents are 158 times the rounding
    torch.testing.assert_close(
        net.readout(state)[gentle], (eps - clean)[gentle], rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@torch.no_grad()
def test_each_prediction_is_the_same_velocity(prediction):
    """From what the network gives, by the definitions of noise, VP velocity and clean latents."""
    net = random_dit(schedule={"prediction_type": prediction})
    x, _, y = inputs()
    given = x, torch.tensor([20, 400, 700]), y
    out, _, vp, signal, noise = expected(net, *given)
    if prediction == "epsilon":
        clean = (vp - noise * out) / signal
    else:
        clean = out if prediction == "sample" else signal * vp - noise * out
    eps = (vp - signal * clean) / noise
    torch.testing.assert_close(net.readout(run(net, *given)), eps - clean, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("offset", [-3e-6, 0, 3e-6])
def test_a_time_is_the_nearest_that_was_trained(offset):
    net = random_dit()
    x, timestep, y = inputs()
    assert torch.equal(net.embed(x, flow_times(timestep) + offset, y).timestep, timestep)
    assert net.embed(x[:1], torch.ones(1), y[:1]).timestep.item() == 999


@torch.no_grad()
def test_wide_latents_keep_their_shape():
    net = random_dit()
    x, timestep, y = inputs(size=(4, 6, 10))
    assert net.readout(run(net, x, timestep, y)).shape == x.shape


@torch.no_grad()
def test_training_mode_drops_no_labels_of_its_own():
    """Whoever trains drops them; diffusers' embedding would drop a tenth once more."""
    net = random_dit().train()
    x, timestep, y = inputs(n=1)
    x, timestep, y = (part.expand(200, *part.shape[1:]) for part in (x, timestep, y))
    made = net.readout(run(net, x, timestep, y))
    assert torch.equal(made[:1].expand_as(made), made)
    other = type(net.transformer)(
        **{k: v for k, v in net.transformer.config.items() if k[0] != "_"}
    )
    other.load_state_dict(net.transformer.state_dict())
    stock = other.train()(x, timestep=timestep, class_labels=y).sample
    assert (stock[:1] - stock).abs().amax(dim=(1, 2, 3)).gt(1e-3).float().mean() > 0.02


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@torch.no_grad()
def test_weights_of_less_precision_keep_times_and_levels(dtype):
    net, given = random_dit(), inputs()
    want = net.readout(run(net, *given))[:2]
    rounded = net.to(dtype)
    state = run(rounded, *given)
    assert torch.equal(state.timestep, given[1])
    assert state.x.dtype == rounded.readout(state).dtype == torch.float32
    assert (rounded.readout(state)[:2] - want).norm() <= 0.05 * want.norm()


@torch.no_grad()
def test_its_configuration_builds_it_again():
    net, given = random_dit(learn_sigma=False, schedule={"beta_end": 0.01}), inputs()
    again = build(net.config())
    again.load_state_dict(net.state_dict())
    assert again.config() == net.config()
    assert torch.equal(again.eval().readout(run(again, *given)), net.readout(run(net, *given)))
    assert (shape_of(net.config()).variance, shape_of(config()).variance) == (False, True)


@pytest.mark.parametrize("skip", [(1,), (2, 3)])
@torch.no_grad()
def test_a_network_without_some_blocks_is_one_that_skips_them(skip):
    net, given = random_dit(), inputs()
    family = family_of(net.config())
    weights, made = family.take(net.state_dict(), net.config(), {"skip": list(skip)})
    smaller = build(made)
    smaller.load_state_dict(weights)
    want = net.readout(run(net, *given, skip=skip))
    torch.testing.assert_close(smaller.eval().readout(run(smaller, *given)), want)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"skip": [0]}, "first block of a DiT embeds time and class"),
        ({"skip": [4]}, "blocks are 0 to 3"),
        ("head", "needs a network with a mid-depth head"),
    ],
)
def test_parts_that_are_not_there_are_refused(part, words):
    with pytest.raises(UserError, match=words):
        family_of(config()).part_config(config(), part)


def test_other_output_channels_are_refused():
    with pytest.raises(UserError, match="gives 4, or 8 with their variance, and not 6"):
        shape_of(config() | {"out_channels": 6})
    assert not shape_of(config() | {"out_channels": None}).variance


@torch.no_grad()
def test_work_is_counted_block_by_block():
    """The flop counter sees blocks and attention, each multiply-accumulate as two operations."""
    net = random_dit()
    state = net.embed(torch.randn(1, *LATENTS), torch.ones(1), torch.zeros(1, dtype=torch.int64))
    with FlopCounterMode(display=False) as counter:
        for i in range(net.depth):
            state = net.block(i, state)
    assert shape_of(net.config()).macs == counter.get_total_flops() / 2
    assert shape_of(net.config()).tokens == 9


@pytest.mark.parametrize(
    ("size", "patch", "millions", "gflops"),
    [("S", 2, 33, 6.06), ("B", 2, 130, 23.01), ("L", 4, 458, 19.70), ("XL", 2, 675, 118.64)],
)
def test_published_sizes_have_the_published_work(size, patch, millions, gflops):
    """arXiv 2212.09748, tables 1 and 4; its Gflops are multiply-accumulates."""
    made = config(classes=1000, latents=(4, 32, 32), size=size, patch=patch, **UNSIZED)
    shape = shape_of(made)
    assert shape.depth == SIZES[size]["depth"]
    assert shape.macs / 1e9 == pytest.approx(gflops, rel=0.02)
    wide = SIZES[size]["hidden_size"]
    shared = (shape.depth - 1) * 1001 * wide  # of the table of classes, there once
    copies = (shape.depth - 1) * (
        SIZES[size]["hidden_size"] ** 2 + 256 * SIZES[size]["hidden_size"]
    )
    weights = family_of(made).parameters(made)
    assert (weights - shared - copies) / 1e6 == pytest.approx(millions, rel=0.02)
    with torch.device("meta"):
        stored = sum(value.numel() for value in build(made).state_dict().values())
    assert weights == pytest.approx(stored, rel=0.01)


UNSIZED = dict.fromkeys(("hidden", "depth", "heads"))
