"""A study of images of prompts that trains its own SD3, CLIP and all they need, by Snakemake."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from diffusers import StableDiffusion3Pipeline
from run_folder import RunFolder
from safetensors.torch import load_file
from tiny_made import MADE
from tiny_text import changed
from torch.testing import assert_close

from w2s.conditions.prompts import prompt_samples
from w2s.metrics.extractors import Network
from w2s.sampling.noise import initial_noise
from w2s.world.words import captions

ROWS = ("none", "cfg", "ag")
STEPS = MADE["sampling"]["steps"]


def rewrite(run: RunFolder, *changes) -> None:
    """The run's study, with values at some paths changed."""
    study = MADE
    for path, value in changes:
        study = changed(study, path, value)
    (run.path / "scales" / "smoke.yaml").write_text(yaml.safe_dump(study, sort_keys=False))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, warm_process) -> RunFolder:
    """A finished run; not to be changed."""
    run = RunFolder.create(tmp_path_factory.mktemp("made") / "study")
    rewrite(run)
    run.snakemake()
    return run


@pytest.fixture
def again(drawn, tmp_path) -> RunFolder:
    """The same, free to be changed."""
    return drawn.copy(tmp_path / "study")


def cell(run: RunFolder, row: str, column: str) -> dict:
    return json.loads((run.path / f"results/cells/captioned/{row}/{column}.json").read_text())


def parents(run: RunFolder, kind: str, key: str) -> dict[str, list[Path]]:
    """The folders that a node was made from, by role."""
    store = run.path / "results" / "store"
    manifest = json.loads((store / kind / key / "manifest.json").read_text())
    return {
        role: [next(store.glob(f"*/{key}")) for key in keys]
        for role, keys in manifest["parents"].items()
    }


def images(run: RunFolder, row: str) -> Path:
    """The folder of a row's images."""
    ((kind, key),) = cell(run, row, "words")["nodes"]
    return parents(run, kind, key)["decoded"][0]


def test_tables_come_out_with_every_score(drawn):
    lines = (drawn.path / "results/tables/captioned.csv").read_text().splitlines()
    rows = {row["row"]: row for row in csv.DictReader(lines[2:])}
    assert set(rows) == set(ROWS)
    for row in rows.values():
        assert 0 <= float(row["words"]) <= float(row["shape"]) <= 1
        assert 0 <= float(row["clip_made"]) <= 100
        assert float(row["fd"]) > 0
    assert float(rows["cfg"]["forwards"]) == 2
    assert "Data set: mini world." in lines[1]
    assert "which names the shape in 0." in lines[1]
    assert "FD: 5 images of a seed against 90 real ones." in lines[1]


def test_a_distance_is_that_of_the_images_to_the_worlds(drawn):
    """By numpy, from the feature network's own answers and no file of the metrics."""
    folder, shown = images(drawn, "cfg"), cell(drawn, "cfg", "fd")
    ((kind, key),) = shown["nodes"]
    made = parents(drawn, kind, key)
    network = Network(made["features"][0], torch.device("cpu"))
    real = np.load(made["reference"][0] / "features.npy")
    seeds = np.load(folder / "seeds.npy")
    for seed, found in zip(MADE["sampling"]["seeds"], shown["per_seed"][0], strict=True):
        own = network.extract(np.load(folder / "images.npy")[seeds == seed])["features"]
        assert found == pytest.approx(frechet(own, real), rel=1e-3)
    assert shown["difference"]["paired_by"] == "sampling seeds"


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    first, second = (np.cov(each, rowvar=False) for each in (a, b))
    values = np.linalg.eigvals(first @ second).real.clip(0)
    gap = np.sum((a.mean(0) - b.mean(0)) ** 2)
    return float(gap + np.trace(first) + np.trace(second) - 2 * np.sqrt(values).sum())


def test_prompts_are_captions_of_the_images(drawn):
    texts = json.loads((images(drawn, "none") / "prompts.json").read_text())
    assert len(texts) == len(set(texts)) == 5
    assert set(texts) < set(captions())


