"""The plan of a text part: its nodes, what renames which, what it shows, what it costs."""

import json
from pathlib import Path

import pytest
import tiny_sd3
from tiny_study import HOME
from tiny_text import ROWS, TEXT, changed, write

from w2s.cli import main
from w2s.errors import UserError
from w2s.metrics.score_registry import SCORES
from w2s.models.registry import shape_of
from w2s.models.sd3 import PUBLISHED
from w2s.params.load import load_study
from w2s.plan.estimate import parameters
from w2s.plan.plan import Plan
from w2s.plan.study import plan, planner_of
from w2s.run.start import refuse_absent_files
from w2s.store.lineage import own_nodes

EVERY = {"prompts", "embeddings", "weights", "segment", "vae", "decoded", "score"}
DRAWN = {"segment", "decoded", "score"}
ROW = ("tables", "prompted", "rows", "cfg")


@pytest.fixture
def planned_with(tmp_path, monkeypatch):
    """The plan of the study, with values at some paths changed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("scale: words\n")

    def planned_with(*changes) -> Plan:
        study = TEXT
        for path, value in changes:
            study = changed(study, path, value)
        write(tmp_path, study)
        return plan(load_study(Path("params.yaml")))

    return planned_with


def kinds(planned, keys=None) -> set[str]:
    return {planned.nodes[key].kind for key in (planned.nodes if keys is None else keys)}


def spec_of(planned, kind):
    return next(node.spec for node in planned.nodes.values() if node.kind == kind)


def segments(planned, row) -> list:
    (key,) = planned.sets["prompted", row, 0].segments
    found = []
    while key:
        found.insert(0, planned.nodes[key])
        (key,) = found[0].helpers.get("from", (None,))
    return found


def test_the_nodes_are_what_a_row_needs_and_no_more(planned_with):
    planned = planned_with()
    assert kinds(planned) == EVERY
    count = {kind: [n.kind for n in planned.nodes.values()].count(kind) for kind in EVERY}
    assert count == {
        "prompts": 1, "embeddings": 1, "weights": 1, "vae": 1,
        "segment": 4, "decoded": 3, "score": 3,  # cfg and sgg begin alike
    }  # fmt: skip
    one = planned.nodes[planned.sets["prompted", "cfg", 0].metrics]
    assert one.spec == {"score": "saturation"}
    images = planned.nodes[one.parents["decoded"][0]]
    assert images.parents.keys() == {"segment", "vae", "prompts"}
    assert images.spec == {"batch": 1}


def test_a_segment_says_what_its_images_depend_on(planned_with):
    *_, final = segments(planned_with(), "sgg")
    assert final.parents.keys() == {"model", "embeddings"}
    expected = {
        "solver": "euler", "seeds": [0, 1], "condition": "prompts", "prompts": 2, "per_prompt": 1,
        "batch": 2, "precision": "fp32", "state": "fp32", "compile": False, "shape": [16, 8, 12],
        "stop": 3, "shard": 0, "of": 1, "versions": {"cfg": 1, "skip_layer": 1}, "one_batch": True,
    }  # fmt: skip
    rest = {name: value for name, value in final.spec.items() if name not in ("times", "steps")}
    assert rest == expected
    assert final.spec["times"][0] == 1
    assert final.spec["times"][-1] == 0


def test_times_are_the_schedulers(planned_with):
    from diffusers import FlowMatchEulerDiscreteScheduler

    scheduler = FlowMatchEulerDiscreteScheduler(shift=2.5)
    scheduler.set_timesteps(7)
    path = ("models", "main", "network", "shift")
    planned = planned_with((path, 2.5), (("sampling", "steps"), 7))
    assert segments(planned, "none")[0].spec["times"] == scheduler.sigmas.tolist()


def test_rows_share_what_they_agree_on(planned_with):
    planned = planned_with()
    assert segments(planned, "cfg")[0] == segments(planned, "sgg")[0]
    none = segments(planned, "none")
    assert len(none) == 1
    assert none[0].parents["embeddings"] == segments(planned, "cfg")[0].parents["embeddings"]


@pytest.mark.parametrize(
    ("path", "value", "renamed"),
    [
        (("prompts", "fingerprint"), "other", EVERY - {"weights", "vae"}),
        (("prompts", "count"), 3, EVERY - {"weights", "vae"}),
        (("prompts", "name"), "cats", set()),
        (("encoding", "negative"), "ugly", {"embeddings"} | DRAWN),
        (("encoding", "precision"), "fp16", {"embeddings"} | DRAWN),
        (("models", "main", "max_sequence_length"), 77, {"embeddings"} | DRAWN),
        (("models", "main", "t5"), False, {"embeddings"} | DRAWN),
        (("models", "main", "fingerprint"), "x", EVERY - {"prompts"}),
        (("models", "main", "network", "shift"), 2.0, DRAWN),
        (("height",), 80, DRAWN),
        (("sampling", "seeds"), [0, 2], DRAWN),
        (("sampling", "per_prompt"), 2, DRAWN),
        (("sampling", "batch"), 3, DRAWN),
        (("sampling", "precision"), "bf16", DRAWN),
        (("decoding", "batch"), 2, {"decoded", "score"}),
        (("tables", "prompted", "title"), "Another", set()),
        (("gpus",), 1, set()),
    ],
)
def test_what_renames_which_kinds(planned_with, path, value, renamed):
    before, after = planned_with(), planned_with((path, value))
    assert kinds(after, after.nodes.keys() - before.nodes.keys()) == renamed


def test_weights_of_half_precision_are_part_of_the_name_and_whole_ones_are_not(planned_with):
    half = planned_with(
        (("sampling",), TEXT["sampling"] | {"precision": "bf16", "weights": "bf16"})
    )
    assert spec_of(half, "segment")["weights"] == "bf16"
    assert "weights" not in spec_of(planned_with(), "segment")


def test_a_new_score_is_new_nodes_that_draw_and_decode_nothing(planned_with):
    before = planned_with()
    after = planned_with((("tables", "prompted", "columns"), ["contrast", "saturation"]))
    new = after.nodes.keys() - before.nodes.keys()
    assert kinds(after, new) == {"score"}
    assert {after.nodes[key].spec["score"] for key in new} == {"contrast"}
    assert before.nodes.keys() < after.nodes.keys()


def test_a_new_version_of_a_score_renames_its_nodes_alone(planned_with, monkeypatch):
    both = (("tables", "prompted", "columns"), ["contrast", "saturation"])
    before = planned_with(both)
    newer = type(SCORES["contrast"])(**vars(SCORES["contrast"]) | {"version": 2})
    monkeypatch.setitem(SCORES, "contrast", newer)
    after = planned_with(both)
    new = {after.nodes[key].spec["score"] for key in after.nodes.keys() - before.nodes.keys()}
    assert new == {"contrast"}


def test_a_new_row_leaves_the_others(planned_with):
    before = planned_with()
    rows = ROWS | {"late": {"model": "main", "guidance": "cfg", "steps": 5}}
    after = planned_with((("tables", "prompted", "rows"), rows))
    assert before.nodes.keys() < after.nodes.keys()
    assert len(segments(after, "late")[0].spec["times"]) == 6


WEAK = (
    (("models", "other"), {"path": "other", "network": {"depth": 2, "heads": 2}}),
    (("guidance", "ag"), {"method": "autoguidance", "weak": "other", "weight": 2}),
    ((*ROW, "guidance"), "ag"),
)


def test_another_pipeline_guides_as_the_weak_network(planned_with):
    planned = planned_with(*WEAK)
    (final,) = segments(planned, "cfg")
    assert planned.nodes[final.parents["weak:other"][0]].label == "read other"
    ((embeddings,),) = [final.parents["embeddings"]]
    assert planned.nodes[embeddings].label == "embed for main"
    cost = planned.sets["prompted", "cfg", 0].drawing.forwards / 3
    assert 1.4 < cost < 1.6  # two of four blocks, of which the last is shorter


@pytest.mark.parametrize(
    ("file", "key", "value", "sentence"),
    [
        ("vae", "scaling_factor", 0.5, "'other' reads other latents than 'main'"),
        ("vae", "shift_factor", None, "'other' reads other latents than 'main'"),
        ("transformer", "joint_attention_dim", 32, "reads text of width 32 and 'main' of 24"),
    ],
)
def test_weak_networks_of_other_latents_or_text_are_refused(
    planned_with, tmp_path, file, key, value, sentence
):
    for name in ("sd3", "other"):
        tiny_sd3.save(tmp_path / name)
    models = {"main": {"path": "sd3"}, "other": {"path": "other"}}
    tiny = ((("height",), 16), (("width",), 24), (("models",), models))
    planned_with(*WEAK, *tiny)
    config = tmp_path / "other" / file / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {key: value}))
    with pytest.raises(UserError, match=r"tables\.prompted\.rows\.cfg\.guidance: ") as refused:
        planned_with(*WEAK, *tiny)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("guidance", "sentence"),
    [
        ({"method": "internal", "weight": 2}, "reads the mid head of network 'main'"),
        ({"method": "skip_layer", "blocks": [4], "weight": 2}, "whose blocks are 0 to 3"),
        ({"method": "cfg", "weight": 2, "steps": [0, 4]}, "there are only 3 steps"),
    ],
)
def test_guidance_that_a_pipeline_cannot_give_is_refused(planned_with, guidance, sentence):
    with pytest.raises(UserError, match=r"rows\.cfg\.guidance: ") as refused:
        planned_with((("guidance", "cfg"), guidance))
    assert sentence in str(refused.value)


def test_facts_of_a_row(planned_with):
    planned = planned_with()
    facts = planned.groups["cells/prompted/cfg"].facts
    row = facts["row"]
    assert (row["kind"], row["recipe"]) == ("score", "main: pretrained")
    assert row["sampler"] == "euler, 3 steps, 96 × 64 pixels"
    assert row["scored"] == {"saturation": [planned.sets["prompted", "cfg", 0].metrics]}
    assert row["guidance"][0]["steps"] == [0, 3]
    assert facts["table"]["dataset"] == "prompts"
    assert planned.groups.keys() == {
        "table/prompted", *(f"cells/prompted/{name}" for name in ROWS),
    }  # fmt: skip
    assert planned.groups["cells/prompted/cfg"].paths == (
        "results/cells/prompted/cfg/saturation.json",
        "results/cells/prompted/cfg/forwards.json",
        "results/figures/prompted/cfg.png",
    )


def test_a_row_owns_its_scores_and_its_own_steps(planned_with):
    planned = planned_with((("tables", "prompted", "columns"), ["contrast", "saturation"]))
    own = own_nodes(planned, planned.groups["cells/prompted/sgg"])
    assert sorted(planned.nodes[key].kind for key in own) == [
        "decoded",
        "score",
        "score",
        "segment",
    ]


def test_what_is_absent_is_refused_at_the_start(planned_with):
    with pytest.raises(UserError, match=r"prompts\.txt, which the prompts is read from"):
        refuse_absent_files(planned_with())


def test_a_scores_file_stops_nothing_at_the_start(planned_with, tmp_path):
    asks = (("tables", "prompted", "columns"), ["hps"])
    planned = planned_with(asks, (("scores",), {"hps": {"weights": "judge.pt"}}))
    for node in planned.nodes.values():
        if "path" in node.local:
            (tmp_path / node.local["path"]).mkdir(parents=True, exist_ok=True)
    refuse_absent_files(planned)


def estimated(planned):
    part = load_study(Path("params.yaml")).part("text")
    estimator = planner_of(part).estimate(part, planned)
    return {key: estimator.of(node) for key, node in planned.nodes.items()}


def test_estimates_count_images_steps_and_text(planned_with):
    planned = planned_with((("sampling", "per_prompt"), 3))
    found, images = estimated(planned), 2 * 2 * 3
    (none,) = segments(planned, "none")
    assert found[none.key].forwards == pytest.approx(images * 3)
    network = spec_of(planned, "weights")["network"]
    use = {"latents": [16, 8, 12], "text_tokens": 77 + 256}
    work = images * 3 * shape_of({**network, **use}).macs / 1e9
    assert found[none.key].gmacs == pytest.approx(work)
    forwards = sum(found[segment.key].forwards for segment in segments(planned, "cfg"))
    assert forwards == pytest.approx(images * 3 * 2)
    sizes = {planned.nodes[key].kind: one.bytes for key, one in found.items()}
    assert sizes["segment"] == images * 4 * 16 * 8 * 12
    assert sizes["decoded"] == images * 3 * 64 * 96
    assert sizes["weights"] == 2 * parameters(network)
    assert sizes["embeddings"] == 4 * 3 * (333 * 4096 + 2048)


def test_a_longer_text_costs_more_hours(planned_with):
    short = (("models", "main", "max_sequence_length"), 10)
    work = [
        sum(e.gmacs for e in estimated(p).values()) for p in (planned_with(short), planned_with())
    ]
    assert work[0] < 0.8 * work[1]


@pytest.mark.parametrize(
    ("path", "value", "kind", "name"),
    [
        (("sampling", "batch"), 2000, "segment", "mem_mb"),
        (("sampling", "per_prompt"), 100_000, "segment", "minutes"),
        (("models", "main", "network"), {"size": "sd3.5-large"}, "segment", "mem_mb"),
        (("models", "main", "network"), {"size": "sd3.5-large"}, "weights", "mem_mb"),
        (("prompts", "count"), 100_000, "embeddings", "minutes"),
        (("encoding", "batch"), 2000, "embeddings", "mem_mb"),
        (("decoding", "batch"), 2000, "decoded", "mem_mb"),
        (("sampling", "per_prompt"), 100_000, "decoded", "minutes"),
        (("sampling", "per_prompt"), 100_000, "decoded", "mem_mb"),
    ],
)
def test_more_work_asks_for_more(planned_with, path, value, kind, name):
    def most(planned):
        asked = [planned.resources(k) for k, n in planned.nodes.items() if n.kind == kind]
        return max(getattr(one, name) for one in asked)

    assert most(planned_with((path, value))) > most(planned_with())


def test_weights_of_half_precision_ask_for_less(planned_with):
    large = (("models", "main", "network"), {"size": "sd3.5-large"})
    half = (("sampling",), TEXT["sampling"] | {"precision": "bf16", "weights": "bf16"})
    memory = []
    for planned in (planned_with(large), planned_with(large, half)):
        (key,) = planned.sets["prompted", "none", 0].segments
        memory.append(planned.resources(key).mem_mb)
    assert memory[1] < 0.6 * memory[0]


def test_the_papers_study_is_priced_without_its_files(capsys):
    """SD3.5-medium and SD3-medium, eleven rows each of a thousand prompts in 28 steps."""
    study = load_study(HOME / "params.yaml", {"scale": "paper", "parts": "text"})
    planned = plan(study)
    rows = [name for table, name, _ in planned.sets if table == "text-to-image"]
    assert rows == [
        "none", "cfg", "slg", "cfg-slg", "s2", "sgg", "sgg-reversed", "tv-cfg", "adg", "apg",
        "cfg-zero-star",
    ]  # fmt: skip
    drawn = {name: planned.sets["text-to-image", name, 0].drawing for name in rows}
    per_step = {name: one.forwards / 28 for name, one in drawn.items()}
    assert per_step["none"] == 1
    assert per_step["cfg"] == per_step["tv-cfg"] == per_step["apg"] == 2
    assert per_step["cfg-zero-star"] == pytest.approx(2 * 27 / 28)
    assert 1.5 < per_step["slg"] < 1.6  # 14 of 24 blocks a second time
    assert per_step["sgg"] == pytest.approx((per_step["cfg"] + per_step["slg"]) / 2)
    assert per_step["sgg"] == per_step["sgg-reversed"]
    assert drawn["none"].shapes["main"].tokens == 64 * 64 + 77 + 256
    weights = {n.spec["network"]["qk_norm"] for n in planned.nodes.values() if n.kind == "weights"}
    assert weights == {None, "rms_norm"}
    assert {n["num_layers"] for n in PUBLISHED.values()} == {24, 38}
    assert main(["plan", "--params", str(HOME / "params.yaml"), "--scale", "paper"]) == 0
    said = capsys.readouterr().out
    assert "part text, data set COCO-1K" in said
    assert "data/stable-diffusion-3.5-medium is not there yet" in said
    assert "medium/vae is not there yet" not in said  # nor is the folder that it is in
