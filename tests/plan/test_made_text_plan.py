"""The plan of a text part whose pipelines are trained here: its nodes, and what they share."""

import json
import re
from pathlib import Path

import pytest
import tiny_sd3
import yaml
from tiny_made import MADE, WORLD
from tiny_study import HOME
from tiny_text import changed, write

from w2s.errors import UserError
from w2s.models.registry import shape_of
from w2s.params.load import load_study
from w2s.plan.estimate import parameters
from w2s.plan.study import plan, planner_of

SMALL = Path(__file__).parents[1] / "workflow/small.yaml"
WORLDS = {"images", "index", "vae", "latents", "features"}
SCORED = {"score", "metrics"}
DRAWN = {"segment", "pipeline", "decoded"} | SCORED
GUIDED = {"embeddings", "train", "weights"} | DRAWN


@pytest.fixture
def planned_with(tmp_path, monkeypatch):
    """The plan of the study, with values at some paths changed."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("scale: made\n")

    def planned_with(*changes):
        study = MADE
        for path, value in changes:
            study = changed(study, path, value)
        write(tmp_path, study, "made")
        return plan(load_study(Path("params.yaml")))

    return planned_with


def kinds(planned, keys) -> set[str]:
    return {planned.nodes[key].kind for key in keys}


def of_kind(planned, kind) -> list:
    return [node for node in planned.nodes.values() if node.kind == kind]


def test_each_stage_is_there_once(planned_with):
    planned = planned_with()
    count = {kind: len(of_kind(planned, kind)) for kind in kinds(planned, planned.nodes)}
    once = WORLDS | {"towers", "train", "clip", "pipeline", "reference"}
    assert count == dict.fromkeys(once, 1) | {
        "prompts": 2, "embeddings": 2,  # of all captions, and of those that are drawn
        "weights": 2, "segment": 3, "decoded": 3, "score": 9,
        "metrics": 3,
    }  # fmt: skip


def test_a_transformer_is_trained_on_all_captions_and_drawn_with_some(planned_with):
    planned = planned_with()
    (train,) = of_kind(planned, "train")
    assert train.parents.keys() == {"latents", "index", "embeddings"}
    every, some = (planned.nodes[k] for k in (train.parents["embeddings"][0], drawn_of(planned)))
    assert every.parents["towers"] == some.parents["towers"]
    specs = [planned.nodes[table.parents["prompts"][0]].spec for table in (every, some)]
    assert specs == [{"count": None, "seed": None}, {"count": 5, "seed": 0}]
    model = train.spec["model"]
    assert (model["joint_attention_dim"], model["pooled_projection_dim"]) == (32, 32)
    assert (model["sample_size"], model["pos_embed_max_size"], model["text_tokens"]) == (6, 2, 16)


def drawn_of(planned) -> str:
    (table,) = {node.parents["embeddings"] for node in of_kind(planned, "segment")}
    return table[0]


def test_another_negative_prompt_trains_nothing(planned_with):
    before, after = planned_with(), planned_with((("encoding",), {"negative": "big"}))
    assert kinds(after, after.nodes.keys() - before.nodes.keys()) == {
        "embeddings", "segment", "decoded", "score", "metrics",
    }  # fmt: skip


def test_images_are_decoded_by_the_vae_of_their_pipeline(planned_with):
    planned = planned_with()
    key = planned.nodes[planned.sets["captioned", "ag", 0].measured[0]].parents["decoded"][0]
    made = planned.nodes[planned.nodes[key].parents["vae"][0]]
    assert made.kind == "pipeline"
    assert made.parents.keys() == {"weights", "towers", "vae", "latents"}
    segment = planned.nodes[planned.sets["captioned", "ag", 0].segments[0]]
    assert segment.parents["model"] == made.parents["weights"]
    early = planned.nodes[segment.parents["weak:early"][0]]
    assert (early.kind, early.spec["step"]) == ("weights", 4)


def test_times_are_those_of_the_pipelines_scheduler(planned_with):
    from diffusers import FlowMatchEulerDiscreteScheduler

    planned = planned_with()
    scheduler = FlowMatchEulerDiscreteScheduler(shift=of_kind(planned, "pipeline")[0].spec["shift"])
    scheduler.set_timesteps(3)
    assert scheduler.config.shift == WORLD["shift"] == 1.5
    for segment in of_kind(planned, "segment"):
        assert segment.spec["times"] == scheduler.sigmas.tolist()


def test_scores_read_the_networks_they_name(planned_with):
    planned = planned_with()
    scores = [planned.nodes[key] for key in planned.sets["captioned", "none", 0].measured]
    assert [(node.spec, node.parents.keys() - {"decoded"}) for node in scores] == [
        ({"score": "words"}, {"features"}),
        ({"score": "shape"}, {"features"}),
        ({"score": "clip_made"}, {"clip"}),
        ({"metrics": ["fd"], "batch": 4}, {"features", "reference"}),
    ]


def test_what_a_part_with_pictures_has_too_is_there_once(planned_with, tmp_path):
    """Images, index, VAE, latents and feature network have the same keys in both."""
    pictures = yaml.safe_load(SMALL.read_text())
    world = WORLD | {name: pictures[name] for name in ("data", "vae", "latents", "features")}
    write(tmp_path, pictures, "made", "pictures")
    planned_with((("world",), world))
    study = load_study(Path("params.yaml"))
    first, second = (planner_of(part).plan(part) for part in study.parts)
    own = {n.key for n in first.nodes.values() if n.kind in WORLDS and "held" not in n.label}
    assert kinds(first, own) == WORLDS
    assert own <= second.nodes.keys()
    shared = first.nodes.keys() & second.nodes.keys()
    assert kinds(first, shared) == WORLDS
    both, alone = plan(study), plan(load_study(Path("params.yaml"), {"parts": "text"}))
    assert all(both.resources(key) == alone.resources(key) for key in alone.nodes)


def test_the_documented_world_is_that_of_the_mini_study():
    page = (HOME / "docs/prompts.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.S)
    shipped = yaml.safe_load((HOME / "scales/mini/text.yaml").read_text(encoding="utf-8"))
    blocks = yaml.safe_load(example)
    assert blocks == {name: shipped[name] for name in blocks}


@pytest.mark.parametrize("scale", ["mini", "smoke"])
def test_what_pictures_have_as_well_is_made_once(scale):
    pictures, text = (
        plan(load_study(HOME / "params.yaml", {"scale": scale, "parts": part}))
        for part in ("pictures", "text")
    )
    shared = text.nodes.keys() & pictures.nodes.keys()
    made_once = WORLDS | {"reference"}
    assert kinds(text, shared) == made_once
    assert {n.key for kind in made_once for n in of_kind(text, kind)} == shared


@pytest.mark.parametrize(
    ("path", "value", "renamed"),
    [
        (("prompts", "count"), 4, {"prompts", "embeddings", "segment", "decoded"} | SCORED),
        (("prompts", "name"), "shapes", set()),
        (("world", "towers", "seed"), 1, {"towers"} | GUIDED),
        (("world", "clip", "steps"), 4, {"clip", "score"}),
        (("world", "features", "steps"), 3, {"features", "reference"} | SCORED),
        (("world", "shift"), 2.0, DRAWN),
        (("world", "training", "lr"), 1e-4, GUIDED - {"embeddings"}),
        (("models", "early", "ema"), 0.05, {"weights", "segment", "decoded"} | SCORED),
        (("models", "early"), {"recipe": "base"}, {"segment", "decoded"} | SCORED),
    ],
)
def test_what_renames_which_kinds(planned_with, path, value, renamed):
    before, after = planned_with(), planned_with((path, value))
    assert kinds(after, after.nodes.keys() - before.nodes.keys()) == renamed


def estimated(planned) -> dict:
    part = load_study(Path("params.yaml")).part("text")
    estimator = planner_of(part).estimate(part, planned)
    return {node.kind: estimator.of(node) for node in planned.nodes.values()}


def test_estimates_count_training_and_images(planned_with):
    planned = planned_with()
    found, (train,) = estimated(planned), of_kind(planned, "train")
    assert found["train"].forwards == 8 * 8 * 3
    assert found["train"].gmacs == pytest.approx(192 * shape_of(train.spec["model"]).macs / 1e9)
    assert shape_of(train.spec["model"]).tokens == 4 + 16
    assert found["segment"].bytes == 4 * (2 * 5) * 4 * 6 * 6
    assert found["decoded"].bytes == 2 * 5 * 3 * 12 * 12
    assert found["weights"].bytes == 4 * parameters(train.spec["model"])
    tables = {
        planned.nodes[node.parents["prompts"][0]].spec["count"]: node
        for node in of_kind(planned, "embeddings")
    }
    part = load_study(Path("params.yaml")).part("text")
    estimator = planner_of(part).estimate(part, planned)
    rows = {count: estimator.of(node).bytes for count, node in tables.items()}
    assert rows == {5: 6 * 4 * (16 * 32 + 32), None: 91 * 4 * (16 * 32 + 32)}


@pytest.mark.parametrize(
    ("path", "value", "kind", "name"),
    [
        (("world", "training", "batch"), 20_000, "train", "mem_mb"),
        (("world", "clip", "steps"), 10**7, "clip", "minutes"),
        (("world", "clip", "width"), 4096, "clip", "mem_mb"),
        (("world", "towers", "width"), 4096, "pipeline", "mem_mb"),
        (("world", "towers", "width"), 4096, "embeddings", "mem_mb"),
        (("world", "features", "steps"), 10**7, "features", "minutes"),
        (("world", "data", "count"), 10**7, "images", "mem_mb"),
        (("decoding", "batch"), 20_000, "decoded", "mem_mb"),
    ],
)
def test_more_work_asks_for_more(planned_with, path, value, kind, name):
    def most(planned):
        return max(getattr(planned.resources(n.key), name) for n in of_kind(planned, kind))

    assert most(planned_with((path, value))) > most(planned_with())


def test_a_folder_is_no_weak_network_of_a_pipeline_made_here(planned_with, tmp_path):
    """Equal sizes and factors do not make the latents of two autoencoders alike."""
    tiny_sd3.save(tmp_path / "sd3")
    config = tmp_path / "sd3/vae/config.json"
    constants = {"scaling_factor": 1.0, "shift_factor": 0.0}
    config.write_text(json.dumps(json.loads(config.read_text()) | constants))
    with pytest.raises(UserError, match="'early' reads other latents than 'main'"):
        planned_with((("models", "early"), {"path": "sd3"}))


def test_both_kinds_of_pipeline_are_drawn_from_in_one_part(planned_with, tmp_path):
    tiny_sd3.save(tmp_path / "sd3")
    rows = MADE["tables"]["captioned"]["rows"]
    given = {"none": rows["none"], "given": {"model": "given", "guidance": "cfg"}}
    planned = planned_with(
        (("models", "given"), {"path": "sd3"}), (("tables", "captioned", "rows"), given)
    )
    assert kinds(planned, planned.sets["captioned", "given", 0].measured) == SCORED
    assert len(of_kind(planned, "embeddings")) == 3
    assert all(planned.resources(key).minutes for key in planned.nodes)
