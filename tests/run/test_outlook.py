"""What `w2s plan` says of time and disk."""

import re
from pathlib import Path

import pytest

from w2s.cli import main
from w2s.params.load import load_study
from w2s.plan.resources import GPU_RATE
from w2s.plan.study import plan
from w2s.run.outlook import hours, size

HOME = Path(__file__).parents[2]


def said(capsys, *arguments):
    assert main(["plan", *arguments]) == 0
    return capsys.readouterr().out


def test_the_papers_study_is_said_in_gpu_hours(monkeypatch, capsys):
    monkeypatch.chdir(HOME)
    out = said(capsys, "--scale", "paper", "--gpus", "4")
    planned = plan(load_study(Path("params.yaml"), {"scale": "paper"}))
    seconds = [planned.budgets[key].seconds(node) for key, node in planned.nodes.items()]
    total = float(re.search(r"^work: (\S+) GPU-hours", out, re.M)[1])
    assert total == pytest.approx(sum(seconds) / 3600, rel=0.01)
    assert "critical path: " in out
    bound = re.search(r"wall time on 4 GPUs: at least (\S+) days, the larger of", out)
    assert float(bound[1]) == pytest.approx(total / 4 / 24, rel=0.01)
    assert "a rate that is assumed" in out  # the cost in the file is a CPU's


def test_a_gpus_cost_is_what_hours_rest_on(study_folder, capsys):
    study_folder.edit(("gpus",), 1)
    assumed = said(capsys, "--gpus", "1")
    study_folder.edit(("cost", "device"), "NVIDIA H200")
    study_folder.edit(("cost", "seconds_per_gmac"), 2 * GPU_RATE)
    measured = said(capsys, "--gpus", "1")
    assert "by the cost of NVIDIA H200, measured" in measured
    first, second = (float(re.search(r"work: (\S+) GPU", t)[1]) for t in (assumed, measured))
    assert second == pytest.approx(2 * first, rel=0.02)


def test_a_study_on_the_cpu_has_a_critical_path_and_refuses_gpus(study_folder, capsys):
    out = said(capsys)
    assert re.search(r"^work: \S+ hours of jobs on the CPU; disk ", out, re.M)
    assert re.search(r"^critical path: .*train trunk", out, re.M)
    assert main(["plan", "--gpus", "2"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "--gpus 2: no job of scale mini asks for a GPU; set gpus: 1" in error


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_a_number_of_gpus_is_one_or_more(count, capsys):
    with pytest.raises(SystemExit):
        main(["plan", "--gpus", count])
    assert "argument --gpus" in capsys.readouterr().err


def test_units_suit_the_amount():
    assert [hours(x) for x in (0.5, 1, 47.5, 72)] == ["30 min", "1 h", "47.5 h", "3 days"]
    assert [size(x) for x in (12, 4.2e7, 3e12)] == ["12 B", "42.0 MB", "3.0 TB"]
