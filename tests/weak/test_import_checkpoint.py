"""`w2s import-checkpoint`: public SiTs and DiTs as folders that predict what they did."""

import json
from argparse import Namespace

import pytest
import torch
from released_dit import CHANNELS, CLASSES, DEPTH, HEADS, PATCH, SIDE, WIDTH, forward, released
from safetensors.torch import save_file

from w2s.cli import main
from w2s.errors import UserError
from w2s.files import sha256
from w2s.models.load import load
from w2s.models.public import read
from w2s.models.vp import Schedule, flow_time, levels
from w2s.weak.checkpoint import import_checkpoint

HEADS_SAID = f"heads={HEADS}"


def written(weights, path, wrapped=False):
    if path.suffix == ".safetensors":
        save_file(weights, path)
    else:
        torch.save({"ema": weights, "args": Namespace(lr=1e-4)} if wrapped else weights, path)
    return path


def run(net, x, t, y):
    state = net.embed(x, t, y)
    for i in range(net.depth):
        state = net.block(i, state)
    return state


def close(made, want):
    """Times reach 999 radians in float32, which costs a digit."""
    assert (made - want).norm() <= 1e-5 * want.norm()


@pytest.mark.parametrize("learn_sigma", [True, False])
@pytest.mark.parametrize("name", ["a.pt", "a.pth", "a.safetensors"])
@torch.no_grad()
def test_a_dit_predicts_what_its_release_does(tmp_path, name, learn_sigma):
    weights = released(learn_sigma)
    file = written(weights, tmp_path / name, wrapped=name == "a.pth")
    import_checkpoint(file, "dit", "dit", HEADS_SAID, tmp_path)
    net = load(tmp_path / "dit")
    timestep, y = torch.tensor([5, 400, 800]), torch.tensor([0, 3, CLASSES])
    x = torch.randn(3, CHANNELS, SIDE, SIDE, generator=torch.Generator().manual_seed(4))
    known = levels(Schedule())
    signal, noise = torch.tensor(known)[timestep].T[..., None, None, None]
    vp = x * (signal + noise)
    want = forward(weights, vp, timestep, y)
    eps = want[:, :CHANNELS]
    t = torch.tensor([flow_time(known[i]) for i in timestep.tolist()])
    state = run(net, x, t, y)
    velocity = eps - (vp - noise * eps) / signal
    close(net.readout(state), velocity)
    if learn_sigma:
        close(net.read_variance(state), want[:, CHANNELS:])


@torch.no_grad()
def test_diffusers_own_frequencies_would_be_another_network(tmp_path):
    """What the configuration has to say of a released DiT, or it predicts something else."""
    import_checkpoint(written(released(), tmp_path / "a.pt"), "dit", "dit", HEADS_SAID, tmp_path)
    config = json.loads((tmp_path / "dit/config.json").read_text())
    assert (config["downscale_freq_shift"], config["norm_eps"]) == (0, 1e-6)
    given = torch.randn(1, CHANNELS, SIDE, SIDE), torch.tensor([0.6]), torch.tensor([1])
    net = load(tmp_path / "dit")
    right = net.readout(run(net, *given))
    for block in net.blocks:
        block.norm1.emb.time_proj.downscale_freq_shift = 1
    assert (net.readout(run(net, *given)) - right).norm() > 0.01 * right.norm()


@pytest.mark.parametrize(
    ("said", "sign"), [(HEADS_SAID, -1), (f"{HEADS_SAID},time=noise-at-one", 1)]
)
@pytest.mark.parametrize("name", ["a.pt", "a.safetensors"])
@torch.no_grad()
def test_a_sit_predicts_what_its_release_does(tmp_path, name, said, sign):
    weights = released()
    import_checkpoint(written(weights, tmp_path / name), "sit", "sit", said, tmp_path)
    net, t, y = load(tmp_path / "sit"), torch.tensor([0.1, 0.9]), torch.tensor([2, CLASSES])
    x = torch.randn(2, CHANNELS, SIDE, SIDE, generator=torch.Generator().manual_seed(4))
    want = sign * forward(weights, x, t if sign == 1 else 1 - t, y)[:, :CHANNELS]
    close(net.readout(run(net, x, t, y)), want)


