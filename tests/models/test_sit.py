"""SiT: its published form, the taps of a pass, and time running the other way."""

import json

import pytest
import torch
from safetensors.torch import save_file

from w2s.errors import UserError
from w2s.models.load import load
from w2s.models.sit_network import Attention, Mlp, SiT, position_embedding
from w2s.models.sizes import SIZES

CONFIG = {
    "input_size": 6, "patch_size": 2, "in_channels": 3, "hidden_size": 32, "depth": 4,
    "num_heads": 2, "num_classes": 5, "head_at": 2,
}  # fmt: skip


def network(**changes):
    """A SiT away from its zero initialisation."""
    torch.manual_seed(0)
    net = SiT(**(CONFIG | changes))
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return net.eval()


@pytest.fixture
def inputs():
    torch.manual_seed(1)
    return torch.randn(3, 3, 6, 6), torch.rand(3), torch.tensor([0, 4, 5])


def test_attention_and_mlp_equal_timm():
    from timm.models.vision_transformer import Attention as TimmAttention
    from timm.models.vision_transformer import Mlp as TimmMlp

    x = torch.randn(2, 9, 32, generator=torch.Generator().manual_seed(0))
    theirs = TimmAttention(32, num_heads=4, qkv_bias=True)
    ours = Attention(32, 4)
    ours.load_state_dict(theirs.state_dict())
    torch.testing.assert_close(ours(x), theirs(x))
    theirs = TimmMlp(32, 128, act_layer=lambda: torch.nn.GELU(approximate="tanh"))
    ours = Mlp(32, 4.0)
    ours.load_state_dict(theirs.state_dict())
    torch.testing.assert_close(ours(x), theirs(x))


def test_published_sizes():
    millions = {"S": 33, "B": 130, "L": 458, "XL": 675}  # SiT, table 1
    for name, size in SIZES.items():
        with torch.device("meta"):
            net = SiT(input_size=32, patch_size=2, in_channels=4, num_classes=1000, **size)
        assert round(sum(p.numel() for p in net.parameters()) / 1e6) == pytest.approx(
            millions[name], abs=1
        )


def test_position_embedding_is_fixed_with_columns_first():
    embedding = position_embedding(16, 3)[0].view(3, 3, 16)
    column, row = embedding[..., :8], embedding[..., 8:]
    assert torch.equal(column[0], column[2])
    assert torch.equal(row[:, 0], row[:, 2])
    frequencies = 10000.0 ** (-torch.arange(4, dtype=torch.float64) / 4)
    expected = torch.cat([(2 * frequencies).sin(), (2 * frequencies).cos()]).float()
    torch.testing.assert_close(column[1, 2], expected)
    torch.testing.assert_close(row[2, 1], expected)
    assert not SiT(**CONFIG).pos_embed.requires_grad


def test_a_new_network_predicts_nothing_and_its_blocks_are_the_identity(inputs):
    net = SiT(**CONFIG)
    state = net.embed(*inputs)
    assert torch.equal(net.block(0, state).tokens, state.tokens)
    assert not net(*inputs).any()
    assert not net.read_head(state).any()


def test_patches_come_back_where_they_were():
    net = network()
    with torch.no_grad():  # a readout that returns one token's position in its first feature
        torch.nn.init.zeros_(net.final_layer.linear.weight)
        net.final_layer.linear.bias.copy_(torch.arange(12.0))
    v = net(torch.zeros(1, 3, 6, 6), torch.zeros(1), torch.zeros(1, dtype=torch.int64))[0]
    tile = torch.arange(12.0).view(2, 2, 3).permute(2, 0, 1)  # row, column, channel
    assert torch.equal(v, tile.repeat(1, 3, 3))


def test_a_pass_equals_its_parts(inputs):
    net = network()
    state = net.embed(*inputs)
    for i in range(net.depth):
        state = net.block(i, state)
    assert torch.equal(net(*inputs), net.readout(state))


def test_skipping_a_block_leaves_it_out(inputs):
    net = network()
    state = net.embed(*inputs)
    for i in (0, 2):
        state = net.block(i, state)
    assert torch.equal(net(*inputs, skip=(1, 3)), net.readout(state))


def test_the_null_class_has_a_row_of_its_own(inputs):
    net, (x, t, _) = network(), inputs
    assert net.null_class == 5
    labels = [torch.full((3,), y) for y in range(6)]
    outputs = [net(x, t, y) for y in labels]
    assert all(not torch.equal(outputs[5], v) for v in outputs[:5])
    with pytest.raises(IndexError):
        net(x, t, torch.full((3,), 6))


def test_weights_trained_backwards_in_time(inputs):
    """v(x, t) = -network(x, 1 - t)."""
    x, t, y = inputs
    ours, theirs = network(), network(time="data-at-one")
    torch.testing.assert_close(theirs(x, t, y), -ours(x, 1 - t, y))
    torch.testing.assert_close(
        theirs.read_head(theirs.embed(x, t, y)), -ours.read_head(ours.embed(x, 1 - t, y))
    )


def test_a_saved_network_loads_as_it_was(tmp_path, inputs):
    net = network(time="data-at-one")
    save_file(net.state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(net.config()))
    loaded = load(tmp_path)
    assert loaded.config() == net.config()
    assert not loaded.training
    assert torch.equal(loaded(*inputs), net(*inputs))


def test_patches_must_tile_the_latents():
    with pytest.raises(UserError, match="patches of 4 do not tile latents of 6"):
        SiT(**(CONFIG | {"patch_size": 4}))
