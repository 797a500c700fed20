"""The page of claims follows the nodes behind its cells, and nothing follows it."""

import json

import pytest
import yaml
from tiny_study import HOME

from w2s.params.load import load_study
from w2s.plan.plan import Plan
from w2s.plan.study import plan
from w2s.run.overview import overview
from w2s.run.start import start

CLAIM = {
    "sentence": "CFG lowers FD",
    "source": "a paper, table 1",
    "setting": "one weight",
    "row": "guidance/cfg",
    "against": "guidance/none",
    "column": "fd",
    "direction": "lower",
}


def claimed(folder, scale="smoke", **claims):
    """A plan with claims about the pictures of a scale, and its groups' keys."""
    file = folder.root / "claims" / scale / "pictures.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump({"claims": claims}))
    planned = folder.plan(scale=scale)
    return planned, {name: group.key for name, group in planned.groups.items()}


def test_the_page_needs_the_nodes_of_the_rows_that_claims_name(study_folder):
    planned, _ = claimed(study_folder, lower=CLAIM)
    group = planned.groups["claims"]
    cells = [planned.groups[f"cells/guidance/{row}"].facts["row"] for row in ("cfg", "none")]
    assert set(group.needs) == {key for row in cells for key in row["measured"]}
    assert group.paths == ("results/claims.json", "results/claims.md")
    json.dumps(group.facts)  # as the frozen plan holds it


def test_a_study_without_claims_has_no_page(study_folder):
    assert "claims" not in study_folder.plan(scale="smoke").groups


def test_a_changed_sentence_touches_the_page_alone(study_folder):
    planned, before = claimed(study_folder, lower=CLAIM)
    other, after = claimed(study_folder, lower=CLAIM | {"sentence": "CFG helps"})
    assert {name for name in before if before[name] != after[name]} == {"claims"}
    assert planned.nodes.keys() == other.nodes.keys()


def test_claims_change_no_other_published_file(study_folder):
    without = study_folder.plan(scale="smoke")
    _, keys = claimed(study_folder, lower=CLAIM)
    assert {name: group.key for name, group in without.groups.items()} == {
        name: key for name, key in keys.items() if name != "claims"
    }


def test_the_page_is_part_of_all_and_of_the_overview(study_folder):
    claimed(study_folder, lower=CLAIM)
    started = start(study_folder.root / "params.yaml", {"scale": "smoke"})
    assert "claims" in started.groups
    assert "claims" not in started.sweep
    count = len(study_folder.plan(scale="smoke").groups)
    said = overview(study_folder.load(scale="smoke"), nodes=False)
    assert f"{count} groups of published files" in said


def test_rows_over_other_seeds_are_refused(study_folder, monkeypatch, capsys):
    """Within a part all tables share their seeds today; a part whose tables differ is refused."""
    from w2s.cli import main
    from w2s.plan import claims

    with_claims = claims.with_claims

    def other_seeds(study, planned: Plan):
        planned.groups["cells/training/mg"].facts["table"]["training_seeds"] = [0, 1]
        return with_claims(study, planned)

    monkeypatch.setattr("w2s.plan.study.with_claims", other_seeds)
    file = study_folder.root / "claims" / "smoke.yaml"
    file.parent.mkdir()
    file.write_text(yaml.safe_dump({"claims": {"lower": CLAIM | {"row": "training/mg"}}}))
    assert main(["plan", "--scale", "smoke"]) == 2
    assert capsys.readouterr().err == (
        "w2s: claims/smoke.yaml: claims.lower.against: the intervals of 'training/mg' and "
        "'guidance/none' are over other seeds; name rows that share them\n"
    )


@pytest.mark.parametrize("scale", ["smoke", "mini", "paper"])
def test_the_shipped_claims_fit_the_shipped_studies(scale, monkeypatch):
    monkeypatch.chdir(HOME)
    study = load_study(HOME / "params.yaml", {"scale": scale})
    families = plan(study).groups["claims"].facts["families"]
    assert [family["part"] for family in families] == [p.name for p in study.parts if p.claims]
    assert families
    for family in families:
        sentences = [claim["sentence"] for claim in family["claims"]]
        assert len(set(sentences)) == len(sentences)
        assert all("arXiv" in claim["source"] for claim in family["claims"])
