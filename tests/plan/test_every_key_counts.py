"""Every key of a study changes what is computed or what is shown, or says that it does not.

Keys are found by walking the blocks of studies that hold them; each is changed to another valid
value, and the names of nodes and published files are compared.
"""

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Union, get_args, get_origin

import pytest
import yaml
from tiny_made import MADE
from tiny_points import POINTS
from tiny_text import ROWS, TEXT

from w2s.errors import UserError
from w2s.params.load import load_study
from w2s.plan.study import plan, plan_confirm, plan_sweep
from w2s.store.searches import planned_search
from w2s.strict import Strict

HOME = Path(__file__).parents[2]
SMALL = yaml.safe_load((HOME / "tests/workflow/small.yaml").read_text())
SWEEP = {
    "model": "base",
    "seeds": [100, 101],
    "per_seed": 12,
    "weights": {"cfg": [1.5, 2.0]},
    "layers": {"skipped": {"blocks": [[0], [1]], "weights": [1.5]}},
}
TUNE = {  # as few evaluations as cut the first round short
    "model": "base",
    "seeds": [200, 201],
    "per_seed": 12,
    "evaluations": 3,
    "methods": {
        "cfg": {"high": {"at": "window.1", "start": 0.9, "step": 0.05, "within": [0.8, 1]}},
        "ag": {
            "low": {"at": "window.0", "among": [0.0, 0.1, 0.2, 0.3]},
            "high": {"at": "window.1", "start": 0.9, "step": 0.05, "within": [0.8, 1]},
        },
        "sgg": {
            "both": {
                "at": ["0.weight", "1.weight"], "start": 2, "factor": 2, "within": [1, 3]
            },
        },
    },
}  # fmt: skip
CONFIRM = {"seeds": list(range(300, 310)), "training_seeds": [0, 1]}
SKIPPED = {"skipped": {"method": "skip_layer", "blocks": [1], "weight": 2}}
GUIDED_SO = {"ag": "AutoGuidance", "skipped": "SLG"}
PROBES = {
    name: {"label": name, "model": "base", "guidance": GUIDED_SO, "per_seed": 4}
    for name in ("one", "two")
}
GUIDED = SMALL["tables"]["guidance"]
CUT = GUIDED | {"rows": GUIDED["rows"] | {"cut": {"model": "cut"}}}
TRAINED = SMALL | {
    "weak": SMALL["weak"] | {"cut": {"recipe": "base", "part": {"skip": [1]}}},
    "tables": SMALL["tables"] | {"guidance": CUT},
    "sweep": SWEEP,
    "tune": TUNE,
    "confirm": CONFIRM,
    "guidance": SMALL["guidance"] | SKIPPED,
    "probes": PROBES,
    "figures": {"velocity": {"draws": "velocity", "title": "Velocities", "probes": ["one", "two"]}},
    "cost": {"device": "CPU", "measured": "today", "seconds_per_gmac": 0.05},
}
PAPER = yaml.safe_load((HOME / "scales/paper/pictures.yaml").read_text())
TABLE = PAPER["tables"]["training"]
TABLE = TABLE | {"columns": [*TABLE["columns"], "fd_dinov2"]}
DINOV2 = {"path": "dinov2.pth", "fingerprint": "g"}
GIVEN = PAPER | {  # data and networks from files, by fingerprint
    "vae": PAPER["vae"] | {"fingerprint": "a"},
    "features": PAPER["features"] | {"fingerprint": "b"},
    "reference": PAPER["reference"] | {"fingerprint": "c"},
    "dinov2": DINOV2 | {"reference": {"count": 50}},
    "metrics": PAPER["metrics"] | {"metrics": [*PAPER["metrics"]["metrics"], "fd_dinov2"]},
    "weak": PAPER["weak"] | {"half": {"recipe": "small", "fraction": 0.5}},
    "pretrained": {
        "elsewhere": {"path": "b.pt", "network": {"size": "B", "patch": 2}, "fingerprint": "d"}
    },
    "tables": {"training": TABLE | {"rows": TABLE["rows"] | {"there": {"model": "elsewhere"}}}},
    "guidance": {name: PAPER["guidance"][name] for name in ("cfg-2",)},
}
APART = {"model": "main", "comparable": False, "why": "another protocol"}
PROMPTED = TEXT | {
    "prompts": TEXT["prompts"] | {"fingerprint": "a", "kind": "text", "seed": 0},
    "models": {
        "main": TEXT["models"]["main"] | {"fingerprint": "b", "t5": True},
        "other": TEXT["models"]["main"] | {"fingerprint": "c"},
    },
    "sampling": TEXT["sampling"] | {"precision": "bf16"},
    "scores": {"hps": {"weights": "hps.pt"}},
    "tables": {
        "prompted": TEXT["tables"]["prompted"]
        | {
            "rows": ROWS | {"why": APART},
            "columns": ["saturation", "hps", "fd", "fd_dinov2", "forwards"],
        }
    },
    "metrics": {"metrics": ["fd", "fd_dinov2"]},
    "dinov2": DINOV2,
    "features": {"kind": "inception-v3-compat", "path": "inception.pth", "fingerprint": "d"},
    "reference": {"kind": "folder", "path": "photos", "resolution": 64, "fingerprint": "e"},
    "encoding": {"negative": "", "precision": "fp32", "batch": 8},
    "cost": TRAINED["cost"],
}
LONG = {
    "recipes": MADE["world"]["training"]["recipes"]
    | {"long": {"model": "mini", "objective": {"name": "none"}, "steps": 12}}
}
SEVERAL = MADE | {
    "guidance": MADE["guidance"] | SKIPPED,
    "sweep": {
        "model": "main",
        "seeds": [100, 101],
        "columns": ["words", "shape", "forwards"],
        "by": "words",
        "weights": {"cfg": [1.5, 2]},
        "layers": {"skipped": {"blocks": [[0], [2]], "weights": [1.5, 2]}},
    },
    "tune": {
        "model": "main",
        "seeds": [200, 201],
        "evaluations": 3,
        "columns": ["words", "shape", "forwards"],
        "by": "words",
        "methods": {
            "skipped": {
                "blocks": {"at": "blocks", "among": [[0], [1], [2], [0, 1]]},
                "weight": {"at": "weight", "start": 2, "factor": 2, "within": [1, 3]},
            }
        },
    },
    "confirm": {"seeds": CONFIRM["seeds"]},
    "cost": TRAINED["cost"],
    "world": MADE["world"] | {"training": MADE["world"]["training"] | LONG},
}
SHALLOW = {"exact": POINTS["exact"] | {"worse": {"blur": 0.3, "smooth": 0.06, "shallow": 1}}}
PLANES = POINTS | SHALLOW | {"cost": TRAINED["cost"]}
STUDIES = {
    "trained": TRAINED,
    "given": GIVEN,
    "prompted": PROMPTED,
    "made": SEVERAL,
    "planes": PLANES,
}
NO_RESULT = {
    ("PlaneParams", "gpus"): "what a job asks a cluster for",
    ("PlaneRow", "truth"): "stands in the place of a model",
    ("TextParams", "sweep"): "null, where the other study has a block",
    ("TextParams", "tune"): "null, where the other study has a block",
    ("TextParams", "confirm"): "null, where the other study has a block",
    ("TextParams", "world"): "null, where the other study has a block",
    ("TextParams", "features"): "null, where the other study has a block",
    ("TextParams", "dinov2"): "null, where the other study has a block",
    ("PictureParams", "dinov2"): "null, where the other study has a block",
    ("Dinov2Features", "path"): "where the file lies: its fingerprint counts",
    ("Dinov2OfPictures", "path"): "where the file lies: its fingerprint counts",
    ("TextParams", "gpus"): "what a job asks a cluster for",
    ("PromptFile", "path"): "where the file lies: its fingerprint counts",
    ("Pipeline", "path"): "where the folder lies: its fingerprint counts",
    ("PlannedNetwork", "size"): "stands in the place of the numbers",
    ("SkipLayerWindow", "blend"): "fades into the window below, and here is none",
    ("SkipLayerWindow", "steps"): "another way to write the window",
    ("PictureParams", "sweep"): "null, where the other study has a block",
    ("PictureParams", "tune"): "null, where the other study has a block",
    ("PictureParams", "confirm"): "null, where the other study has a block",
    ("PictureParams", "pretrained"): "empty, where the other study has blocks",
    ("PictureParams", "probes"): "empty, where the other study has blocks",
    ("PictureParams", "figures"): "empty, where the other study has blocks",
    ("PlaneParams", "probes"): "empty, where another study has blocks",
    ("PlaneParams", "figures"): "empty, where another study has blocks",
    ("Row", "real"): "stands in the place of a model",
    ("AutoGuidanceWindow", "blend"): "fades into the window below, and here is none",
    ("CFGWindow", "steps"): "another way to write the window",
    ("AutoGuidanceWindow", "steps"): "another way to write the window",
    ("PictureParams", "gpus"): "what a job asks a cluster for",
    ("Cost", "device"): "for estimates",
    ("Cost", "measured"): "for estimates",
    ("Cost", "seconds_per_gmac"): "for estimates",
    ("FolderData", "images"): "for estimates",
    ("FolderData", "flat"): "fits one class alone, and this study has many",
    ("FolderData", "path"): "where the files lie: their fingerprint counts",
    ("Pretrained", "path"): "where the file lies: its fingerprint counts",
    ("DiffusersVAE", "path"): "where the files lie: their fingerprint counts",
    ("InceptionFeatures", "path"): "where the file lies: its fingerprint counts",
    ("AdmReference", "path"): "where the file lies: its fingerprint counts",
    ("FolderReference", "path"): "where the files lie: their fingerprint counts",
}
# What no other value fits here.
FIXED = {"truth", "path", "flat", "steps", "real", "pretrained", "sweep", "size", "world"}
FIXED |= {"probes", "figures", "features", "dinov2", "tune", "confirm"}
INSTEAD = {  # for keys that are null, or that need a value of their own
    ("FolderData", "classes"): [900],
    ("Dinov2Features", "width"): [64],
    ("Dinov2OfPictures", "width"): [64],
    ("FolderData", "held_out"): [60_000],
    ("TrainedVAE", "block_channels"): [[8, 16]],
    ("TrainedVAE", "norm_groups"): [2],
    ("SiTParams", "size"): ["S", "L"],
    ("SiTParams", "head_at"): [1, 2],
    ("SiTParams", "heads"): [4, 1],
    ("Recipe", "branch"): ["trunk@2", "small@50000"],
    ("Recipe", "weak"): ["early", "small-net"],
    ("Recipe", "head_weight"): [0.7],
    ("WeakModel", "step"): [4, 50_000],
    ("WeakModel", "fraction"): [0.5],
    ("WeakModel", "ema"): [0.03],
    ("WeakModel", "part"): ["head", {"skip": [0]}],
    ("CFGWindow", "blend"): [0.5],
    ("CFGWindow", "channels"): [3],
    ("Training", "snapshot_every"): [2],
    ("Pretrained", "classes"): [2000],
    ("Pretrained", "scaling"): [{"scale": 0.2}],
    ("SkipPart", "skip"): [[0]],
    ("PictureSweep", "weights"): [{"cfg": [1.5, 2.5]}],
    ("PictureSweep", "by"): ["recall"],
    ("PictureTune", "by"): ["recall"],
    ("FreeChoice", "at"): ["weight"],
    ("FreeChoice", "among"): [[0.1, 0.0]],
    ("Probe", "guidance"): [{"ag": "AutoGuidance"}],
    ("Probe", "seeds"): [[5, 6]],
    ("Figure", "guidance"): [["ag"]],
    ("Figure", "probes"): [["two", "one"]],
    ("TextSweep", "weights"): [{"cfg": [1.5, 2.5]}],
    ("LayerScan", "blocks"): [[[0, 1]]],
    ("Row", "steps"): [3],
    ("PlaneRow", "steps"): [3],
    ("PlaneRow", "label"): ["another"],
    ("PlaneTable", "seeds"): [[6]],
    ("PlaneSweep", "weights"): [{"cfg": [1.1, 1.3]}],
    ("MLPParams", "head_at"): [1],
    ("Errors", "shallow"): [None],
    ("Row", "label"): ["another"],
    ("Row", "why"): ["another reason"],
    ("PromptFile", "kind"): ["coco"],
    ("Pipeline", "max_sequence_length"): [77],
    ("PlannedNetwork", "heads"): [4],
    ("TrainedPipeline", "fraction"): [1.0],
    ("Encoding", "negative"): ["ugly"],
    ("TextSampling", "weights"): ["bf16"],
    ("TextParams", "scores"): [{"hps": {"weights": "other.pt"}}],
    ("TextParams", "reference"): [{"count": 40}],
    ("FolderReference", "count"): [7],
    ("TextRow", "steps"): [5],
    ("TextRow", "label"): ["another"],
    ("TextRow", "why"): ["another reason"],
    ("TextRow", "published"): [{"forwards": {"value": 3.0, "tolerance": 1.0, "source": "a paper"}}],
    ("Row", "published"): [{"fd": {"value": 3.0, "tolerance": 1.0, "source": "a paper"}}],
}


