"""The search as a user runs it: killed, gone on with, adopted, and what is left to confirm."""

import json
import time

import yaml
from run_folder import ROOT
from tuned_study import CONFIRM, TUNE

SMALL_TUNE = TUNE | {"evaluations": 4, "methods": {"cfg": TUNE["methods"]["cfg"]}}
HERE = ("-s", str(ROOT / "Snakefile"), "--cores", "1")


def test_a_killed_search_goes_on_is_adopted_and_left_to_be_confirmed(study, published):
    file = study.path / "scales" / "smoke.yaml"
    own = yaml.safe_dump({"tune": SMALL_TUNE, "confirm": CONFIRM}, sort_keys=False)
    file.write_text(f"{file.read_text()}\n{own}")

    before = study.stored().keys()
    process = study.start("tune")
    while study.stored().keys() == before and process.poll() is None:
        time.sleep(0.1)
    study.kill()
    process.wait()
    assert not (study.path / "results/tune").exists()

    said = study.w2s("tune", "--", *HERE)
    assert "pictures: 0 evaluations, round 1 tries 3" in said
    assert "pictures: 3 evaluations, round 2 tries 1" in said
    assert "pictures: finished after 4 evaluations" in said
    rounds = [
        json.loads((study.path / f"results/tune/pictures/round-0{n}.json").read_text())
        for n in (1, 2)
    ]
    tried = {tuple(one["point"]): one for made in rounds for one in made["methods"]["cfg"]}
    best = min(tried.values(), key=lambda one: one["value"])
    table = (study.path / "results/tables/tune.md").read_text()
    assert f"{best['label']} (chosen)" in table
    assert "4 evaluations of each method" in table
    assert (study.path / "results/figures/tune-accuracy.png").exists()
    assert "evaluate cfg.0" in study.w2s("show", "results/tune/pictures/round-01.json")

    study.w2s("adopt")
    assert yaml.safe_load(file.read_text())["guidance"]["cfg"]["weight"] == best["point"][0]
    jobs = study.jobs("tune", "confirm")
    assert "table confirm" in jobs
    assert {"cells_confirm none", "cells_confirm cfg", "evaluate cfg"} <= jobs
    assert not {job for job in jobs if job.startswith(("tune-", "tuned-", "train "))}
    kept = {path: sums for path, sums in study.published().items() if path in published}
    assert kept == published
