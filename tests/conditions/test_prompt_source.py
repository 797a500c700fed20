"""Prompts as conditions: rows of tables of embeddings, the last of them for nothing."""

import json

import numpy as np
import pytest
import torch

from w2s.conditions.prompt_sets import identities
from w2s.conditions.prompts import prompt_samples
from w2s.conditions.sources import source_of
from w2s.errors import UserError

TEXTS = ["a", "b", "a"]
SPEC = {"condition": "prompts", "prompts": 3, "per_prompt": 2, "seeds": [3, 8]}


@pytest.fixture
def tables(tmp_path):
    """A folder of embeddings, of two distinct texts and of nothing."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "text.npy", rng.normal(size=(3, 5, 4)).astype(np.float16))
    np.save(tmp_path / "pooled.npy", rng.normal(size=(3, 6)).astype(np.float32))
    hashes, copies = zip(*identities(TEXTS), strict=True)
    facts = {"hashes": hashes, "copies": copies, "rows": [1, 0, 1]}
    (tmp_path / "embeddings.json").write_text(json.dumps(facts))
    return tmp_path


@pytest.fixture
def source(tables):
    return source_of(SPEC, {"embeddings": [tables]})


def test_samples_are_those_of_the_prompts_anywhere(source):
    whole = prompt_samples(TEXTS, [3, 8], 2)
    assert len(source) == len(whole) == 12
    assert source.samples(range(12)) == whole
    assert source.samples([7, 0, 11]) == [whole[7], whole[0], whole[11]]


def test_a_condition_has_the_number_of_its_texts_row(source):
    numbers = source.numbers(source.samples(range(6)))
    assert numbers.tolist() == [1, 1, 0, 0, 1, 1]
    assert numbers.dtype == torch.int64


def test_given_are_rows_and_null_is_the_last_in_float32(source, tables):
    given, null = source.condition(torch.tensor([1, 0, 1, 1]))
    for name, drawn, nothing in zip(("text", "pooled"), given, null, strict=True):
        table = np.load(tables / f"{name}.npy").astype(np.float32)
        assert drawn.dtype == nothing.dtype == torch.float32
        assert np.array_equal(drawn.numpy(), table[[1, 0, 1, 1]])
        assert np.array_equal(nothing.numpy(), table[[2, 2, 2, 2]])


def test_embeddings_of_another_number_of_prompts_are_refused(tables):
    with pytest.raises(UserError, match="of 3 prompts and 4 are to be drawn: the prompts have"):
        source_of(SPEC | {"prompts": 4}, {"embeddings": [tables]})
