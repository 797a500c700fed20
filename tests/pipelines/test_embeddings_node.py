"""A table of embeddings: a row for each distinct text, as the pipeline itself encodes it."""

import json

import numpy as np
import pytest
import text_nodes
import torch
from node_builds import built
from text_nodes import TEXTS
from tiny_sd3 import CLIP_LENGTH, CLIP_WIDTHS, T5_WIDTH, pipeline

from w2s.conditions.prompt_sets import identities
from w2s.errors import UserError
from w2s.plan.plan import Plan

LENGTH = 5  # tokens in T5's place


@pytest.fixture
def table(saved, tmp_path):
    """Builds the embeddings of texts; gives the node's folder."""

    def build(texts, t5=False, **changes):
        file, plan = tmp_path / "prompts.txt", Plan("test")
        file.write_text("\n".join(texts))
        key = text_nodes.embeddings(plan, saved(t5=t5), file, t5=t5, **changes)
        return built(plan, key, tmp_path / "store")

    return build


def read(folder):
    text, pooled = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("text", "pooled"))
    return text, pooled, json.loads((folder / "embeddings.json").read_text())


@pytest.mark.parametrize("t5", [False, True])
@pytest.mark.parametrize("negative", ["", "navy"])
@torch.no_grad()
def test_rows_are_what_the_pipeline_makes_of_each_text_and_of_the_negative(table, t5, negative):
    text, pooled, facts = read(table(TEXTS, t5, negative=negative))
    distinct = list(dict.fromkeys(TEXTS))
    assert text.shape == (len(distinct) + 1, CLIP_LENGTH + LENGTH, T5_WIDTH)
    assert pooled.shape == (len(distinct) + 1, sum(CLIP_WIDTHS))
    assert text.dtype == pooled.dtype == np.float32
    assert facts["rows"] == [0, 1, 0, 2]
    assert list(zip(facts["hashes"], facts["copies"], strict=True)) == identities(TEXTS)
    assert facts["tokens"] == CLIP_LENGTH + LENGTH
    for row, prompt in enumerate([*distinct, negative]):
        want, _, short, _ = pipeline(t5=t5).encode_prompt(
            [prompt], None, None, device="cpu", max_sequence_length=LENGTH
        )
        np.testing.assert_allclose(text[row], want[0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(pooled[row], short[0], rtol=1e-5, atol=1e-6)


def test_a_text_keeps_its_row_to_the_bit_in_a_larger_set(table, tmp_path):
    few, _, _ = read(table(TEXTS))
    many, _, facts = read(table(["olive", *reversed(TEXTS), "blue"]))
    assert facts["rows"] == [0, 1, 2, 3, 2, 4]
    for row, prompt in enumerate(dict.fromkeys(TEXTS)):
        other = ["olive", *dict.fromkeys(reversed(TEXTS))].index(prompt)
        assert np.array_equal(few[row], many[other])
    assert np.array_equal(few[-1], many[-1])


def test_another_batch_size_changes_only_the_last_digits(table):
    one, several = (read(table(TEXTS, batch=size))[0] for size in (1, 8))
    assert one.shape == several.shape
    np.testing.assert_allclose(one, several, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("precision", "dtype"), [("fp16", np.float16), ("bf16", np.float32)])
def test_half_precision_is_near_and_kept_as_it_is(table, precision, dtype):
    exact, pooled, _ = read(table(TEXTS))
    text, short, _ = read(table(TEXTS, precision=precision))
    assert text.dtype == short.dtype == dtype
    for rounded, want in ((text, exact), (short, pooled)):
        error = np.linalg.norm(rounded.astype(np.float32) - want) / np.linalg.norm(want)
        assert 0 < error < {"fp16": 5e-3, "bf16": 4e-2}[precision]


def test_what_is_cut_off_is_counted_and_logged(table, capsys):
    long = "red " * 20
    folder = table([long, "red", long], t5=True)
    _, _, facts = read(folder)
    assert facts["truncated"] == [{"clip": 22 - CLIP_LENGTH, "t5": 21 - LENGTH}, {}, {}]
    assert (
        "text 0 is longer than the encoders read: 6 tokens of clip and" in capsys.readouterr().err
    )


def test_progress_is_reported_to_the_last_batch(table, capsys):
    table(TEXTS, batch=2)
    assert "encoding batch 2/2" in capsys.readouterr().err


def test_a_t5_that_is_not_there_is_not_passed_over(saved, tmp_path):
    file, plan = tmp_path / "prompts.txt", Plan("test")
    file.write_text("red")
    key = text_nodes.embeddings(plan, saved(), file, t5=True)
    with pytest.raises(UserError, match="has no T5 for prompts to pass through: set t5: false"):
        built(plan, key, tmp_path / "store")


def test_without_t5_its_tokens_are_zeros_also_where_there_is_one(saved, tmp_path):
    file, plan = tmp_path / "prompts.txt", Plan("test")
    file.write_text("red")
    key = text_nodes.embeddings(plan, saved(t5=True), file, t5=False)
    text, _, _ = read(built(plan, key, tmp_path / "store"))
    assert not text[:, CLIP_LENGTH:].any()
    assert text[:, :CLIP_LENGTH].any()


def test_towers_stand_in_the_place_of_a_folder(tmp_path):
    """A row is CLIP's last layer but one of both towers side by side, then zeros in T5's place."""
    from transformers import CLIPTextModelWithProjection, CLIPTokenizer

    from w2s.job import Execution, Job
    from w2s.pipelines import embeddings
    from w2s.world import towers
    from w2s.world.words import captions

    execution, folders = Execution(device="cpu", state=tmp_path / "state"), {}
    for name in ("towers", "prompts", "embeddings"):
        folders[name] = tmp_path / name
        folders[name].mkdir()
    spec = {"width": 16, "layers": 2, "seed": 0}
    towers.build(Job("towers", "0", spec, folders["towers"], execution=execution))
    texts = captions()[:5]
    (folders["prompts"] / "prompts.json").write_text(json.dumps({"texts": texts}))
    spec = {
        "max_sequence_length": 8, "t5": False, "negative": "", "precision": "fp32", "batch": 2,
    }  # fmt: skip
    parents = {name: [folders[name]] for name in ("towers", "prompts")}
    embeddings.build(Job("embeddings", "0", spec, folders["embeddings"], parents, {}, execution))
    text, pooled, facts = read(folders["embeddings"])
    assert (text.shape, pooled.shape, facts["tokens"]) == ((6, 16, 32), (6, 32), 16)
    assert "fingerprint" not in facts
    for number, name in enumerate(("", "_2")):
        words = CLIPTokenizer.from_pretrained(folders["towers"] / f"tokenizer{name}")
        tower = CLIPTextModelWithProjection.from_pretrained(
            folders["towers"] / f"text_encoder{name}"
        )
        tokens = words([*texts, ""], padding="max_length", max_length=8, return_tensors="pt")
        with torch.no_grad():
            want = tower(tokens.input_ids, output_hidden_states=True)
        wide = slice(16 * number, 16 * number + 16)
        np.testing.assert_allclose(text[:, :8, wide], want.hidden_states[-2], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(pooled[:, wide], want.text_embeds, rtol=1e-4, atol=1e-5)
    assert not text[:, 8:].any()
