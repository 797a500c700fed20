"""A text part as it is read: what is found of it, and every refusal in one sentence."""

import json
from pathlib import Path

import pytest
import tiny_sd3
from tiny_text import TEXT, changed, write

from w2s.errors import UserError
from w2s.metrics.score_registry import SCORES, Score
from w2s.models.sd3 import PUBLISHED
from w2s.params.load import load_study

ROW = ("tables", "prompted", "rows", "cfg")
SWEEP = {
    "model": "main",
    "seeds": [5, 6],
    "columns": ["aesthetic", "saturation", "forwards"],
    "by": "aesthetic",
    "weights": {"cfg": [2, 3]},
}
JUDGED = {"aesthetic": {"weights": "head.pt", "clip": "clip"}}
PUBLISHED_VALUE = {"value": 1.0, "tolerance": 0.1, "source": "x"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with the study as it is and two prompts."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("scale: words\n")
    write(tmp_path, TEXT)
    return tmp_path


def load(folder, *changes):
    study = TEXT
    for path, value in changes:
        study = changed(study, path, value)
    write(folder, study)
    return load_study(Path("params.yaml")).part("text")


def refusal(folder, *changes) -> str:
    with pytest.raises(UserError) as refused:
        load(folder, *changes)
    (line,) = str(refused.value).splitlines()
    return line.removeprefix("scales/words/text.yaml: ")


def tiny(folder, name="sd3", kind="sd3", t5=False):
    return tiny_sd3.save(folder / name, kind, t5)


SMALL = ((("height",), 16), (("width",), 24), (("models", "main"), {"path": "sd3"}))


def test_what_is_not_there_is_planned_for(folder):
    part = load(folder)
    assert part.data == {
        "name": "prompts", "path": "prompts.txt", "prompts": 2, "fingerprint": "absent:prompts.txt",
    }  # fmt: skip
    main = part.networks["main"]
    assert (main.transformer["num_layers"], main.transformer["caption_projection_dim"]) == (4, 128)
    assert (main.t5, main.max_sequence_length, main.clip_tokens) == (True, 256, 77)
    assert part.fingerprints["models.main.transformer"] == "absent:sd3/transformer"


@pytest.mark.parametrize("size", PUBLISHED)
def test_a_published_size_gives_all_numbers(folder, size):
    part = load(folder, (("models", "main", "network"), {"size": size}))
    assert part.networks["main"].transformer == {"kind": "sd3", **PUBLISHED[size]}


def test_prompts_that_are_there_are_read(folder):
    (folder / "prompts.txt").write_text("a cat\nein Käfer\na dog\n", encoding="utf-8")
    part = load(folder, (("prompts",), {"path": "prompts.txt", "name": "animals"}))
    assert (part.data["prompts"], part.data["name"]) == (3, "animals")
    same = load(folder, (("prompts",), {"path": "prompts.txt", "count": 3}))
    assert same.data["fingerprint"] == part.data["fingerprint"]
    fewer = load(folder, (("prompts",), {"path": "prompts.txt", "count": 2}))
    assert fewer.data["fingerprint"] != part.data["fingerprint"]


def test_a_folder_says_what_its_pipeline_is(folder):
    tiny(folder)
    part = load(folder, *SMALL)
    main = part.networks["main"]
    assert (main.transformer["in_channels"], main.t5, main.clip_tokens) == (4, False, 16)
    assert main.scheduler["shift"] == 3.0
    assert not any("absent" in print_of for print_of in part.fingerprints.values())


def test_a_folders_fingerprints_follow_their_own_files_alone(folder):
    tiny(folder)
    before = load(folder, *SMALL).fingerprints
    config = folder / "sd3/vae/config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"shift_factor": 0.1}))
    after = load(folder, *SMALL).fingerprints
    assert {name for name in before if before[name] != after[name]} == {"models.main.vae"}


def test_t5_may_be_left_out(folder):
    tiny(folder, t5=True)
    whole, without = load(folder, *SMALL), load(folder, *SMALL, (("models", "main", "t5"), False))
    assert (whole.networks["main"].t5, without.networks["main"].t5) == (True, False)
    differ = {n for n, p in whole.fingerprints.items() if without.fingerprints[n] != p}
    assert differ == {"models.main.text"}


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("prompts", "count"), None, "prompts.count: is missing: prompts.txt is not there"),
        (("prompts", "count"), 0, "prompts.count: must be above 0"),
        (
            ("prompts", "kind"),
            "cocoa",
            "prompts.kind: must be 'text', 'jsonl' or 'coco', not 'cocoa'; did you mean",
        ),
        (("prompts", "cuont"), 3, "prompts.cuont: unknown key; did you mean 'count'?"),
        (("models",), {}, "models: must have at least 1 entry"),
        (("models", "main", "network"), None, "models.main.network: is missing: sd3 is not there"),
        (("models", "main", "network"), {"size": "sd4"}, "models.main.network.size: must be"),
        (("models", "main", "network"), {"depth": 3}, "models.main.network: give either size, or"),
        (
            ("models", "main", "network", "size"),
            "sd3-medium",
            "models.main.network: give either size, or both depth and heads",
        ),
        (
            ("models", "main", "network"),
            {"size": "sd3-medium", "patch": 2},
            "models.main.network: size fixes patch; leave it out",
        ),
        (
            ("models", "main", "network", "dual"),
            5,
            "models.main.network: dual must be at most the depth of 4 blocks",
        ),
        (
            ("models", "main", "max_sequence_length"),
            600,
            "models.main.max_sequence_length: must be at most 512",
        ),
        (("height",), 72, "height: must be a multiple of 16, the pixels of a token of models.main"),
        (("width",), 16 * 193, "width: must be at most 3072, the positions of models.main"),
        (("sampling", "steps"), 0, "sampling.steps: must be above 0"),
        (("sampling", "seeds"), [3, 3], "sampling.seeds: seed 3 is there twice"),
        (("sampling", "solver"), "sde", "sampling.solver: unknown key"),
        (
            ("sampling", "weights"),
            "bf16",
            "sampling: weights of bf16 compute in bf16: set precision to it",
        ),
        (("sampling", "precision"), "fp8", "sampling.precision: must be 'fp32', 'bf16' or 'fp16'"),
        (("encoding", "batch"), 0, "encoding.batch: must be above 0"),
        (("decoding", "slice"), 4, "decoding.slice: unknown key"),
        (("guidance", "cfg", "weight"), -1, "guidance.cfg.weight: must be at least 0"),
        (
            ("guidance", "sgg"),
            {"method": "autoguidance", "weak": "sd3", "weight": 2},
            "guidance.sgg.weak: there is no pipeline under models named 'sd3'; there is only main",
        ),
        (
            (*ROW, "model"),
            "mian",
            "tables.prompted.rows.cfg.model: there is no pipeline under models named 'mian'",
        ),
        (
            (*ROW, "guidance"),
            "cgf",
            "tables.prompted.rows.cfg.guidance: there is no entry under guidance named 'cgf'",
        ),
        ((*ROW, "real"), True, "tables.prompted.rows.cfg.real: unknown key"),
        ((*ROW, "comparable"), False, "tables.prompted.rows.cfg: comparable: false wants a reason"),
        (
            (*ROW, "published"),
            {"contrast": PUBLISHED_VALUE},
            "tables.prompted.rows.cfg.published.contrast: the table has no column contrast",
        ),
        (
            ("tables", "prompted", "baseline"),
            "no",
            "tables.prompted.baseline: there is no row of the table named 'no'",
        ),
        (("tables", "prompted", "columns"), ["accuracy"], "tables.prompted.columns[0]: must be"),
        (
            ("tables", "prompted", "columns"),
            ["forwards"],
            "tables.prompted.columns: has no score; add one of saturation",
        ),
        (
            ("scores",),
            {"saturation": {"weights": "a.pt"}},
            "scores.saturation.weights: saturation reads no such file; drop it",
        ),
        (("scores",), {"hue": {}}, "scores.hue: is a name and must be"),
        (
            ("scores",),
            {"hps": {"wieghts": "a.pt"}},
            "scores.hps.wieghts: hps reads no such file and has no such setting; did you mean "
            "'weights'?",
        ),
        (("scores",), {"hps": {"weights": True}}, "scores.hps.weights: must be a path"),
        (("scores",), {"hps": {"antialias": "a.pt"}}, "scores.hps.antialias: must be true or"),
        (("scores",), {"hps": {"weights": 3}}, "scores.hps.weights"),
        (
            ("tables", "prompted", "columns"),
            ["clip"],
            "tables.prompted.columns[0]: clip reads a file: give its path as scores.clip.model",
        ),
    ],
)
def test_every_mistake_is_a_sentence_with_its_key(folder, path, value, sentence):
    assert refusal(folder, (path, value)).startswith(sentence)


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("model", "sd3", "sweep.model: there is no pipeline under models named 'sd3'"),
        ("by", "hue", "sweep.by: must be "),
        ("by", "hps", "sweep.columns: must hold hps, which the weights are chosen by"),
        ("by", "saturation", "sweep.by: saturation has no better side, so nothing can be chosen"),
        ("columns", ["aesthetic", "clip"], "sweep.columns[1]: clip reads a file: give its path as"),
        ("seeds", [5, 1], "sweep.seeds: seed 1 is one of sampling.seeds; take others"),
        ("weights", {"cgf": [2]}, "sweep.weights.cgf: there is no entry under guidance named"),
        ("weights", {"cfg": [2], "sgg": [2, 3]}, "sweep.weights: every entry must try as many"),
        (
            "layers",
            {"cfg": {"blocks": [[1]], "weights": [2]}},
            "sweep.layers.cfg: no window of this guidance skips blocks; drop it",
        ),
        (
            "layers",
            {"sgg": {"blocks": [[2, 1]], "weights": [2]}},
            "sweep.layers.sgg.blocks[0]: list each block once",
        ),
    ],
)
def test_a_sweep_that_cannot_be_is_a_sentence_with_its_key(folder, key, value, sentence):
    changes = ((("scores",), JUDGED), (("sweep",), SWEEP | {key: value}))
    assert refusal(folder, *changes).startswith(sentence)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"\xff\xfe", "prompts.path: prompts.txt: line 1 is not UTF-8"),
        (b"\n\n", "prompts.path: prompts.txt holds no prompt"),
        (b"a cat\n", "prompts.path: 2 prompts are asked for and prompts.txt holds 1"),
    ],
)
def test_prompts_are_refused_before_anything_runs(folder, text, sentence):
    (folder / "prompts.txt").write_bytes(text)
    assert refusal(folder).startswith(sentence)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("models", "main", "t5"), True, "models.main.t5: there is no T5 in sd3; fetch it"),
        (
            ("models", "main", "network"),
            {"depth": 4, "heads": 2, "head_width": 8},
            "models.main.network: in sd3 in_channels is 4 and not 16; drop network",
        ),
        (("height",), 18, "height: must be a multiple of 4"),
        (("width",), 52, "width: must be at most 48, the positions of models.main"),
    ],
)
def test_what_contradicts_a_folder_is_refused(folder, path, value, sentence):
    tiny(folder)
    assert refusal(folder, *SMALL, (path, value)).startswith(sentence)


def test_a_folder_that_is_no_pipeline_is_refused(folder):
    (folder / "sd3").mkdir()
    assert refusal(folder).startswith("models.main.path: there is no sd3/model_index.json")


def test_a_score_that_reads_a_file_asks_for_its_path(folder, monkeypatch):
    judge = Score("Judge", "higher", 2, "w2s.nowhere:judge", "a test's own", files=("weights",))
    monkeypatch.setitem(SCORES, "contrast", judge)
    said = refusal(folder, (("tables", "prompted", "columns"), ["contrast"]))
    assert said == (
        "tables.prompted.columns[0]: contrast reads a file: give its path as "
        "scores.contrast.weights"
    )
