"""A text part's world as it is read, and every refusal in one sentence."""

from pathlib import Path

import pytest
import yaml
from tiny_made import MADE, SD3
from tiny_text import TEXT, changed, write

from w2s.errors import UserError
from w2s.params.load import load_study

SMALL = Path(__file__).parents[1] / "workflow/small.yaml"
RECIPE = ("world", "training", "recipes", "base")
COLUMNS = ("tables", "captioned", "columns")
FILE = {"path": "prompts.txt", "count": 2}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("scale: made\n")
    return tmp_path


def load(folder, *changes, study=MADE):
    for path, value in changes:
        study = changed(study, path, value)
    write(folder, study, "made")
    return load_study(Path("params.yaml")).part("text")


def refusal(folder, *changes, study=MADE) -> str:
    with pytest.raises(UserError) as refused:
        load(folder, *changes, study=study)
    (line,) = str(refused.value).splitlines()
    return line.removeprefix("scales/made/text.yaml: ")


def test_a_pipeline_is_known_before_it_is_trained(folder):
    part = load(folder)
    main = part.networks["main"]
    assert (main.clip_tokens, main.max_sequence_length, main.t5) == (8, 8, False)
    assert main.scheduler == {"shift": 1.5}
    assert (main.vae["scaling_factor"], main.vae["shift_factor"]) == (1, 0)
    assert main.transformer["num_layers"] == SD3["depth"]
    assert main.pixels_per_latent == 2
    assert part.fingerprints == {}


def test_captions_are_counted_without_being_drawn(folder):
    assert load(folder).data["prompts"] == 5
    every = load(folder, (("prompts",), {"world": True}))
    assert (every.data["prompts"], every.data["name"]) == (90, "mini world")
    many = (("world", "data", "count"), 1000)
    assert load(folder, (("prompts",), {"world": True}), many).data["prompts"] == 360
    assert load(folder, (("prompts", "name"), "shapes")).data["name"] == "shapes"


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (
            ("prompts", "count"), 91,
            "prompts.count: the world's 90 images have 90 captions; ask for no more",
        ),
        (("prompts", "world"), False, "prompts.world: must be "),
        (("prompts", "path"), "a.txt", "prompts.path: unknown key"),
        (("height",), 24, "height: must be world.data.resolution (12)"),
        (("width",), 24, "width: must be world.data.resolution (12)"),
        (
            ("models", "main", "recipe"), "bose",
            "models.main.recipe: there is no recipe under world.training named 'bose'; ",
        ),
        (
            ("models", "early", "fraction"), 0.3,
            "models.early.fraction: 'base' has no snapshot at step 2; it has 4, 8",
        ),
        (("models", "early", "fraction"), 1.5, "models.early.fraction: must be at most 1"),
        (("models", "early", "t5"), True, "models.early.t5: unknown key"),
        (
            (*RECIPE, "model"), "main",
            "world.training.recipes.base.model: there is no network under world.models named",
        ),
        (
            (*RECIPE, "from"), "trunk@4",
            "world.training.recipes.base.from: there is no recipe named 'trunk'",
        ),
        (
            (*RECIPE, "weak"), "early",
            "world.training.recipes.base.weak: a world has no weak models; drop it",
        ),
        (
            (*RECIPE, "objective"), {"name": "ag"},
            "world.training.recipes.base.weak: a weak model goes with the ag objective",
        ),
        (
            (*RECIPE, "objective"), {"name": "br"},
            "world.training.recipes.base.objective: objective 'br' reads a mid head",
        ),
        (
            (*RECIPE, "steps"), 9,
            "world.training.recipes.base.steps: must be a multiple of training.snapshot_every (4)",
        ),
        (
            (*RECIPE, "conditional"), False,
            "world.training.recipes.base.conditional: a pipeline draws images of prompts; drop it",
        ),
        (("world", "training", "seeds"), [0, 1], "world.training.seeds: a part with images of"),
        (("world", "models", "mini", "patch"), 4, "world.models.mini.patch: must divide the lat"),
        (("world", "models", "mini", "dual"), 4, "world.models.mini.dual: must be at most the d"),
        (("world", "models", "mini", "kind"), "sit", "world.models.mini.kind: must be 'sd3'"),
        (("world", "data", "kind"), "folder", "world.data.kind: must be 'toy'"),
        (("world", "vae", "block_channels"), [8, 6], "world.vae.block_channels[1]: must be a mul"),
        (("world", "towers", "width"), 15, "world.towers.width: must be a multiple of 2"),
        (("world", "clip", "width"), 18, "world.clip.width: must be a multiple of 4"),
        (("world", "clip", "patch"), 5, "world.clip.patch: must divide the images' 12 pixels"),
        (("world", "clip", "batch"), 82, "world.clip.batch: must be at most 81, the images"),
        (
            ("world", "clip"), None,
            "tables.captioned.columns[2]: clip_made compares by the world's CLIP; describe one",
        ),
        (("world", "shift"), 0, "world.shift: must be above 0"),
    ],
)  # fmt: skip
def test_every_mistake_is_a_sentence_with_its_key(folder, path, value, sentence):
    assert refusal(folder, (path, value)).startswith(sentence)


def test_images_that_do_not_shrink_to_latents_are_refused(folder):
    odd = [(path, 13) for path in (("height",), ("width",), ("world", "data", "resolution"))]
    said = refusal(folder, *odd, (("world", "clip"), None), (COLUMNS, ["shape"]))
    assert said == "world.data.resolution: must be a multiple of 2, by which the VAE shrinks"


def test_scores_of_captions_want_captions(folder):
    said = refusal(folder, (("prompts",), FILE), (COLUMNS, ["saturation", "words"]))
    assert said == (
        "tables.captioned.columns[1]: words knows the world's captions alone; set prompts: "
        "{world: true}"
    )
    assert load(folder, (("prompts",), FILE), (COLUMNS, ["saturation"])).data["prompts"] == 2


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (
            ("prompts",), {"world": True},
            "prompts.world: there is no world to take captions of; describe one, or a file",
        ),
        (
            ("models", "main"), {"recipe": "base"},
            "models.main.recipe: there is no world to train it in; describe one, or give a",
        ),
        (
            ("tables", "prompted", "columns"), ["saturation", "shape"],
            "tables.prompted.columns[1]: shape reads networks that are trained in a world",
        ),
    ],
)  # fmt: skip
def test_without_a_world_nothing_is_made(folder, path, value, sentence):
    assert refusal(folder, (path, value), study=TEXT).startswith(sentence)


def test_a_part_with_pictures_has_no_sd3(folder):
    small = yaml.safe_load(SMALL.read_text())
    write(folder, small | {"models": small["models"] | {"mini": SD3}}, "made", "pictures")
    with pytest.raises(UserError) as refused:
        load_study(Path("params.yaml"))
    assert str(refused.value) == (
        "scales/made/pictures.yaml: models.mini.kind: must be one of 'sit', 'dit', 'mlp', not 'sd3'"
    )
