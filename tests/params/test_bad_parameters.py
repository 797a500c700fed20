"""Every mistake is one plain sentence with its file and key; the command ends with status 2."""

import pytest
from refusals import refused
from tiny_study import DELETE, files_below

from w2s.params.files import spelled

MINI, SMOKE, TOP = "scales/mini/pictures.yaml", "scales/smoke/pictures.yaml", "params.yaml"
NAN, INF = float("nan"), float("inf")
NETWORK = {"hidden": 64, "depth": 6, "heads": 2, "patch": 3}
ROWS = ("tables", "guidance", "rows")
RECIPES = ("training", "recipes")
TABLE = {"title": "t", "columns": ["fd"], "baseline": "a", "rows": {"a": {"model": "base"}}}

BAD = {
    # what: path in the scale's file, value, words of the sentence, key named if another
    "text for a number": (("sampling", "steps"), "ten", "whole number, not 'ten'"),
    "half a step": (("sampling", "steps"), 2.5, "must be a whole number, not 2.5"),
    "true for a number": (("sampling", "steps"), True, "not true"),
    "number for a text": (("tables", "guidance", "title"), 3, "be text"),
    "text for a switch": (("latents", "flip"), "yes", "true or false, not 'yes'"),
    "null for a block": (("training",), None, "must be a block of keys and values"),
    "list for a block": (("models",), [], "must be a block of keys and values, not a list"),
    "text for a list": (("sampling", "seeds"), "all", "must be a list"),
    "text in a list": (("sampling", "seeds"), [0, "b"], "must be a whole", "sampling.seeds[1]"),
    "unknown block": (("sampeling",), {}, "unknown key; did you mean 'sampling'?"),
    "unknown key": (("models", "mini", "dpth"), 3, "did you mean 'depth'?"),
    "nothing like it": (("models", "mini", "zzzz"), 3, "valid keys are depth"),
    "unused argument": (("guidance", "mid-head", "weak"), "early", "unkn"),
    "nan": (("training", "lr"), NAN, "must be a finite number, not nan"),
    "infinity": (("vae", "lr"), INF, "must be a finite number, not inf"),
    "nan weight": (("guidance", "cfg", "weight"), NAN, "finite number"),
    "negative size": (("models", "mini", "hidden"), -64, "above 0, not -64"),
    "zero batch": (("training", "batch"), 0, "must be above 0, not 0"),
    "negative seed": (("sampling", "seeds"), [-1], "must be at least 0", "sampling.seeds[0]"),
    "negative weight": (("guidance", "cfg", "weight"), -2, "at least 0"),
    "no seeds": (("sampling", "seeds"), [], "must have at least 1 entry"),
    "a seed twice": (("sampling", "seeds"), [0, 1, 0], "seed 0 is there twice", "sampling.seeds"),
    "trained twice": (("training", "seeds"), [3, 3], "seed 3 is there twice", "training.seeds"),
    "swept twice": (("sweep", "seeds"), [100, 100], "seed 100 is there twice", "sweep.seeds"),
    "kind of part": (("part",), "picturs", "kind of part named 'picturs'; did you mean 'pictures'"),
    "rule's name": (("tables", "train"), TABLE, "`snakemake train` stands for something else"),
    "sweep's name": (("tables", "weights"), TABLE, "`snakemake weights` stands for something"),
    "other sweep's": (("tables", "weights-a"), TABLE, "`snakemake weights-a` stands for"),
    "no columns": (("tables", "guidance", "columns"), [], "at least 1"),
    "no tables": (("tables",), {}, "must have at least 1 entry"),
    "one EMA length": (("training", "ema"), [0.1], "must have at least 2 entries"),
    "no blocks": (("guidance", "slg", "blocks"), [], "at least 1 entry"),
    "one beta": (("training", "betas"), [0.9], "is missing", "training.betas[1]"),
    "three betas": (("training", "betas"), [0.9, 0.9, 0.9], "at most 2 entries"),
    "missing key": (("training", "lr"), DELETE, "is missing"),
    "missing block": (("features",), DELETE, "is missing"),
    "kind": (("data", "kind"), "toi", "did you mean 'toy'?"),
    "points' network": (
        ("models", "mini"),
        {"kind": "mlp", "hidden": 8, "depth": 6, "head_at": 3},
        "latents have 4 channels of 12 x 12 pixels; take a sit",
        "models.mini.kind",
    ),
    "method": (("guidance", "cfg", "method"), "cgf", "mean 'cfg'?"),
    "no method": (("guidance", "cfg", "method"), DELETE, "is missing"),
    "method in a list": (("guidance", "sgg", 1, "method"), "x", "one of"),
    "objective": ((*RECIPES, "mg", "objective", "name"), "mgg", "did you mean 'mg'?"),
    "part": (("weak", "head", "part"), "hed", "must be 'full' or 'head', not 'hed'"),
    "part's key": (("weak", "head", "part"), {"skp": [1]}, "mean 'skip'?", "weak.head.part.skp"),
    "schedule": (
        ("guidance", "cfg", "weight"),
        {"schedule": "linaer", "start": 1, "end": 2},
        "did you mean 'linear'?",
        "guidance.cfg.weight.schedule",
    ),
    "schedule's end": (
        ("guidance", "cfg", "weight"),
        {"schedule": "linear", "start": 1},
        "is missing",
        "guidance.cfg.weight.end",
    ),
    "column": (
        ("tables", "guidance", "columns", 1),
        "kd",
        "or 'forwards', not 'kd'; did you mean 'kid'?",
    ),
    "metric that is none": (
        ("metrics", "metrics"),
        ["fd", "recal"],
        "did you mean 'recall'?",
        "metrics.metrics[1]",
    ),
    "published without a column": (
        (*ROWS, "slg", "published"),
        {"isc": {"value": 1.0, "tolerance": 0.1, "source": "a paper"}},
        "no column isc",
        "tables.guidance.rows.slg.published.isc",
    ),
    "ADM with another network": (
        ("reference",),
        {"kind": "adm", "path": "x.npz"},
        "needs features.kind inception-v3-compat",
        "reference.kind",
    ),
    "kind of reference": (("reference",), {"kind": "adn"}, "'adm'?", "reference.kind"),
    "key of another reference": (("reference",), {"path": "x.npz"}, "unknown", "reference.path"),
    "real images and a model": ((*ROWS, "real", "model"), "base", "give either model, or real"),
    "neither": ((*ROWS, "cfg", "model"), DELETE, "give either model, or real"),
    "real images guided": ((*ROWS, "real", "guidance"), "cfg", "not sampled: drop guidance"),
    "real images in steps": ((*ROWS, "real", "steps"), 10, "not sampled: drop steps"),
    "real images solved": ((*ROWS, "real", "solver"), "heun", "not sampled: drop solver"),
    "real images as baseline": (("tables", "guidance", "baseline"), "real", "take a model's"),
    "nothing held out": (
        ("data",),
        {"kind": "folder", "path": "photos", "resolution": 24, "classes": 3, "fingerprint": "0"},
        "needs 1500 held-out images, as many as samples, but data.held_out is 0",
        "tables.guidance.rows.real.real",
    ),
    "model of a row": ((*ROWS, "cfg-2", "model"), "bsae", "mean 'base'?"),
    "dotted row": (
        (*ROWS, "cfg-1.5"),
        {"model": "bsae"},
        "mean 'base'?",
        "tables.guidance.rows.cfg-1.5.model",
    ),
    "guidance of a row": ((*ROWS, "slg", "guidance"), "sgl", "mean 'slg'?"),
    "baseline": (("tables", "guidance", "baseline"), "nnoe", "'none'?"),
    "weak net": (("guidance", "ag-early", "weak"), "erly", "'early'?"),
    "weak net in a list": (("guidance", "sgg", 1, "weak"), "small-nt", "did you mean 'small-net'?"),
    "weak of a recipe": ((*RECIPES, "ag", "weak"), "erly", "'early'?"),
    "weak without ag": ((*RECIPES, "mg", "weak"), "early", "only with"),
    "ag without weak": ((*RECIPES, "ag", "weak"), DELETE, "ag objective"),
    "recipe of a weak": (("weak", "early", "recipe"), "bas", "mean 'base'?"),
    "network": ((*RECIPES, "mg", "model"), "mine", "mean 'mini'?"),
    "name taken": (("weak", "base"), {"recipe": "small"}, "taken by a training recipe"),
    "rests on itself": (("weak", "early", "recipe"), "ag", "itself", "training.recipes.ag.weak"),
    "overlap": (("guidance", "sgg", 0, "window"), [0.2, 1], "overlap between t = 0.2"),
    "window beyond": (("guidance", "sgg", 0, "window"), [0.5, 1.5], "<= 1"),
    "window below": (("guidance", "cfg-interval", "window"), [-0.1, 1], "0 <="),
    "window reversed": (("guidance", "cfg-interval", "window"), [0.8, 0.2], "lo < hi"),
    "window of text": (("guidance", "sgg", 0, "window"), "x", "a list"),
    "steps beyond": (
        ("guidance", "cfg"),
        {"method": "cfg", "weight": 2, "steps": [0, 30]},
        "only 20 steps",
        "tables.guidance.rows.cfg.guidance",
    ),
    "k of one": ((*RECIPES, "mg", "objective", "scale"), 1, "diverges"),
    "k above one": ((*RECIPES, "br", "objective", "scale"), 1.5, "diverges"),
    "slash in a name": (("models", "a/b"), NETWORK, "a name is made of letters"),
    "number for a name": (("models", 3), NETWORK, "is a name and must be text, not 3"),
    "size and numbers": (("models", "mini", "size"), "S", "drop size"),
    "neither size": (("models", "mini", "depth"), DELETE, "give either size"),
    "heads": (("models", "mini", "heads"), 3, "must be a multiple of heads (3)"),
    "patch": (("models", "mini", "patch"), 5, "divide the latents' 12 pixels"),
    "head beyond": (("models", "mini", "head_at"), 6, "below the depth of 6"),
    "odd images": (("data", "resolution"), 25, "must be a multiple of 2"),
    "groups": (
        ("vae", "norm_groups"),
        5,
        "must be a multiple of norm_groups",
        "vae.block_channels",
    ),
    "trunk": ((*RECIPES, "mg", "from"), "tunk@1500", "'trunk'?"),
    "trunk's form": ((*RECIPES, "mg", "from"), "trunk", "recipe@step"),
    "trunk beyond": ((*RECIPES, "mg", "from"), "trunk@2100", "1800 steps"),
    "trunk is all": ((*RECIPES, "mg", "steps"), 1800, "leaves nothing", "training.recipes.mg.from"),
    "trunk is a branch": ((*RECIPES, "mg", "from"), "base@300", "itself"),
    "other trunk": ((*RECIPES, "mg", "from"), "small@300", "another net"),
    "unlabelled trunk": ((*RECIPES, "mg", "from"), "uncond-trunk@1500", "only one sees labels"),
    "odd steps": ((*RECIPES, "small", "steps"), 700, "(300)"),
    "step beyond": (("weak", "small-net", "step"), 900, "no snapshot at step"),
    "odd fraction": (("weak", "early", "fraction"), 0.3, "at step 720; it has"),
    "step and fraction": (("weak", "early", "step"), 300, "give one"),
    "EMA length": (("sampling", "ema"), 0.3, "must be below 0.28, not 0.3"),
    "tracked EMA": (("training", "ema"), [0.05, 0.9], "must be below 0.28", "training.ema[1]"),
    "head of none": (("weak", "small-net", "part"), "head", "set its head_at"),
    "skip beyond": (("weak", "early", "part"), {"skip": [6]}, "0 to 5", "weak.early.part.skip[0]"),
    "KID subset": (("metrics", "kid_subset_size"), 300, "per_seed (300)"),
    "metric": (
        ("metrics", "metrics"),
        ["fd", "sfd"],
        "sfd needs the inception",
        "metrics.metrics: ",
    ),
    "column not measured": (
        ("metrics", "metrics"),
        ["fd", "precision", "recall", "accuracy"],
        "kid is not among metrics.metrics",
        "tables.guidance.columns[1]",
    ),
    "MG without labels": (
        (*RECIPES, "uncond-br", "objective"),
        {"name": "mg", "scale": 0.5},
        "unconditional",
    ),
    "CFG without labels": (
        ("tables", "unconditional", "rows", "mid-head", "guidance"),
        "cfg",
        "never sees labels",
    ),
    "untrained head in guidance": (
        (*RECIPES, "uncond-base", "head_weight"),
        0,
        "'uncond-base' does not train: set training.recipes.uncond-base.head_weight",
        "tables.unconditional.rows.mid-head.guidance",
    ),
    "untrained head taken": (
        ("weak", "head"),
        {"recipe": "mg", "part": "head"},
        "which recipe 'mg' does not train",
        "weak.head.part",
    ),
    "head of a branch": (
        (*ROWS, "mid-head", "model"),
        "ag",
        "which recipe 'ag' does not train",
        "tables.guidance.rows.mid-head.guidance",
    ),
    "moved away from an untrained head": (
        (*RECIPES, "br", "head_weight"),
        0,
        "which nothing trains here",
    ),
    "head weight without a head": ((*RECIPES, "small", "head_weight"), 0.2, "set its head_at"),
    "head weight of all": (("training", "head_weight"), 0.2, "unknown key"),
    "windows that overlap": (
        (*RECIPES, "mg", "objective"),
        {
            "name": "windows",
            "windows": [
                {"window": [0.4, 1], "away_from": "unconditional", "scale": 0.2},
                {"window": [0, 0.5], "away_from": "skipped", "skip": [3], "scale": 0.2},
            ],
        },
        "overlap between t = 0.4 and 0.5",
    ),
    "window's signal": (
        (*RECIPES, "mg", "objective"),
        {"name": "windows", "windows": [{"away_from": "haed", "scale": 0.2}]},
        "must be 'unconditional', 'head', 'skipped' or 'weak', not 'haed'",
        "training.recipes.mg.objective.windows[0].away_from",
    ),
    "window away from no weak model": (
        (*RECIPES, "mg", "objective"),
        {"name": "windows", "windows": [{"away_from": "weak", "scale": 0.2}]},
        "a weak model goes with",
        "training.recipes.mg.weak",
    ),
    "strength above tau": (
        (*RECIPES, "sgg", "objective", "scale"),
        [1.2, 0.5],
        "diverges",
        "training.recipes.sgg.objective.scale[0]",
    ),
    "text for a strength": (
        (*RECIPES, "sgg", "objective", "scale"),
        "much",
        "must be a number or a list, not 'much'",
    ),
    "skip in an objective": ((*RECIPES, "slg", "objective", "skip"), [6], "blocks are 0 to 5"),
    "skip in guidance": (("guidance", "slg", "blocks"), [9], "0 to 5", "tables.guidance.rows.slg"),
    "blocks out of order": (("guidance", "slg", "blocks"), [3, 2], "ascending"),
    "not comparable": ((*ROWS, "slg", "comparable"), False, "reason"),
}
CONSEQUENCES = {
    "untrained head in guidance",
    "metric",
    "column not measured",
    "groups",
    "nothing held out",
}  # wrong in several places at once


