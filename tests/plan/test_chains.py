"""What ends a row is one cluster job, and no two rows are tied together."""

from pathlib import Path

import pytest

from w2s.params.load import load_study
from w2s.plan.chains import START, ClusterJobs, chained, cluster_jobs
from w2s.plan.study import plan
from w2s.run.overview import overview

HOME = Path(__file__).parents[2]


def linked(planned) -> list[set[str]]:
    """The chains, found by joining whatever is linked until nothing changes."""
    together, groups = chained(planned.nodes), []
    for key in together:
        inputs = {k for keys in planned.nodes[key].inputs.values() for k in keys}
        mine = {key} | (inputs & together)
        groups, apart = [g for g in groups if not g & mine], [g for g in groups if g & mine]
        groups.append(mine.union(*apart))
    return groups


@pytest.mark.parametrize("scale", ["smoke", "mini", "paper"])
def test_every_chain_is_one_row_read_in_order(scale):
    study = load_study(HOME / "params.yaml", {"scale": scale})
    planned = plan(study)
    for group in linked(planned):
        kinds = sorted(planned.nodes[key].kind for key in group)
        assert kinds.count("segment") <= 1
        assert kinds.count("decoded") <= 1
        inside = {k for key in group for ks in planned.nodes[key].inputs.values() for k in ks}
        outside = inside - group
        seen = set()
        while outside:  # nothing that the chain waits for may wait for the chain
            assert not outside & group
            seen |= outside
            above = (ks for k in outside for ks in planned.nodes[k].inputs.values())
            outside = {k for keys in above for k in keys} - seen


def test_a_state_that_others_go_on_from_is_a_job_of_its_own(study_folder):
    planned = study_folder.plan()
    together = chained(planned.nodes)
    helping = {k for n in planned.nodes.values() for k in n.helpers.get("from", ())}
    assert helping
    assert not helping & together
    lasts = {k for k, n in planned.nodes.items() if n.kind == "segment"} - helping
    assert lasts <= together


def test_shards_are_jobs_of_their_own(study_folder):
    study_folder.edit(("sampling", "shards"), 3)
    planned = study_folder.plan()
    assert "segment" not in {planned.nodes[key].kind for key in chained(planned.nodes)}


def test_jobs_are_the_nodes_less_those_that_joined_another(study_folder):
    planned = study_folder.plan()
    joined = sum(len(group) - 1 for group in linked(planned))
    jobs = cluster_jobs(planned, planned.nodes.values())
    assert joined > 0
    assert jobs.count == len(planned.nodes) - joined
    assert jobs.minutes == pytest.approx(
        sum(planned.budgets[key].seconds(node) / 60 for key, node in planned.nodes.items())
    )
    metrics = [node for node in planned.nodes.values() if node.kind == "metrics"]
    assert cluster_jobs(planned, metrics).count == len(metrics)


def test_the_overhead_is_the_starts_share_of_all_time():
    assert ClusterJobs(10, 90 * START).overhead == pytest.approx(0.1)
    assert ClusterJobs(0, 0.0).overhead == 0


def test_the_papers_study_spends_hardly_anything_on_starting():
    study = load_study(HOME / "params.yaml", {"scale": "paper"})
    planned = plan(study)
    assert cluster_jobs(planned, planned.nodes.values()).overhead < 0.05


def test_the_plan_says_how_many_jobs_a_cluster_is_given(study_folder):
    planned = study_folder.plan()
    jobs = cluster_jobs(planned, planned.nodes.values())
    said = overview(study_folder.load(), nodes=False)
    assert f"on a cluster: {jobs.count} jobs for {len(planned.nodes)} nodes, with" in said
    assert f"{jobs.overhead:.1%} of their time" in said
