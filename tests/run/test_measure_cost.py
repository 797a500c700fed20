"""What is timed for estimates of hours: a network of the study, with what it is conditioned by."""

from pathlib import Path

import pytest
import torch
import yaml
from tiny_text import TEXT, changed, write

from w2s.models.registry import family_of, shape_of
from w2s.models.sd3 import PUBLISHED
from w2s.params.load import load_study
from w2s.plan.estimate import gmacs
from w2s.run import measure


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A text study whose network is small, measured for a moment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(measure, "SECONDS", 0.05)
    (tmp_path / "params.yaml").write_text("scale: words\n")
    write(tmp_path, changed(TEXT, ("models", "main", "max_sequence_length"), 8))
    return load_study(Path("params.yaml"))


def test_a_pipelines_network_is_timed_with_its_text(study):
    said = yaml.safe_load(measure.measure_cost(study))["cost"]
    assert said["seconds_per_gmac"] > 0
    assert said["device"]


def test_labels_are_timed_too(study_folder, monkeypatch):
    monkeypatch.setattr(measure, "SECONDS", 0.05)
    said = yaml.safe_load(measure.measure_cost(study_folder.load(scale="smoke")))["cost"]
    assert said["seconds_per_gmac"] > 0


@pytest.mark.parametrize("size", PUBLISHED)
def test_of_a_large_network_the_first_and_the_last_block_are_timed(size):
    whole = {"kind": "sd3", **PUBLISHED[size], "latents": [16, 128, 128], "text_tokens": 333}
    thin = measure.thinned(whole)
    assert shape_of(thin).depth == 2
    assert shape_of(thin).tokens == shape_of(whole).tokens
    assert gmacs(thin) < 0.15 * gmacs(whole)
    assert family_of(thin).latents(thin) == (16, 128, 128)


def test_a_small_network_stays_whole():
    small = {"kind": "sd3", **PUBLISHED["sd3-medium"], "num_layers": 4, "num_attention_heads": 2}
    assert measure.thinned(small) is small


def test_what_is_given_has_the_shapes_that_the_network_reads():
    config = {"kind": "sd3", **PUBLISHED["sd3-medium"], "text_tokens": 100}
    given, null = measure.condition(config, 3, torch.device("cpu"))
    assert [tuple(part.shape) for part in given] == [(3, 100, 4096), (3, 2048)]
    assert [part.shape for part in given] == [part.shape for part in null]
