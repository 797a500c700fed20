"""Probes and figures that contradict the rest of a study are refused in one sentence."""

import pytest
from refusals import refused
from tiny_study import DELETE

MINI = "scales/mini/pictures.yaml"
PROBE = ("probes", "latents")


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ((*PROBE, "model"), "bose", "probes.latents.model: there is no recipe or weak model"),
        (
            (*PROBE, "guidance", "cgf"),
            "CFG",
            "probes.latents.guidance.cgf: there is no entry under guidance named 'cgf'; did you",
        ),
        (
            (*PROBE, "guidance", "none"),
            "nothing",
            "probes.latents.guidance.none: stands for no guidance, which is there already",
        ),
        (
            (*PROBE, "model"),
            "uncond-base",
            "probes.latents.model: 'uncond-base' never sees labels; a probe compares",
        ),
        (
            ("figures", "optimal-velocity-mini", "probes"),
            ["latent"],
            "figures.optimal-velocity-mini.probes[0]: there is no probe named 'latent'; did you "
            "mean 'latents'?",
        ),
        (
            ("figures", "optimal-velocity-mini", "guidance"),
            ["cfg-3"],
            "figures.optimal-velocity-mini.guidance[0]: none of its probes has a guidance 'cfg-3'",
        ),
        (
            ("figures", "optimal-velocity-mini", "draws"),
            "stages",
            "figures.optimal-velocity-mini.draws: must be 'velocity', not 'stages'",
        ),
        (("figures", "optimal-velocity-mini"), DELETE, "probes.latents: no figure draws it"),
        ((*PROBE, "per_seed"), 0, "probes.latents.per_seed: must be above 0, not 0"),
        ((*PROBE, "seeds"), [1, 1], "probes.latents.seeds"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_key(study_folder, capsys, path, value, expected):
    study_folder.edit(path, value, MINI)
    lines = refused(capsys, "--scale", "mini")
    assert len(lines) == 1
    assert lines[0].startswith(f"{MINI}: {expected}")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("guidance-samples", "figures.guidance-samples: is a picture of table 'guidance'"),
        ("training-schedules", "figures.training-schedules: is a picture of table 'training'"),
        ("tables", "figures.tables: `snakemake tables` stands for something else"),
        ("sweep-x", "figures.sweep-x: `snakemake sweep-x` stands for something else"),
        ("guidance", f"figures.guidance: {MINI} has a table of this name too; rename one"),
        ("training-curves", "figures.training-curves: is the picture of training"),
    ],
)
def test_a_name_that_is_taken_is_refused(study_folder, capsys, name, expected):
    figure = {"draws": "velocity", "title": "x.", "probes": ["latents"]}
    study_folder.edit(("figures", name), figure, MINI)
    (line,) = refused(capsys, "--scale", "mini")
    assert line.startswith(f"{MINI}: {expected}")


def test_a_pretrained_network_is_not_probed(study_folder, capsys):
    block = {"path": "there", "network": {"hidden": 8, "depth": 2, "heads": 2, "patch": 3}}
    study_folder.edit(("pretrained",), {"given": block}, MINI)
    study_folder.edit((*PROBE, "model"), "given", MINI)
    lines = refused(capsys, "--scale", "mini")
    assert any("probes.latents.model: 'given' was not trained on the latents" in x for x in lines)
