"""Published pickles of weights become safetensors once, and run no code."""

import json

import pytest
import tiny_judges
import torch
from safetensors.torch import load_file
from test_prompted_scores import TEXTS, Danger, images

from w2s.errors import UserError
from w2s.files import sha256
from w2s.job import Execution, Job
from w2s.metrics.prompted import converted
from w2s.metrics.prompted.hps import HPS


def convert(path, out):
    out.mkdir()
    execution = Execution(device="cpu", state=out / "state")
    job = Job("converted", "0", {"fingerprint": "abcd"}, out, {}, {"path": str(path)}, execution)
    converted.build(job)
    return out / f"{path.stem}.safetensors"


def test_they_are_the_same_weights(tmp_path):
    path, architecture, weights = tiny_judges.hps(tmp_path)
    made = convert(path, tmp_path / "out")
    kept = load_file(made)
    assert kept.keys() == weights.keys()
    assert all(torch.equal(kept[name], weights[name]) for name in weights)
    source = json.loads((tmp_path / "out" / "source.json").read_text())
    assert source == {"file": "HPS.pt", "sha256": sha256(path), "fingerprint": "abcd"}
    scores = [HPS(file, str(architecture))(images(), TEXTS) for file in (path, made)]
    assert (scores[0] == scores[1]).all()


def test_weights_that_share_memory_are_kept(tmp_path):
    both = torch.randn(3, 4)
    torch.save({"a": both, "b": both, "c": both.T}, tmp_path / "tied.pth")
    kept = load_file(convert(tmp_path / "tied.pth", tmp_path / "out"))
    assert torch.equal(kept["a"], kept["b"])
    assert torch.equal(kept["c"], both.T)


@pytest.mark.parametrize("content", [{"a": Danger()}, [1, 2], {"a": 1}])
def test_other_pickles_are_refused(content, tmp_path, capsys):
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(UserError, match=r"other\.pt"):
        convert(tmp_path / "other.pt", tmp_path / "out")
    assert "run" not in capsys.readouterr().out
    assert not list((tmp_path / "out").glob("*.safetensors"))