def blocks(block: Strict, path: tuple = ()) -> Iterator[tuple[Strict, str, tuple]]:
    """Every key of a block and of all below it: its block, its name, its path in the file."""
    for name, field in type(block).model_fields.items():
        value, here = getattr(block, name), (*path, field.alias or name)
        held = list(_held(value))
        if not held:
            yield block, name, here
        for step, inner in held:
            yield from blocks(inner, (*here, *step))


def _held(value) -> Iterator[tuple[tuple, Strict]]:
    """The blocks that a value is or holds, each with the path to it."""
    if isinstance(value, Strict):
        yield (), value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (((key, *step), block) for step, block in _held(inner))
    elif isinstance(value, tuple):
        for i, inner in enumerate(value):
            yield from (((i, *step), block) for step, block in _held(inner))


def others(block: Strict, name: str, names: list[str]) -> list:
    """Values to try in the place of a key's."""
    own = INSTEAD.get((type(block).__name__, name), [])
    value = getattr(block, name)
    if isinstance(value, bool):
        return [*own, not value]
    if isinstance(value, int):
        return [*own, value + 1, 2 * value, value - 1]
    if isinstance(value, float):
        return [*own, 0.9 * value, value + 0.1]
    if isinstance(value, tuple):
        return [*own, list(value[:-1]), [*value[:-1], *_altered(value[-1])], [*value, 7]]
    literals = [v for v in _literals(type(block).model_fields[name].annotation) if v != value]
    return [*own, *literals, *(n for n in names if n != value), f"{value}x"]


