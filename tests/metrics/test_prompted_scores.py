"""Scores of images and prompts against plain re-implementations on random weights."""

import naive_towers as naive
import numpy as np
import pytest
import tiny_judges
import torch
import torchvision.transforms.v2.functional as tv
from open_clip.tokenizer import SimpleTokenizer
from PIL import Image
from safetensors.torch import save_file
from tiny_judges import HEADS, LAYERS
from transformers import AutoTokenizer, CLIPImageProcessor

from w2s.errors import UserError
from w2s.metrics.prompted.aesthetic import Aesthetic
from w2s.metrics.prompted.clip import ClipScore
from w2s.metrics.prompted.hps import HPS
from w2s.metrics.prompted.image_reward import MEAN, STD, TOKENS, ImageReward
from w2s.metrics.prompted.pictures import CLIP_MEAN, CLIP_STD, cropped, padded

TEXTS = ["a red star", "", "größer als alles"]
SIZES = [(40, 40), (64, 24), (20, 50), (28, 28)]


def images(height=40, width=56, n=3, seed=0):
    coarse = np.random.default_rng(seed).integers(0, 256, (n, 5, 7, 3), np.uint8)
    sizes = [Image.fromarray(x).resize((width, height), Image.Resampling.BILINEAR) for x in coarse]
    return np.stack([np.asarray(x) for x in sizes])


def narrow(x):
    return tv.normalize(x, CLIP_MEAN, CLIP_STD)


@pytest.mark.parametrize("size", SIZES)
def test_cropping_is_that_of_clip(size):
    theirs = CLIPImageProcessor(size={"shortest_edge": 28}, crop_size=28, do_convert_rgb=False)
    pictures = [Image.fromarray(x) for x in images(*size)]
    expected = theirs(pictures, return_tensors="pt").pixel_values
    # The installed processor resizes tensors, whose bicubic rounds apart from PIL's.
    assert (cropped(images(*size), 28) - expected).abs().max() < 0.05
    by_hand = [tv.pil_to_tensor(tv.center_crop(tv.resize(p, 28, 3), 28)) / 255 for p in pictures]
    assert torch.equal(cropped(images(*size), 28), torch.stack([narrow(x) for x in by_hand]))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("antialias", [False, True])
def test_padding_keeps_the_image_whole(size, antialias):
    height, width = size
    scale = 28 / max(size)
    new = [round(height * scale), round(width * scale)]
    x = torch.from_numpy(images(*size)).permute(0, 3, 1, 2) / 255
    if scale != 1:
        x = tv.resize(x, new, 3, antialias=antialias)
    top, left = (28 - new[0]) // 2, (28 - new[1]) // 2
    x = tv.pad(x, [left, top, 28 - new[1] - left, 28 - new[0] - top])
    torch.testing.assert_close(padded(images(*size), 28, antialias), narrow(x))


def test_antialiasing_moves_pictures():
    assert (padded(images(), 28, True) - padded(images(), 28, False)).abs().max() > 0.01


def hps(folder):
    path, architecture, weights = tiny_judges.hps(folder)

    def expected(pictures, texts):
        seen = naive.open_clip_image(padded(pictures, 28, True), weights, LAYERS, HEADS)
        read = naive.open_clip_text(SimpleTokenizer()(texts, 77), weights, LAYERS, HEADS)
        return 100 * (seen * read).sum(1)

    return HPS(path, str(architecture)), expected


