"""The transformer of a pipeline's folder as weights of this project, in any layout of its files."""

import json
import shutil

import pytest
import tiny_sd3
import torch
from safetensors.torch import load_file, save_file

from w2s.errors import UserError
from w2s.job import Job
from w2s.models.load import load
from w2s.pipelines.folder import read_folder
from w2s.weak import extract

SINGLE = "diffusion_pytorch_model.safetensors"
USE = {"latents": [4, 6, 10], "text_tokens": 40}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return tiny_sd3.save(tmp_path_factory.mktemp("weak") / "tiny", "sd3.5")


@pytest.fixture
def folder(saved, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(saved, tmp_path / "pipe")


def store(folder, how):
    """Save the transformer again: sharded, of fp16, or both."""
    net = tiny_sd3.transformer("sd3.5")
    if "bf16" in how:
        net = net.to(torch.bfloat16)
    if "fp16" in how:
        net = net.to(torch.float16)
    (folder / "transformer" / SINGLE).unlink()
    options = {"max_shard_size": "40KB"} if "shards" in how else {}
    options |= {"variant": "fp16"} if "fp16" in how else {}
    net.save_pretrained(folder / "transformer", safe_serialization=True, **options)
    return net


def build(folder, out, network=None, **spec):
    network = network or {**read_folder(folder).transformer, **USE}
    spec = {"kind": "pipeline", "fingerprint": "abcd", "network": network} | spec
    extract.build(Job("weights", "k", spec, out, local={"path": str(folder)}))
    return out


@pytest.mark.parametrize(
    ("how", "files"),
    [("fp32", 1), ("shards", 2), ("fp16", 1), ("fp16 shards", 2), ("bf16", 1), ("bf16 shards", 2)],
)
def test_any_layout_gives_the_stored_weights(folder, tmp_path, how, files):
    net = store(folder, how)
    out = build(folder, tmp_path / "out")
    made = load_file(out / "model.safetensors")
    want = {f"transformer.{name}": value for name, value in net.state_dict().items()}
    assert made.keys() == want.keys()
    assert all(torch.equal(made[name], value) for name, value in want.items())
    assert {value.dtype for value in made.values()} == {net.dtype}
    source = json.loads((out / "source.json").read_text())
    assert len(source["files"]) >= files
    assert source["fingerprint"] == "abcd"


@torch.no_grad()
def test_it_is_the_transformer(folder, tmp_path):
    net, made = tiny_sd3.transformer("sd3.5"), load(build(folder, tmp_path / "out"))
    torch.manual_seed(0)
    x, text = torch.randn(2, 4, 6, 10), torch.randn(2, 5, tiny_sd3.T5_WIDTH)
    pooled, t = torch.randn(2, sum(tiny_sd3.CLIP_WIDTHS)), torch.tensor([0.3, 0.9])
    state = made.embed(x, t, text, pooled)
    for i in range(made.depth):
        state = made.block(i, state)
    want = net(x, text, pooled, t * 1000, return_dict=False)[0]
    torch.testing.assert_close(made.readout(state), want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("how", ["fp32", "fp16", "bf16 shards"])
def test_a_part_keeps_the_precision(folder, tmp_path, how):
    net = store(folder, how)
    whole = build(folder, tmp_path / "whole")
    out = tmp_path / "part"
    extract.build(Job("weights", "k", {"part": {"skip": [1]}}, out, {"whole": [whole]}))
    made = load_file(out / "model.safetensors")
    config = json.loads((out / "config.json").read_text())
    assert config["num_layers"] == 3
    assert config["dual_attention_layers"] == [0]
    for name, value in net.transformer_blocks[2].state_dict().items():
        assert torch.equal(made[f"transformer.transformer_blocks.1.{name}"], value)
        assert value.dtype == net.dtype


def test_what_the_plan_counts_on_must_be_there(folder, tmp_path):
    network = {**read_folder(folder).transformer, "num_layers": 24}
    with pytest.raises(UserError, match="the num_layers of its transformer is 4 and the study"):
        build(folder, tmp_path / "out", network)


def test_other_precisions_are_refused_by_name(folder, tmp_path):
    path = folder / "transformer" / SINGLE
    save_file({n: v.to(torch.float8_e4m3fn) for n, v in load_file(path).items()}, path)
    with pytest.raises(UserError, match="is stored in float8_e4m3fn; weights in fp32, bf16 or"):
        build(folder, tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.pop("proj_out.bias"), "transformer.proj_out.bias is missing"),
        (lambda w: w.update(more=torch.zeros(2)), "transformer.more is unknown"),
        (lambda w: w.update({"proj_out.bias": torch.zeros(3)}), r"bias is \(3,\) and not \(16,\)"),
    ],
)
def test_weights_of_another_network_are_refused(folder, tmp_path, change, words):
    path = folder / "transformer" / SINGLE
    weights = load_file(path)
    change(weights)
    save_file(weights, path)
    with pytest.raises(UserError, match=f"does not hold the network of its config.json: .*{words}"):
        build(folder, tmp_path / "out")


def test_a_folder_that_is_none_is_refused_as_everywhere(folder, tmp_path):
    network = read_folder(folder).transformer
    path = folder / "transformer" / SINGLE
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(UserError, match="is not whole"):
        build(folder, tmp_path / "out", network)