def concerns(line: str, key: str) -> bool:
    """Whether a sentence is about a key, or about the block that holds it."""
    file, named, _ = line.split(": ", 2)
    return file == MINI and (key.startswith(named) or named.startswith(key))


@pytest.mark.parametrize("what", BAD)
def test_a_mistake_is_one_sentence_with_file_and_key(study_folder, capsys, tmp_path, what):
    path, value, words, *key = BAD[what]
    study_folder.edit(path, value)
    before = files_below(tmp_path)
    wanted = key[0] if key else spelled(path)
    lines = [line for line in refused(capsys) if concerns(line, wanted)]
    assert lines
    for line in lines:
        assert words in line
        assert not any(word in line for word in ("Input", "Tuple", "dictionary", "SkipPart"))
    assert files_below(tmp_path) == before


@pytest.mark.parametrize("what", sorted(set(BAD) - CONSEQUENCES))
def test_a_mistake_has_no_second_sentence(study_folder, capsys, what):
    study_folder.edit(*BAD[what][:2])
    assert len(refused(capsys)) == 1


def test_every_mistake_is_named_at_once(study_folder, capsys):
    study_folder.edit(("sampling", "steps"), -1)
    study_folder.edit(("training", "wurmup"), 3)
    study_folder.edit(("training", "lr"), "fast")
    study_folder.edit(("models", "mini", "dpth"), 3)
    keys = {line.split(": ")[1] for line in refused(capsys)}
    assert keys == {"sampling.steps", "training.wurmup", "training.lr", "models.mini.dpth"}


def test_every_missing_name_is_named_at_once(study_folder, capsys):
    study_folder.edit((*ROWS, "slg", "guidance"), "no")
    study_folder.edit((*RECIPES, "mg", "model"), "no")
    assert len(refused(capsys)) == 2


@pytest.mark.parametrize(
    ("file", "path", "value"),
    [
        (SMOKE, ("sampling", "steps"), -1),
        (MINI, ("sampling", "solver"), "eulr"),  # set by the base alone
        (MINI, ("tables", "guidance", "rows", "cfg-1.5"), {"model": "bse"}),
    ],
)
def test_the_file_named_is_the_one_that_set_the_key(study_folder, capsys, file, path, value):
    study_folder.edit(path, value, file)
    (line,) = refused(capsys, "--scale", "smoke")
    assert line.startswith(f"{file}: {'.'.join(path)}")
