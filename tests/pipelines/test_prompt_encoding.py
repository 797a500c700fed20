"""Prompts are encoded as the pipeline does, each once, and say what was cut off."""

import json
import shutil

import pytest
import torch
from tiny_sd3 import CLIP_LENGTH, LETTERS, T5_WIDTH, pipeline

from w2s.errors import UserError
from w2s.pipelines.encoding import encode, length_of, tokens_cut
from w2s.pipelines.folder import read_folder
from w2s.pipelines.loading import load_network, load_pipeline, load_text

TEXTS = ["small red star", "", "large blue ring on navy", "übergroß ☂"]


@pytest.fixture(params=[False, True], ids=["without T5", "with T5"])
def t5(request):
    return request.param


def stock(pipe, texts, length):
    with torch.no_grad():
        text, _, pooled, _ = pipe.encode_prompt(
            texts, None, None, device="cpu", max_sequence_length=length
        )
    return text, pooled


def test_a_prompt_is_encoded_as_the_pipeline_does_it(t5):
    pipe = pipeline(t5=t5)
    for prompt in TEXTS:
        found, (text, pooled) = encode(pipe, [prompt], 20), stock(pipe, [prompt], 20)
        assert torch.equal(found.text, text)
        assert torch.equal(found.pooled, pooled)
        assert text.shape == (1, CLIP_LENGTH + 20, T5_WIDTH)


def test_a_batch_is_encoded_as_the_pipeline_does_it(t5):
    pipe = pipeline(t5=t5)
    found, (text, pooled) = encode(pipe, TEXTS, 20, batch=4), stock(pipe, TEXTS, 20)
    assert torch.equal(found.text, text)
    assert torch.equal(found.pooled, pooled)


@pytest.mark.parametrize("batch", [1, 3])
def test_no_prompt_depends_on_the_others(t5, batch):
    """In batches of one size: exactly; in batches of another, to rounding."""
    pipe = pipeline(t5=t5)
    whole = encode(pipe, TEXTS, 20, batch)
    for row, prompt in enumerate(TEXTS):
        alone, single = encode(pipe, [prompt], 20, batch), encode(pipe, [prompt], 20)
        assert torch.equal(alone.text[0], whole.text[row])
        assert torch.equal(alone.pooled[0], whole.pooled[row])
        torch.testing.assert_close(single.text, alone.text, rtol=1e-5, atol=1e-6)


def test_equal_prompts_are_encoded_once(monkeypatch):
    pipe, ran = pipeline(), []
    true = pipe.encode_prompt
    monkeypatch.setattr(pipe, "encode_prompt", lambda p, *a, **k: ran.extend(p) or true(p, *a, **k))
    done = []
    found = encode(pipe, ["red", "blue", "red"], 8, progress=done.append)
    assert ran == ["red", "blue"]
    assert done == [1, 2]
    assert torch.equal(found.text[0], found.text[2])


def test_without_t5_as_many_zeros_go_in():
    text = encode(pipeline(t5=False), TEXTS[:1], 9).text
    assert text.shape[1] == CLIP_LENGTH + 9
    assert not text[:, CLIP_LENGTH:].any()
    assert encode(pipeline(t5=True), TEXTS[:1], 9).text[:, CLIP_LENGTH:].any()


def test_cut_tokens_are_counted():
    """Known words are one token each to CLIP, which adds a start and an end, and T5 an end."""
    pipe, words = pipeline(t5=True), " ".join(["star"] * 20)
    assert tokens_cut(pipe, words, 32) == {"clip": 20 + 2 - CLIP_LENGTH}
    assert tokens_cut(pipe, words, 15)["t5"] == len(pipe.tokenizer_3(words).input_ids) - 15 > 0
    assert tokens_cut(pipe, "red star", 32) == {}
    assert encode(pipe, ["red star", words], 32).truncated == [{}, {"clip": 6}]
    assert tokens_cut(pipeline(), words, 15) == {"clip": 6}


def test_what_is_cut_off_changes_nothing(t5):
    pipe, long = pipeline(t5=t5), " ".join(LETTERS)
    longer = long + " red star"
    assert tokens_cut(pipe, longer, 12)["clip"] > tokens_cut(pipe, long, 12)["clip"] > 0
    assert torch.equal(encode(pipe, [long], 12).text, encode(pipe, [longer], 12).text)


def test_the_length_is_what_is_asked_or_the_model_says(saved, tmp_path):
    pipe = load_pipeline(read_folder(saved()))
    assert (length_of(pipe), length_of(pipe, 8)) == (256, 8)
    pipe.transformer.register_to_config(text_tokens=CLIP_LENGTH + 9)
    assert length_of(pipe) == 9
    pipe.save_pretrained(tmp_path)
    folder = read_folder(tmp_path)
    assert folder.max_sequence_length == length_of(load_text(folder)) == 9
    pipe.transformer.register_to_config(text_tokens=3)
    with pytest.raises(UserError, match=r"leaves -13 beside CLIP's 16"):
        length_of(pipe)


@pytest.mark.parametrize("kind", ["sd3", "sd3.5"])
def test_a_folder_loads_as_it_was_saved(saved, kind, t5):
    folder, pipe = read_folder(saved(kind, t5)), pipeline(kind, t5)
    loaded = load_pipeline(folder)
    for name, part in pipe.components.items():
        if isinstance(part, torch.nn.Module):
            states = part.state_dict(), getattr(loaded, name).state_dict()
            assert all(torch.equal(*pair) for pair in zip(*map(dict.values, states), strict=True))
    assert loaded.scheduler.config.shift == 3
    assert (loaded.text_encoder_3 is not None) is t5
    alone = load_text(folder)
    assert torch.equal(encode(alone, TEXTS, 20).text, encode(pipe, TEXTS, 20).text)
    assert {p.dtype for p in load_network(folder, "transformer", "bf16").parameters()} == {
        torch.bfloat16
    }


def test_t5_can_be_left_out(saved):
    folder = read_folder(saved("sd3", t5=True))
    text = encode(load_text(folder, t5=False), TEXTS, 20).text
    assert torch.equal(text, encode(pipeline(t5=False), TEXTS, 20).text)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"qk_norm": "rms_norm"}, r"lack .*norm_added_k.*, which its config.json asks for"),
        ({"num_attention_heads": 1}, "transformer cannot be loaded"),
        ({"qk_norm": "other"}, "transformer cannot be loaded"),
    ],
)
def test_weights_that_do_not_fit_are_refused(saved, tmp_path, change, says):
    place = shutil.copytree(saved(), tmp_path / "model")
    config = json.loads((place / "transformer/config.json").read_text())
    (place / "transformer/config.json").write_text(json.dumps(config | change))
    with pytest.raises(UserError, match=says) as refusal:
        load_network(read_folder(place), "transformer")
    assert "\n" not in str(refusal.value)


def test_a_broken_tokenizer_is_refused(saved, tmp_path):
    place = shutil.copytree(saved(), tmp_path / "model")
    (place / "tokenizer/tokenizer.json").write_text("{}")
    with pytest.raises(UserError, match="tokenizer cannot be loaded"):
        load_text(read_folder(place))
