"""The page of claims as a target: made after the rows that it names, and renewed alone."""

import json

CLAIM = """\
claims:
  untrained:
    sentence: SGG has a lower FD than CFG
    source: a paper, figure 3
    setting: At one weight.
    row: guidance/sgg
    against: guidance/cfg
    column: fd
    direction: lower
  trained:
    sentence: Trained into the network it costs one forward
    source: a paper, figure 4
    setting: Forwards are counted.
    row: training/sgg
    column: forwards
    at_most: 1
"""
PAGE = ("results/claims.json", "results/claims.md")
LOG = "results/logs/claims.log"


def claim(study, text=CLAIM):
    (study.path / "claims").mkdir(exist_ok=True)
    (study.path / "claims" / "smoke.yaml").write_text(text)


def test_the_page_rests_on_the_rows_that_it_names(fresh):
    claim(fresh)
    jobs = fresh.jobs("claims")
    assert {"evaluate sgg", "evaluate cfg", "train sgg", "claims"} <= jobs
    assert not {job for job in jobs if job.startswith(("table", "cells_", "train uncond"))}


def test_all_makes_the_page_and_a_changed_sentence_renews_it_alone(study, published):
    claim(study)
    study.snakemake()
    first = study.published()
    assert first.keys() - published.keys() == set(PAGE)
    assert {path: first[path] for path in published} == published
    claim(study, CLAIM.replace("has a lower FD than CFG", "improves on CFG"))
    assert study.jobs() == {"claims"}
    study.snakemake("claims")
    assert "SGG improves on CFG" in (study.path / PAGE[1]).read_text()
    claim(study)
    study.snakemake()
    assert study.published() == first


def test_the_page_shows_what_the_cells_show_and_a_damaged_number_is_made_anew(study):
    claim(study)
    damaged = study.node("metrics", "cfg") / "metrics.json"
    damaged.write_text(damaged.read_text() + " ")
    study.snakemake("claims", status=1)
    assert "the same command computes it anew" in (study.path / LOG).read_text()
    study.snakemake("claims")
    lower, cost = json.loads((study.path / PAGE[0]).read_text())["families"][0]["claims"]
    sgg, cfg = (
        json.loads((study.path / f"results/cells/guidance/{row}/fd.json").read_text())["value"]
        for row in ("sgg", "cfg")
    )
    assert lower["value"] == sgg - cfg
    assert (cost["value"], cost["verdict"]) == (1.0, "seen")
    shown = study.w2s("show", PAGE[0])
    for kind in ("metrics", "decoded", "segment", "train", "latents"):
        assert f"{kind} " in shown
