"""Damaged and half-written nodes are named and recomputed, never read."""

CELL = "results/cells/guidance/ag/fd.json"


def test_a_damaged_node_is_named_and_the_same_command_recomputes_it(study, published):
    node = study.node("metrics", "ag")
    file = node / "metrics.json"
    file.write_bytes(file.read_bytes().replace(b"0", b"1", 1))
    (study.path / CELL).unlink()
    output = study.snakemake(status=1)
    where = node.relative_to(study.path)
    log = (study.path / "results/logs/cells/guidance/ag.log").read_text()
    assert log.startswith(f"w2s: {where} is damaged: metrics.json does not have the recorded")
    assert log.count("\n") == 1
    assert log.strip() in output
    assert not node.exists()
    assert study.jobs() == {"evaluate ag", "cells_guidance ag", "table guidance"}
    study.snakemake()
    assert study.published() == published


def test_what_doctor_sets_aside_is_computed_anew_once_needed(study, published):
    (study.node("weights", "early") / "model.safetensors").write_bytes(b"")
    said = study.w2s("doctor", "--store", status=1)
    assert "model.safetensors does not have the recorded checksum" in said
    assert study.jobs() == set()  # what is published stands
    study.w2s("recompute", CELL)
    assert study.jobs(CELL) == {
        "extract early", "sample ag to 4", "decode ag", "evaluate ag", "cells_guidance ag",
    }  # fmt: skip
    study.snakemake()
    assert "0 damaged" in study.w2s("doctor", "--store")
    assert study.published() == published


def test_a_half_written_node_counts_as_absent(study, published):
    node = study.node("metrics", "ag")
    (node / "manifest.json").unlink()
    (node / "metrics.json").write_bytes(b"{")
    (study.path / CELL).unlink()
    assert study.jobs() == {"evaluate ag", "cells_guidance ag", "table guidance"}
    study.snakemake()
    assert study.published() == published
    assert "0 damaged" in study.w2s("doctor", "--store")
