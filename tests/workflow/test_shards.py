"""How the work is split decides no number."""


def test_samples_drawn_in_three_shards_have_the_same_metrics(study, finished):
    study.edit(("sampling: {steps: 4,", "sampling: {shards: 3, steps: 4,"))
    cell = "results/cells/guidance/cfg/fd.json"
    jobs = study.jobs(cell)
    assert {job.split()[0] for job in jobs} == {"sample", "decode", "evaluate", "cells_guidance"}
    study.snakemake(cell)
    for kind, names in (("decoded", ("images.npy", "labels.npy")), ("metrics", ("metrics.json",))):
        before = finished.node(kind, "cfg")
        folders = (study.path / "results/store" / kind).iterdir()
        (after,) = (f for f in folders if f.name != before.name and study.label(f) == "cfg")
        for name in names:
            assert (after / name).read_bytes() == (before / name).read_bytes(), name