def test_the_folder_says_where_it_comes_from_and_what_to_write(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    file = written(released(), tmp_path / "DiT.pt")
    said = f"{HEADS_SAID},timestep_spacing=leading,beta_end=0.015"
    verb = ["import-checkpoint", "DiT.pt", "--kind", "dit", "--name", "my-dit", "--network", said]
    assert main(verb) == 0
    told, folder = capsys.readouterr().out, tmp_path / "data/networks/my-dit"
    assert "my-dit: {path: data/networks/my-dit}" in told
    assert f"{DEPTH} blocks for {CLASSES} classes, on 4 channels of 8 x 8" in told
    source = json.loads((folder / "source.json").read_text())
    assert source == {"file": "DiT.pt", "sha256": sha256(file), "dropped": []}
    assert sha256(file) in told
    schedule = json.loads((folder / "config.json").read_text())["schedule"]
    assert (schedule["timestep_spacing"], schedule["beta_end"]) == ("leading", 0.015)
    assert [path.name for path in folder.parent.iterdir()] == ["my-dit"]


def test_a_checkpoint_under_pretrained_is_read_alike(tmp_path):
    """Without the verb, by the path of the file and what the study says of the network."""
    from w2s.models.dit import DiTParams

    file = written(released(), tmp_path / "a.pt")
    said = {"kind": "dit", "patch": PATCH, "hidden": WIDTH, "depth": DEPTH, "heads": HEADS}
    network = DiTParams.model_validate(said).config((CHANNELS, SIDE, SIDE), CLASSES)
    weights, config, dropped = read(file, network)
    import_checkpoint(file, "dit", "dit", HEADS_SAID, tmp_path)
    assert config == json.loads((tmp_path / "dit/config.json").read_text())
    assert weights.keys() == load(tmp_path / "dit").state_dict().keys()
    assert dropped == []
    for key, value in {"num_layers": 4, "out_channels": 4, "num_embeds_ada_norm": 10}.items():
        with pytest.raises(UserError, match=f"its {key} is .* and not {value}"):
            read(file, network | {key: value})


def without(name):
    return {key: value for key, value in released().items() if key != name}


def moved():
    return released() | {"pos_embed": released()["pos_embed"] + 0.1}


BAD = {
    # what: weights or bytes, file, kind, name, what is said, words of the sentence
    "no file": (None, "a.pt", "dit", "x", HEADS_SAID, "there is no file"),
    "no checkpoint": (b"", "a.txt", "dit", "x", HEADS_SAID, "none of .safetensors, .pt, .pth"),
    "empty": (b"", "a.pt", "dit", "x", HEADS_SAID, "damaged"),
    "cut": (b"PK\x03\x04 cut", "a.pt", "dit", "x", HEADS_SAID, "damaged"),
    "cut tensors": (b"cut", "a.safetensors", "sit", "x", HEADS_SAID, "damaged"),
    "another network": ({"w": torch.ones(1)}, "a.pt", "dit", "x", "", "holds no DiT weights"),
    "another SiT": ({"w": torch.ones(1)}, "a.pt", "sit", "x", "", "holds no SiT weights"),
    "a list": ([torch.ones(1)], "a.pt", "sit", "x", "", "holds no SiT weights"),
    "a tensor short": (
        without("blocks.1.attn.qkv.bias"), "a.pt", "dit", "x", HEADS_SAID, "to_k.bias is missing",
    ),
    "no positions": (without("pos_embed"), "a.pt", "dit", "x", HEADS_SAID, "'pos_embed' is miss"),
    "other positions": (moved(), "a.pt", "dit", "x", HEADS_SAID, "not the fixed embedding"),
    "a tensor more": (
        released() | {"extra.weight": torch.ones(1)}, "a.pt", "dit", "x", HEADS_SAID,
        "extra.weight is unknown",
    ),
    "a part more": (
        released() | {"blocks.0.lora.weight": torch.ones(1)}, "a.pt", "dit", "x", HEADS_SAID,
        "lora.weight is unknown",
    ),
    "heads unknown": (released(), "a.pt", "dit", "x", "", "which no published size has"),
    "heads that do not fit": (released(), "a.pt", "dit", "x", "heads=5", "5 .*heads"),
    "kind": (released(), "a.pt", "unet", "x", "", "no public checkpoint of kind 'unet'; there"),
    "near kind": (released(), "a.pt", "sti", "x", "", "did you mean 'sit'"),
    "no name": (released(), "a.pt", "dit", "../x", HEADS_SAID, "'../x' is no name"),
    "taken": (released(), "a.pt", "dit", "taken", HEADS_SAID, "is there already"),
    "no value": (released(), "a.pt", "dit", "x", "heads", "'heads' must read key=value"),
    "unknown key": (released(), "a.pt", "dit", "x", "head=4", "no key 'head'; did you mean"),
    "key of a SiT": (released(), "a.pt", "dit", "x", "time=noise-at-one", "dit has no key 'time'"),
    "key of a DiT": (released(), "a.pt", "sit", "x", "beta_end=0.1", "sit has no key 'beta_end'"),
    "bad value": (released(), "a.pt", "dit", "x", "heads=many", "heads is many"),
    "bad time": (released(), "a.pt", "sit", "x", f"{HEADS_SAID},time=3", "time is 3"),
    "bad schedule": (released(), "a.pt", "dit", "x", "beta_start=2", "beta_start is 2"),
    "head that is not there": (
        released(), "a.pt", "sit", "x", f"{HEADS_SAID},head_at=1", "its head_at is None and not 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_what_cannot_be_imported_is_refused_in_a_sentence(tmp_path, bad):
    content, file, kind, name, said, words = BAD[bad]
    (tmp_path / "home/taken").mkdir(parents=True)
    if isinstance(content, bytes):
        (tmp_path / file).write_bytes(content)
    elif content is not None:
        torch.save(content, tmp_path / file)
    with pytest.raises(UserError, match=words) as refusal:
        import_checkpoint(tmp_path / file, kind, name, said, tmp_path / "home")
    assert "\n" not in str(refusal.value)
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["taken"]


class Boom:
    """What a pickle could do, and is not let."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('ran')",))


def test_code_in_a_pickle_is_not_run(tmp_path):
    torch.save({"ema": Boom()}, tmp_path / "a.pt")
    with pytest.raises(UserError, match=r"a\.pt is not a torch checkpoint, or is damaged"):
        import_checkpoint(tmp_path / "a.pt", "dit", "x", HEADS_SAID, tmp_path)


def test_it_is_whole_or_not_there(tmp_path, monkeypatch):
    file = written(released(), tmp_path / "a.pt")

    def fails(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("w2s.weak.checkpoint.sha256", fails)
    with pytest.raises(KeyboardInterrupt):
        import_checkpoint(file, "dit", "dit", HEADS_SAID, tmp_path / "home")
    assert list((tmp_path / "home").iterdir()) == []
