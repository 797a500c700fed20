"""Saved states: same bytes, newest whole one, damage named and set aside."""

import pytest
import torch

from w2s.files import sha256
from w2s.training.state import States, read, write

TENSORS = {"a": torch.arange(6.0).view(2, 3), "b/c": torch.tensor(7, dtype=torch.int64)}


@pytest.fixture
def states(tmp_path):
    lines = []
    states = States(tmp_path / "state", lines.append)
    states.lines = lines
    return states


def put(states, step, **snapshots):
    states.save(step, {"x": torch.full((4,), float(step))}, {"step": step, "snapshots": snapshots})


def test_the_same_content_gives_the_same_bytes(tmp_path):
    facts = {"step": 3, "log": [[1, "0.5"]], "snapshots": {"z": "1", "a": "2"}}
    write(tmp_path / "one", TENSORS, facts)
    write(tmp_path / "two", dict(reversed(TENSORS.items())), dict(reversed(facts.items())))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    tensors, found = read(tmp_path / "one")
    assert found == facts
    assert all(torch.equal(tensors[name], value) for name, value in TENSORS.items())


def test_the_newest_is_read_and_two_are_kept(states):
    assert states.latest() is None
    for step in (5, 10, 15):
        put(states, step)
    assert states.latest()[1]["step"] == 15
    assert [read(path)[1]["step"] for path in states._found()] == [15, 10]


def test_a_crash_while_writing_leaves_the_one_before(states):
    put(states, 5)
    (states.folder / ".fresh.safetensors.elsewhere+7.tmp").write_bytes(b"half")
    (states.folder / "fresh.safetensors").write_bytes(b"whole but unnamed")
    assert states.latest()[1]["step"] == 5
    put(states, 10)
    assert states.latest()[1]["step"] == 10


@pytest.mark.parametrize("damage", [b"", b"nonsense"])
def test_damage_is_named_and_set_aside(states, damage):
    put(states, 5)
    put(states, 10)
    newest = states._found()[0]
    newest.write_bytes(damage)
    assert states.latest()[1]["step"] == 5
    assert str(newest) in states.lines[0]
    assert newest.with_suffix(".damaged").read_bytes() == damage
    states._found()[0].write_bytes(damage)
    assert states.latest() is None


def test_a_state_without_its_snapshots_is_not_used(states):
    snapshot = states.folder / "snapshots" / "s"
    write(snapshot, TENSORS, {})
    put(states, 5)
    put(states, 10, s=sha256(snapshot))
    assert states.latest()[1]["step"] == 10
    snapshot.write_bytes(b"damaged")
    assert states.latest()[1]["step"] == 5
    assert "snapshot s is absent or damaged" in states.lines[0]
