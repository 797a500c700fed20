"""Whether images show what their captions say, against a plain reading of a network's heads."""

import json

import numpy as np
import pytest
import torch
from metric_jobs import make_job
from safetensors.torch import load_file

from w2s.data import index
from w2s.data.attributes import read_attributes
from w2s.data.images import Images
from w2s.errors import UserError
from w2s.metrics import network, score
from w2s.metrics.cnn import FeatureCNN
from w2s.metrics.prompted import trained, words
from w2s.metrics.prompted.clip import ClipScore
from w2s.world import render

FEATURES = {
    "kind": "trained", "width": 8, "steps": 60, "batch": 32, "lr": 4e-3, "seed": 0,
    "resolution": 12, "images": 1000, "heads": "attributes",
}  # fmt: skip
CLIP = {
    "width": 16, "layers": 1, "patch": 4, "steps": 3, "batch": 8, "lr": 1e-3, "seed": 0,
    "resolution": 12,
}  # fmt: skip


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Images of the world with their captions, and a feature network and a CLIP trained on them."""
    root = tmp_path_factory.mktemp("scenes")
    folders = {name: root / name for name in ("images", "index")}
    spec = {"count": 120, "resolution": 12, "jitter": 0.1, "seed": 0}
    render.build(make_job(folders["images"], spec))
    spec = {"source": "images", "on_bad_file": "refuse"}
    index.build(make_job(folders["index"], spec, images=folders["images"]))
    network.build(make_job(root / "features", FEATURES, **folders))
    trained.build(make_job(root / "clip", CLIP, **folders))
    return root


@pytest.fixture(scope="module")
def pictures(scenes):
    folders = {name: scenes / name for name in ("images", "index")}
    job = make_job(scenes / "read", {}, **folders)
    texts = [row["caption"] for row in read_attributes(scenes / "index")]
    return Images.of(job, 12).read(np.arange(120)), texts


def naive(features, images, texts, heads=None) -> list[int]:
    """Head by head and image by image."""
    config = json.loads((features / "config.json").read_text())
    sizes = {head: len(values) for head, values in config["heads"].items()}
    net = FeatureCNN(config["width"], sizes)
    net.load_state_dict(load_file(features / "model.safetensors"))
    net.eval()
    with torch.no_grad():
        logits = net(torch.from_numpy(images).permute(0, 3, 1, 2).contiguous())[1].numpy()
    found = []
    for row, text in zip(logits, texts, strict=True):
        size, colour, shape, _, texture, background = text.split()
        said = {"size": size, "colour": colour, "shape": shape, "texture": texture}
        said["background"] = background
        right, parts = True, np.split(row, np.cumsum(list(sizes.values()))[:-1])
        for (head, values), part in zip(config["heads"].items(), parts, strict=True):
            if heads is None or head in heads:
                right = right and values[part.argmax()] == said[head]
        found.append(int(right))
    return found


def test_an_image_is_right_if_every_head_sees_its_word(scenes, pictures):
    images, texts = pictures
    features = {"features": scenes / "features"}
    whole, shape = words.words(features, "cpu"), words.shape(features, "cpu")
    assert whole(images, texts).tolist() == naive(scenes / "features", images, texts)
    seen = shape(images, texts)
    assert seen.tolist() == naive(scenes / "features", images, texts, {"shape"})
    assert 0.2 < seen.mean() < 1  # of a network that has learnt a little
    assert (whole(images, texts) <= seen).all()
    elsewhere = texts[37:] + texts[:37]
    assert shape(images, elsewhere).mean() < seen.mean()
    assert seen.dtype == np.float32


def test_a_text_that_is_no_caption_is_refused(scenes, pictures):
    images, _ = pictures
    judge = words.shape({"features": scenes / "features"}, "cpu")
    with pytest.raises(UserError, match="'a red ring' is no caption of the miniature world"):
        judge(images[:1], ["a red ring"])


def test_a_network_that_tells_no_shape_is_refused(scenes, tmp_path):
    folders = {name: scenes / name for name in ("images", "index")}
    network.build(make_job(tmp_path / "classes", FEATURES | {"heads": "class"}, **folders))
    with pytest.raises(UserError, match="does not tell shape of an image"):
        words.shape({"features": tmp_path / "classes"}, "cpu")


@pytest.fixture
def decoded(pictures, tmp_path):
    """The first 20 images, as if they had been drawn."""
    images, texts = pictures
    folder = tmp_path / "decoded"
    folder.mkdir()
    np.save(folder / "images.npy", images[:20])
    np.save(folder / "labels.npy", np.arange(20))
    np.save(folder / "seeds.npy", np.zeros(20, int))
    (folder / "prompts.json").write_text(json.dumps(texts[:20]))
    return folder


def test_a_score_node_reads_the_networks_among_its_parents(scenes, pictures, decoded, tmp_path):
    images, texts = pictures
    job = make_job(
        tmp_path / "a", {"score": "shape"}, decoded=decoded, features=scenes / "features"
    )
    score.build(job)
    written = json.loads((job.out / "metrics.json").read_text())
    expected = naive(scenes / "features", images[:20], texts[:20], {"shape"})
    assert written["per_prompt"] == expected


def test_the_clip_score_says_how_good_its_clip_is(scenes, pictures, decoded, tmp_path):
    images, texts = pictures
    job = make_job(tmp_path / "b", {"score": "clip_made"}, decoded=decoded, clip=scenes / "clip")
    score.build(job)
    written = json.loads((job.out / "metrics.json").read_text())
    expected = ClipScore(scenes / "clip" / "clip")(images[:20], texts[:20])
    assert written["per_prompt"] == pytest.approx(expected.tolist(), abs=1e-4)
    accuracy = json.loads((scenes / "clip" / "accuracy.json").read_text())["zero_shot_shape"]
    assert f"names the shape in {accuracy:.2f} of the pictures held out" in written["definition"]