def _altered(value) -> list:
    if isinstance(value, str | tuple):
        return []
    return [value * 0.9 if isinstance(value, float) else value + 1]


def _literals(annotation) -> list:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType, Annotated):
        return [v for inner in get_args(annotation) for v in _literals(inner)]
    return []


def named(root: Path, study: dict) -> frozenset[str]:
    """Keys of all nodes and of all published files."""
    (root / "scales").mkdir(exist_ok=True)
    (root / "scales/walk.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    (root / "params.yaml").write_text("scale: walk\n")
    read = load_study(root / "params.yaml")
    whole = plan(read).joined(plan_sweep(read))
    whole = whole.joined(planned_search(read)).joined(plan_confirm(read))
    return frozenset([*whole.nodes, *(group.key for group in whole.groups.values())])


def put(study, path: tuple, value):
    """The study with another value at a path; blocks that defaults fill are made."""
    if not path:
        return value
    first, *rest = path
    if isinstance(study, list):
        return [put(v, tuple(rest), value) if i == first else v for i, v in enumerate(study)]
    if isinstance(first, int):  # a list of one, written without the list
        return put(study, tuple(rest), value)
    return study | {first: put(study.get(first, {}), tuple(rest), value)}


def outcome(root: Path, study: dict, block: Strict, name: str, path: tuple, before) -> str:
    """Whether another value at this path "counts", is "silent", or whether all are "refused"."""
    trained = [within.get("training", {}) for within in (study, study.get("world", {}))]
    named_in = [
        study["models"],
        study.get("worlds", {}),
        *(t.get("recipes", {}) for t in trained),
        study["guidance"],
    ]
    names = [name for entries in (*named_in, study.get("weak", {})) for name in entries]
    found = "refused"
    for value in others(block, name, [*names, *next(iter(study["tables"].values()))["rows"]]):
        try:
            if named(root, put(study, path, value)) != before:
                return "counts"
            found = "silent"
        except UserError:
            continue
    return found


def test_every_key_counts_or_says_why_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen: dict[tuple[str, str], str] = {}
    for study in STUDIES.values():
        before = named(tmp_path, study)
        (part,) = load_study(tmp_path / "params.yaml").parts
        for block, name, path in blocks(part.params):
            key = type(block).__name__, name
            tag = len(_literals(type(block).model_fields[name].annotation)) == 1
            if seen.get(key) != "counts" and key not in NO_RESULT and not tag:
                seen[key] = outcome(tmp_path, study, block, name, path, before)
    left = [f"{key}: {how}" for key, how in seen.items() if how != "counts"]
    assert not left, left


@pytest.mark.parametrize("which", STUDIES)
def test_keys_that_are_said_not_to_count_do_not(tmp_path, monkeypatch, which):
    monkeypatch.chdir(tmp_path)
    study = STUDIES[which]
    before = named(tmp_path, study)
    (part,) = load_study(tmp_path / "params.yaml").parts
    for block, name, path in blocks(part.params):
        if (type(block).__name__, name) in NO_RESULT and name not in FIXED:
            assert outcome(tmp_path, study, block, name, path, before) == "silent", name