def clip_score(folder):
    weights = tiny_judges.clip(folder)
    words = AutoTokenizer.from_pretrained(folder)

    def expected(pictures, texts):
        seen = naive.clip_image(cropped(pictures, 32), weights, LAYERS, HEADS)
        tokens = words(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
        read = naive.clip_text(tokens, weights, LAYERS, HEADS, end=1)
        return (100 * (seen * read).sum(1)).clamp(min=0)

    return ClipScore(folder), expected


def aesthetic(folder):
    weights, top = tiny_judges.clip(folder / "clip"), tiny_judges.head(folder / "head.pth")

    def expected(pictures, texts):
        seen = naive.clip_image(cropped(pictures, 32), weights, LAYERS, HEADS)
        return naive.stack(seen, top, "")

    return Aesthetic(folder / "head.pth", folder / "clip"), expected


def image_reward(folder):
    weights = tiny_judges.image_reward(folder)
    words = AutoTokenizer.from_pretrained(folder / "bert")

    def below(prefix):
        return {n.removeprefix(prefix): v for n, v in weights.items() if n.startswith(prefix)}

    def expected(pictures, texts):
        seen = naive.blip_image(cropped(pictures, 32), below("blip.visual_encoder."), LAYERS, HEADS)
        tokens = words(
            texts, padding="max_length", truncation=True, max_length=TOKENS, return_tensors="pt"
        )
        text = below("blip.text_encoder.")
        read = naive.blip_text(tokens.input_ids, tokens.attention_mask, seen, text, LAYERS, HEADS)
        return (naive.stack(read[:, 0], weights, "mlp.") - MEAN) / STD

    judge = ImageReward(folder / "ImageReward.pt", folder / "bert", folder / "tiny-blip.json")
    return judge, expected


JUDGES = [hps, clip_score, aesthetic, image_reward]


@pytest.mark.parametrize("made", JUDGES)
def test_scores_are_those_of_the_plain_network(made, tmp_path):
    judge, expected = made(tmp_path)
    scores = judge(images(), TEXTS)
    assert scores.shape == (3,)
    assert scores.dtype == np.float32
    torch.testing.assert_close(
        torch.from_numpy(scores), expected(images(), TEXTS), rtol=1e-4, atol=1e-4
    )
    assert scores.std() > 1e-3


@pytest.mark.parametrize("made", JUDGES)
def test_a_score_is_of_its_image_and_prompt_alone(made, tmp_path):
    judge, _ = made(tmp_path)
    together = judge(images(), TEXTS)
    alone = np.concatenate([judge(images()[i : i + 1], TEXTS[i : i + 1]) for i in range(3)])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-4)


def test_a_clip_score_is_never_negative(tmp_path):
    judge, _ = clip_score(tmp_path)
    scores = np.concatenate([judge(images(seed=s), TEXTS) for s in range(8)])
    assert scores.min() == 0
    assert scores.max() > 0


def test_weights_may_come_as_safetensors(tmp_path):
    path, architecture, weights = tiny_judges.hps(tmp_path)
    again = tmp_path / "HPS.safetensors"
    save_file({name: value.contiguous() for name, value in weights.items()}, again)
    first, second = (HPS(p, str(architecture))(images(), TEXTS) for p in (path, again))
    assert np.array_equal(first, second)


def broken(path):
    path.write_bytes(path.read_bytes()[:200])


def foreign(path):
    torch.save({"something.weight": torch.zeros(2)}, path)


def narrower(path):
    held = torch.load(path, weights_only=True)
    weights = held.get("state_dict", held)
    name = next(n for n in weights if weights[n].ndim == 2)
    weights[name] = weights[name][:-1]
    torch.save(held, path)


class Danger:
    def __reduce__(self):
        return (print, ("run",))


def code(path):
    torch.save({"a": Danger()}, path)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (broken, "no file of weights, or is damaged"),
        (foreign, "does not hold"),
        (narrower, r"is \(.*\) and not \("),
        (code, "no file of weights, or is damaged"),
    ],
)
@pytest.mark.parametrize(
    ("made", "file"),
    [(hps, "HPS.pt"), (aesthetic, "head.pth"), (image_reward, "ImageReward.pt")],
)
def test_weights_of_another_format_are_refused_by_name(made, file, spoil, says, tmp_path, capsys):
    made(tmp_path)
    keep = {p: p.read_bytes() for p in tmp_path.glob("*") if p.is_file()}
    spoil(tmp_path / file)
    spoilt = (tmp_path / file).read_bytes()
    for path, content in keep.items():
        path.write_bytes(spoilt if path.name == file else content)
    again = {
        hps: lambda: HPS(tmp_path / file, str(tmp_path / "tiny.json")),
        aesthetic: lambda: Aesthetic(tmp_path / file, tmp_path / "clip"),
        image_reward: lambda: ImageReward(
            tmp_path / file, tmp_path / "bert", tmp_path / "tiny-blip.json"
        ),
    }[made]
    with pytest.raises(UserError, match=says) as error:
        again()
    assert file in str(error.value)
    assert "\n" not in str(error.value)
    assert "run" not in capsys.readouterr().out


def test_folders_without_a_clip_are_refused(tmp_path):
    with pytest.raises(UserError, match="holds no CLIP model"):
        ClipScore(tmp_path)
    tiny_judges.clip(tmp_path)
    broken(tmp_path / "model.safetensors")
    with pytest.raises(UserError, match="holds no CLIP model"):
        ClipScore(tmp_path)


def test_unknown_architectures_are_refused(tmp_path):
    path, _, _ = tiny_judges.hps(tmp_path)
    with pytest.raises(UserError, match="knows no architecture named 'ViT-Z'"):
        HPS(path, "ViT-Z")
    with pytest.raises(UserError, match=r"none\.json cannot be read as an architecture"):
        HPS(path, str(tmp_path / "none.json"))
