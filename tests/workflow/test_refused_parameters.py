"""Mistakes in the parameters, as a user of snakemake meets them."""

import pytest

MISTAKES = {
    "unknown key": ("per_seed: 12", "perseed: 12", "sampling.perseed: "),
    "no such guidance": ("guidance: ag}", "guidance: agg}", "did you mean 'ag'?"),
    "window": ("window: [0.5, 1]", "window: [0.5, 2]", "guidance.sgg"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_before_anything_runs(fresh, mistake):
    old, new, what = MISTAKES[mistake]
    fresh.edit((old, new))
    sentence = _refused(fresh)
    assert "scales/smoke.yaml" in sentence
    assert what in sentence


def test_an_unknown_scale_is_refused(fresh):
    assert "'huge'" in _refused(fresh, "all", "--config", "scale=huge")


def test_an_absent_data_folder_is_refused(fresh):
    assert "no folder absent" in _refused(fresh, "all", "--config", "data=absent")


def _refused(study, *arguments: str) -> str:
    """The only thing said, beside Snakemake's word on the profile it read."""
    output = study.snakemake(*arguments, status=2).splitlines()
    sentences = [line for line in output if line and not line.startswith("Using workflow")]
    assert len(sentences) == 1
    assert sentences[0].startswith("w2s: ")
    assert not (study.path / "results").exists()
    assert not (study.path / ".w2s" / "plans").exists()
    return sentences[0]