def test_a_second_run_does_nothing(drawn):
    before = drawn.published()
    assert "Nothing to be done" in drawn.snakemake()
    assert drawn.published() == before


@pytest.mark.parametrize(("row", "guidance"), [("none", 1.0), ("cfg", 2.0)])
def test_stock_diffusers_opens_the_pipeline_and_draws_the_same_latents(drawn, row, guidance):
    folder = images(drawn, row)
    made = parents(drawn, "decoded", folder.name)
    (pipeline,), (segment,) = made["vae"], made["segment"]
    assert pipeline.parent.name == "pipeline"
    ours = load_file(segment / "state.safetensors")["x"]
    texts = json.loads((folder / "prompts.json").read_text())
    pipe = StableDiffusion3Pipeline.from_pretrained(
        pipeline, text_encoder_3=None, tokenizer_3=None, local_files_only=True
    )
    pipe.set_progress_bar_config(disable=True)
    noise = initial_noise(prompt_samples(texts, MADE["sampling"]["seeds"]), tuple(ours.shape[1:]))
    theirs = pipe(
        texts * 2,
        num_inference_steps=STEPS,
        guidance_scale=guidance,
        height=12,
        width=12,
        latents=noise,
        max_sequence_length=8,
        output_type="latent",
    ).images
    assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    # The VAE's scalar factors are 1 and 0, so that the pipeline decodes what is published.
    with torch.no_grad():
        pictures = pipe.image_processor.postprocess(pipe.vae.decode(theirs).sample, "np")
    assert np.abs(pictures * 255 - np.load(folder / "images.npy")).max() < 1


def test_an_early_checkpoint_is_another_network(drawn):
    rows = {row: np.load(images(drawn, row) / "images.npy") for row in ROWS}
    assert not np.array_equal(rows["none"], rows["ag"])
    assert not np.array_equal(rows["cfg"], rows["ag"])


def test_a_cell_is_walked_back_to_the_images_of_the_world(drawn):
    said = drawn.w2s("show", "results/cells/captioned/cfg/clip_made.json")
    for kind in (
        "score", "clip", "decoded", "pipeline", "segment", "embeddings", "prompts", "towers",
        "weights", "train", "latents", "vae", "index", "images",
    ):  # fmt: skip
        assert f"{kind} " in said


def test_more_prompts_train_nothing(again):
    rewrite(again, (("prompts", "count"), 6))
    trained = ("train", "extract", "encode", "render", "clip", "towers", "pipeline", "vae")
    jobs = again.jobs()
    assert not [job for job in jobs if job.startswith(trained)]
    assert {job for job in jobs if job.startswith("sample")}


def test_a_recomputed_cell_comes_out_the_same(again, drawn):
    assert "forgot" in again.w2s("recompute", "results/cells/captioned/ag/clip_made.json")
    again.snakemake()
    assert again.published() == drawn.published()


def test_layers_to_skip_are_scanned_beside_the_study(again):
    slg = {"method": "skip_layer", "blocks": [2], "weight": 2}
    sweep = {
        "model": "main",
        "seeds": [100, 101],
        "columns": ["words", "shape", "forwards"],
        "by": "words",
        "weights": {"cfg": [1.5, 2]},
        "layers": {"slg": {"blocks": [[0], [1]], "weights": [2]}},
    }
    rewrite(again, (("guidance",), MADE["guidance"] | {"slg": slg}), (("sweep",), sweep))
    before = again.published()
    again.snakemake("layers")
    assert again.published().keys() - before.keys() == {
        *(f"results/tables/layers.{end}" for end in ("csv", "md", "tex")),
        "results/figures/layers-shape.png",
    }
    lines = (again.path / "results/tables/layers.csv").read_text().splitlines()
    rows = {row["row"]: row for row in csv.DictReader(lines[2:])}
    assert set(rows) == {"none", "slg-without-0=2", "slg-without-1=2"}
    assert sum("(chosen)" in row["label"] for row in rows.values()) == 1
    assert "with the highest All words right" in lines[1]
