"""The miniature's captions, and the tokenizer and towers that read them."""

import numpy as np
import pytest
import torch
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

from w2s.job import Execution, Job
from w2s.world import towers
from w2s.world.scenes import attributes, random_scenes
from w2s.world.words import LENGTH, captions, distinct_captions, meanings, tokenizer


@pytest.fixture(scope="module")
def words():
    return tokenizer(captions())


def test_captions_are_those_that_scenes_have():
    drawn = {attributes(scene)["caption"] for scene in random_scenes(720, 0.25, 0)}
    assert drawn == set(captions())
    assert len(captions()) == 360


@pytest.mark.parametrize("count", [1, 90, 359, 360, 361, 800])
def test_captions_are_counted_without_drawing_scenes(count):
    drawn = {attributes(scene)["caption"] for scene in random_scenes(count, 0.25, count)}
    assert len(drawn) == distinct_captions(count)


def test_a_caption_says_what_its_scene_shows():
    for scene in random_scenes(100, 0.25, 0):
        shown = attributes(scene)
        assert meanings()[shown["caption"]].items() <= shown.items()


def test_every_caption_has_tokens_of_its_own(words):
    """A careless list of merges breaks "striped", and captions become alike."""
    read = words(captions()).input_ids
    assert {len(ids) for ids in read} == {LENGTH}
    assert len({tuple(ids) for ids in read}) == 360


def test_every_word_is_one_token(words):
    for word in {word for caption in captions() for word in caption.split()}:
        assert len(words(word).input_ids) == 3, word


def test_other_words_are_spelled(words):
    pieces = words.convert_ids_to_tokens(words("zebra").input_ids)[1:-1]
    assert "".join(pieces) == "zebra</w>"
    assert len(pieces) > 1


def test_a_saved_tokenizer_reads_alike(words, tmp_path):
    words.save_pretrained(tmp_path)
    again = CLIPTokenizer.from_pretrained(tmp_path)
    assert again(captions()).input_ids == words(captions()).input_ids
    assert again.model_max_length == LENGTH


def built(folder, **changes):
    folder.mkdir()
    spec = {"width": 16, "layers": 2, "seed": 0} | changes
    execution = Execution(device="cpu", state=folder / "state")
    towers.build(Job("towers", "0", spec, folder, {}, execution=execution))
    return folder


def read(folder, number=""):
    tower = CLIPTextModelWithProjection.from_pretrained(folder / f"text_encoder{number}")
    words = CLIPTokenizer.from_pretrained(folder / f"tokenizer{number}")
    with torch.no_grad():
        return tower(**words(captions(), return_tensors="pt")).text_embeds.numpy()


def test_towers_tell_captions_apart(tmp_path):
    made = built(tmp_path / "a")
    for number in ("", "_2"):
        pooled = read(made, number)
        gaps = np.linalg.norm(pooled[:, None] - pooled, axis=2) + 1e9 * np.eye(360)
        assert gaps.min() > 0.05 * np.median(gaps)
    assert np.abs(read(made) - read(made, "_2")).max() > 0.1


def test_towers_are_of_their_seed(tmp_path):
    first, same = built(tmp_path / "a"), built(tmp_path / "b")
    other = built(tmp_path / "c", seed=1)
    assert np.array_equal(read(first), read(same))
    assert not np.array_equal(read(first), read(other))
