"""A study of images of prompts through Snakemake, by a tiny SD3.5 in the released layout."""

import csv
import json

import numpy as np
import pytest
import tiny_sd3
import yaml
from run_folder import RunFolder
from tiny_text import TEXT, changed

PROMPTS = "a small red star\na large blue ring\n"
STUDY = TEXT | {
    "prompts": {"path": "prompts.txt"},
    "models": {"main": {"path": "sd35"}},
    "height": 16,
    "width": 24,
}
CELLS = {f"cells_prompted {row}" for row in ("none", "cfg", "sgg")}


def rewrite(run: RunFolder, *changes) -> None:
    """The run's study, with values at some paths changed."""
    study = STUDY
    for path, value in changes:
        study = changed(study, path, value)
    (run.path / "scales" / "smoke.yaml").write_text(yaml.safe_dump(study, sort_keys=False))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, warm_process) -> RunFolder:
    """A finished run; not to be changed."""
    root = tmp_path_factory.mktemp("text")
    run = RunFolder.create(root / "study")
    rewrite(run)
    (run.path / "prompts.txt").write_text(PROMPTS)
    tiny_sd3.save(run.path / "sd35", "sd3.5")
    run.snakemake()
    return run


@pytest.fixture
def again(drawn, tmp_path) -> RunFolder:
    """The same, free to be changed."""
    return drawn.copy(tmp_path / "study")


def pictures(run: RunFolder, row: str) -> dict[tuple, np.ndarray]:
    """A row's images by seed and prompt."""
    cell = json.loads((run.path / f"results/cells/prompted/{row}/saturation.json").read_text())
    ((kind, key),) = cell["nodes"]
    store = run.path / "results" / "store"
    manifest = json.loads((store / kind / key / "manifest.json").read_text())
    folder = store / "decoded" / manifest["parents"]["decoded"][0]
    texts = json.loads((folder / "prompts.json").read_text())
    seeds, rows, images = (np.load(folder / f"{n}.npy") for n in ("seeds", "labels", "images"))
    return {
        (int(seed), texts[row]): image for seed, row, image in zip(seeds, rows, images, strict=True)
    }


def test_tables_cells_and_pictures_come_out(drawn):
    published = drawn.published()
    assert {path for path in published if path.startswith("results/tables")} == {
        f"results/tables/prompted.{end}" for end in ("csv", "md", "tex")
    }
    assert {path for path in published if path.startswith("results/figures")} == {
        f"results/figures/prompted-{what}.png" for what in ("samples", "schedules")
    } | {f"results/figures/prompted/{row}.png" for row in ("none", "cfg", "sgg")}
    lines = (drawn.path / "results/tables/prompted.csv").read_text().splitlines()
    assert "Samples: 2 × 2 images of 2 prompts (sampling seeds 0, 1)." in lines[1]
    rows = {row["row"]: row for row in csv.DictReader(lines[2:])}
    assert float(rows["cfg"]["forwards"]) == 2
    assert 0 < float(rows["cfg"]["saturation"]) < 1
    assert rows["cfg"]["saturation_difference"]


def test_a_cell_is_the_mean_over_prompts_of_its_images(drawn):
    found = pictures(drawn, "cfg")
    each = {key: _saturation(image) for key, image in found.items()}
    cell = json.loads((drawn.path / "results/cells/prompted/cfg/saturation.json").read_text())
    expected = [np.mean([each[seed, text] for seed in (0, 1)]) for text in PROMPTS.splitlines()]
    assert cell["per_prompt"] == pytest.approx(expected)
    assert cell["value"] == pytest.approx(np.mean(expected))
    assert cell["difference"]["paired_by"] == "prompts"


def _saturation(image: np.ndarray) -> float:
    most, least = image.max(-1).astype(float), image.min(-1).astype(float)
    return float(np.where(most > 0, (most - least) / np.where(most > 0, most, 1), 0).mean())


def test_guidance_changes_images_and_noise_is_shared(drawn):
    none, cfg, sgg = (pictures(drawn, row) for row in ("none", "cfg", "sgg"))
    assert none.keys() == cfg.keys() == sgg.keys()
    assert len({image.tobytes() for image in none.values()}) == len(none) == 4
    for key in none:
        assert not np.array_equal(none[key], cfg[key])
        assert not np.array_equal(cfg[key], sgg[key])


def test_a_second_run_does_nothing(drawn):
    before = drawn.published()
    assert "Nothing to be done" in drawn.snakemake()
    assert drawn.published() == before


def test_a_cell_is_walked_back_to_its_prompts(drawn):
    said = drawn.w2s("show", "results/cells/prompted/cfg/saturation.json")
    for kind in ("score", "decoded", "segment", "embeddings", "prompts", "weights", "vae"):
        assert f"{kind} " in said


def test_a_new_score_draws_and_decodes_nothing(again):
    rewrite(again, (("tables", "prompted", "columns"), ["saturation", "contrast", "forwards"]))
    scores = {f"score {row}, contrast" for row in ("none", "cfg", "sgg")}
    assert again.jobs() == scores | CELLS | {"table prompted"}
    again.snakemake()
    assert (again.path / "results/cells/prompted/sgg/contrast.json").exists()


def test_a_changed_weight_draws_one_row(again):
    rewrite(again, (("guidance", "cfg", "weight"), 3))
    jobs = again.jobs()
    assert {job for job in jobs if job.startswith(("sample", "decode", "score"))} == {
        "sample cfg to 3", "decode cfg", "score cfg, saturation",
    }  # fmt: skip


def test_a_prompt_added_leaves_the_images_of_the_others(again, drawn):
    (again.path / "prompts.txt").write_text("olive on navy\n" + PROMPTS)
    again.snakemake()
    for row in ("none", "cfg", "sgg"):
        before, after = pictures(drawn, row), pictures(again, row)
        assert after.keys() - before.keys() == {(0, "olive on navy"), (1, "olive on navy")}
        for key, image in before.items():
            assert np.abs(image.astype(int) - after[key]).max() <= 1  # other company in a batch


def test_a_recomputed_cell_comes_out_the_same(again, drawn):
    cell = "results/cells/prompted/sgg/saturation.json"
    assert "forgot" in again.w2s("recompute", cell)
    again.snakemake()
    assert again.published() == drawn.published()
