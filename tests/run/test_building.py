"""Building a node: parents are checked, failures leave nothing, results are published once."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from w2s.cli import main
from w2s.errors import OutOfTime, UserError
from w2s.plan.kinds import KINDS
from w2s.plan.nodes import Node
from w2s.plan.plan import Plan
from w2s.run import build as building
from w2s.run.frozen import FrozenPlan, freeze
from w2s.store import folders


def write(job):
    (job.out / "text.txt").write_text(f"{job.spec} {sorted(job.parents)}")
    return {"forwards": 3.5}


def fail(job):
    (job.out / "half.txt").write_text("half")
    raise RuntimeError("it broke")


def refuse(job):
    (job.out / "half.txt").write_text("half")
    raise UserError("a mistake of the user")


def run_out(job):
    (job.execution.state / job.key).mkdir(parents=True)
    raise OutOfTime("saved at step 3")


def leave_state(job):
    (job.execution.state / job.key).mkdir(parents=True)
    (job.out / "done.txt").write_text("")


@pytest.fixture
def nodes(tmp_path, monkeypatch):
    """A parent and a child whose builders only write a text, and their frozen plan."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    use(monkeypatch, write)
    planned = Plan("test")
    parent = Node("images", {"count": 1}, label="parent")
    child = Node("index", {"of": "it"}, {"images": (parent.key,)}, label="child")
    planned.add(parent)
    planned.add(child)
    return parent, child, freeze(planned, {"threads": 1})


def use(monkeypatch, builder) -> None:
    """Have a function of this file build images and indices."""
    for kind in ("images", "index"):
        where = f"{__name__}:{builder.__name__}"
        monkeypatch.setitem(KINDS, kind, replace(KINDS[kind], builder=where, imports=()))


def test_a_child_is_built_from_verified_parents(nodes):
    parent, child, plan = nodes
    for node in (parent, child):
        building.build(node.kind, node.key, FrozenPlan(plan))
    text = (folders.verify("index", child.key) / "text.txt").read_text()
    assert text == "{'of': 'it'} ['images']"
    manifest = folders.read_manifest("index", child.key)
    assert manifest["facts"] == {"forwards": 3.5}
    assert manifest["parents"] == {"images": [parent.key]}
    assert manifest["spec"] == child.spec
    assert manifest["version"] == KINDS["index"].version
    assert {
        "seconds",
        "cpu_seconds",
        "peak_mb",
        "start",
        "end",
        "packages",
        "hardware",
    } <= manifest.keys()


@pytest.mark.parametrize("damage", ["alter", "remove"])
def test_a_damaged_parent_is_named_and_out_of_the_store(nodes, damage, capsys):
    parent, child, plan = nodes
    building.build("images", parent.key, FrozenPlan(plan))
    file = folders.node_dir("images", parent.key) / "text.txt"
    file.write_text("other") if damage == "alter" else file.unlink()
    assert main(["index", child.key, "--plan", str(plan)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"images/{parent.key} is damaged: text.txt" in error
    assert not folders.present("images", parent.key)
    building.build("images", parent.key, FrozenPlan(plan))
    assert main(["index", child.key, "--plan", str(plan)]) == 0


def test_an_absent_parent_is_a_sentence(nodes, capsys):
    _, child, plan = nodes
    assert main(["index", child.key, "--plan", str(plan)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "is not in the store" in error


@pytest.mark.parametrize(("builder", "status"), [(fail, 1), (refuse, 2), (run_out, 75)])
def test_a_failing_builder_leaves_nothing(nodes, monkeypatch, capsys, builder, status):
    parent, _, plan = nodes
    use(monkeypatch, builder)
    assert main(["render", parent.key, "--plan", str(plan)]) == status
    assert not folders.present("images", parent.key)
    assert list((folders.STORE / ".scratch").iterdir()) == []
    error = capsys.readouterr().err
    assert ("Traceback" in error) is (builder is fail)


def test_state_outlives_a_time_budget_and_not_the_result(nodes, monkeypatch):
    parent, _, plan = nodes
    use(monkeypatch, run_out)
    main(["render", parent.key, "--plan", str(plan)])
    assert Path("state", parent.key).exists()
    use(monkeypatch, write)
    main(["render", parent.key, "--plan", str(plan)])
    assert not Path("state", parent.key).exists()


def test_a_node_that_is_there_is_not_built_again(nodes, monkeypatch):
    parent, _, plan = nodes
    main(["render", parent.key, "--plan", str(plan)])
    use(monkeypatch, fail)
    assert main(["render", parent.key, "--plan", str(plan)]) == 0


def test_the_wrong_verb_and_unknown_keys_are_sentences(nodes, capsys):
    parent, _, plan = nodes
    assert main(["index", parent.key, "--plan", str(plan)]) == 2
    assert "use `w2s render`" in capsys.readouterr().err
    assert main(["index", "0" * 16, "--plan", str(plan)]) == 2
    assert "the plan has no node" in capsys.readouterr().err
    assert main(["index", parent.key, "--plan", "absent.json"]) == 2
    assert "no such plan" in capsys.readouterr().err


SLOW = """
import sys, time
from dataclasses import replace
from w2s.plan.kinds import KINDS
KINDS["images"] = replace(KINDS["images"], builder="slow_builder:build", imports=())
from w2s.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_a_signal_in_the_middle_publishes_nothing(nodes, tmp_path, number):
    parent, _, plan = nodes
    (tmp_path / "slow_builder.py").write_text(
        "import time\ndef build(job):\n    (job.out / 'half').write_text('x')\n"
        "    print('half', flush=True)\n    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", SLOW, "render", parent.key, "--plan", str(plan)]
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path}
    job = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    assert job.stdout.readline() == b"half\n"
    job.send_signal(number)
    assert job.wait(timeout=30) != 0
    assert not folders.node_dir("images", parent.key).exists()
    if number != signal.SIGKILL:
        assert list((folders.STORE / ".scratch").iterdir()) == []
    assert main(["render", parent.key, "--plan", str(plan)]) == 0
    assert folders.verify("images", parent.key)
