"""The loop learns, resumes to the same bytes, branches, stops on request and refuses bad runs."""

import csv
import signal
import threading
import time
from dataclasses import replace
from os import getpid, kill
from statistics import mean

import pytest
import torch
from accelerate.state import AcceleratorState
from tiny_run import MODEL, SPEC, make_job, write_latents

from w2s.errors import OutOfTime, UserError
from w2s.models.sit_network import SiT
from w2s.training import loop
from w2s.training.state import read


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def latents(tmp_path):
    return write_latents(tmp_path / "latents")


def published(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def rows(job):
    with (job.out / "log.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture
def trained(tmp_path, latents):
    job = make_job(tmp_path, "whole", SPEC, {"latents": latents})
    return job, loop.build(job)


def test_it_publishes_what_it_promises(trained):
    job, facts = trained
    names = {
        f"snapshots/step-00000{s}-ema-{e}.safetensors" for s in (20, 40) for e in ("0.050", "0.100")
    }
    assert set(published(job.out)) == names | {"state.safetensors", "config.json", "log.csv"}
    assert rows(job)[-1]["step"] == "40"
    assert rows(job)[-1]["images"] == str(40 * 8)
    # One forward per sample, one more for those above tau whose label was kept.
    assert 40 * 8 < facts["forwards"] < 40 * 8 * 1.75
    assert facts["seconds_per_step"] > 0


def test_the_loss_falls(tmp_path, latents):
    spec = SPEC | {"objective": {"name": "none"}, "steps": 300, "snapshots": [300]}
    job = make_job(tmp_path, "long", spec, {"latents": latents})
    loop.build(job)
    losses = [float(row["loss"]) for row in rows(job)]
    assert mean(losses[-10:]) < 0.75 * mean(losses[:5])


@pytest.mark.parametrize(
    "objective",
    [
        {"name": "none"},
        {"name": "mg"},
        {"name": "mg", "weak_ema": True, "window": [0.0, 0.75]},
        {"name": "br"},
        {"name": "br", "weak_ema": True},
        {"name": "slg", "skip": [1]},
        {"name": "sgg_code"},
        {
            "name": "windows",
            "windows": [
                {"window": [0.7, 1], "away_from": "unconditional", "skip": [2], "scale": 0.2},
                {"window": [0.3, 0.7], "away_from": "skipped", "skip": [0], "scale": 0.2},
                {"window": [0, 0.3], "away_from": "head", "scale": 0.5, "weak_ema": True},
            ],
        },
    ],
)
def test_every_objective_trains(tmp_path, latents, objective):
    spec = SPEC | {"objective": objective, "steps": 6, "snapshots": [6]}
    loop.build(make_job(tmp_path, "run", spec, {"latents": latents}))


@pytest.mark.parametrize("name", ["mg", "sgg"])
def test_half_precision_follows_full_precision(tmp_path, latents, name):
    losses = []
    for precision in ("fp32", "bf16"):
        AcceleratorState._reset_state()  # it is settled once per process
        change = {"objective": {"name": name}, "steps": 20, "precision": precision}
        job = make_job(tmp_path, precision, SPEC | change, {"latents": latents})
        loop.build(job)
        losses.append([float(row["loss"]) for row in rows(job)])
    AcceleratorState._reset_state()
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.05)


def test_a_separate_weak_network(tmp_path, latents, trained):
    weak = tmp_path / "weak"
    weak.mkdir()
    name = "snapshots/step-0000020-ema-0.050.safetensors"
    (weak / "model.safetensors").write_bytes((trained[0].out / name).read_bytes())
    (weak / "config.json").write_bytes((trained[0].out / "config.json").read_bytes())
    spec = SPEC | {"objective": {"name": "ag"}, "steps": 6, "snapshots": [6]}
    facts = loop.build(make_job(tmp_path, "ag", spec, {"latents": latents, "weak": weak}))
    assert facts["forwards"] == 2 * 6 * 8


@pytest.mark.parametrize("name", ["none", "br", "slg"])
def test_unconditional_training_never_reads_a_label(tmp_path, latents, name):
    objective = {"name": name} | ({"skip": [1]} if name == "slg" else {})
    spec = SPEC | {"objective": objective, "conditional": False, "steps": 10, "snapshots": [10]}
    job = make_job(tmp_path, name, spec, {"latents": latents})
    loop.build(job)
    tensors, _ = read(job.out / "state.safetensors")
    torch.manual_seed(spec["seed"])
    untouched = SiT(**MODEL).y_embedder.embedding_table.weight
    table = tensors["net/y_embedder.embedding_table.weight"]
    assert torch.equal(table[:3], untouched[:3])
    assert not torch.equal(table[3], untouched[3])


def test_a_time_budget_ends_the_process_and_the_next_goes_on(tmp_path, latents, trained):
    whole = published(trained[0].out)
    job = make_job(tmp_path, "parts", SPEC, {"latents": latents}, minutes=1e-9)
    for _ in range(40):
        try:
            loop.build(job)
            break
        except OutOfTime:
            assert not published(job.out)
    assert published(job.out) == whole


def test_sigterm_saves_and_leaves(tmp_path, latents, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_SECONDS", 0.0)
    spec = SPEC | {"steps": 100_000, "snapshots": [100_000]}
    job = make_job(tmp_path, "stopped", spec, {"latents": latents})
    state = tmp_path / "state-stopped" / "0123"

    def terminate():
        while not list(state.glob("state-*.safetensors")):
            time.sleep(0.01)
        kill(getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    threading.Thread(target=terminate).start()
    with pytest.raises(OutOfTime, match=r"stopped at step \d+ of 100000; the state is saved"):
        loop.build(job)
    assert signal.getsignal(signal.SIGTERM) is before
    assert read(max(state.glob("state-*.safetensors")))[1]["step"] > 0
    assert not published(job.out)


def test_a_finished_run_is_only_published_again(tmp_path, latents, trained):
    job, facts = trained
    again = make_job(tmp_path, "again", SPEC, {"latents": latents}, state=job.execution.state)
    assert loop.build(again)["forwards"] == facts["forwards"]
    assert published(again.out) == published(job.out)


def test_a_branch_equals_the_run_it_continues(tmp_path, latents, trained):
    trunk = make_job(
        tmp_path, "trunk", SPEC | {"steps": 15, "snapshots": [15]}, {"latents": latents}
    )
    loop.build(trunk)
    parents = {"latents": latents, "trunk": trunk.out}
    branch = make_job(tmp_path, "branch", SPEC | {"start": 15}, parents)
    loop.build(branch)
    whole, branched = published(trained[0].out), published(branch.out)
    del whole["log.csv"], branched["log.csv"]
    assert branched == whole  # averages too: their profiles reach back over the border
    assert rows(branch)[0]["step"] == "16"


def test_a_branch_may_leave_its_trunks_head_alone(tmp_path, latents):
    none = SPEC | {"objective": {"name": "none"}}
    trunk = make_job(
        tmp_path, "trunk", none | {"steps": 15, "snapshots": [15]}, {"latents": latents}
    )
    loop.build(trunk)
    branch = none | {"start": 15, "head_weight": 0.0}
    job = make_job(tmp_path, "branch", branch, {"latents": latents, "trunk": trunk.out})
    loop.build(job)
    before, after = (read(j.out / "state.safetensors")[0] for j in (trunk, job))
    for name, value in after.items():
        if name.startswith("net/") and name != "net/pos_embed":
            assert torch.equal(value, before[name]) == name.startswith("net/head.")
    assert {row["head_loss"] for row in rows(job)} == {"0"}


@pytest.mark.parametrize("name", ["none", "sgg_code"])
def test_without_head_weight_no_head_learns_to_denoise(tmp_path, latents, name):
    """Without it the head stays as it began; the released SGG teaches it to copy v instead."""
    weight = {"objective": {"name": name}, "steps": 10, "snapshots": [10], "head_weight": 0.0}
    job = make_job(tmp_path, name, SPEC | weight, {"latents": latents})
    loop.build(job)
    head = read(job.out / "state.safetensors")[0]["net/head.linear.weight"]
    assert bool(head.any()) == (name == "sgg_code")
    assert {row["head_loss"] for row in rows(job)} == {"0"}


def test_a_branch_must_fit_its_trunk(tmp_path, latents, trained):
    parents = {"latents": latents, "trunk": trained[0].out}
    for change, message in [
        ({"start": 30}, "the trunk ends at step 40"),
        ({"start": 40, "ema": [0.05, 0.2]}, "cannot track 0.200"),
    ]:
        job = make_job(tmp_path, f"bad{change['start']}", SPEC | {"steps": 60} | change, parents)
        with pytest.raises(UserError, match=message):
            loop.build(job)


def test_a_loss_that_diverges_stops_the_run(tmp_path, latents):
    spec = SPEC | {"lr": 1e30, "clip": 0.0}
    job = make_job(tmp_path, "diverged", spec, {"latents": latents})
    with pytest.raises(UserError, match=r"'sgg'.* no longer finite at step \d+ .*lower lr"):
        loop.build(job)
    assert not published(job.out)


def test_data_that_do_not_fit_are_refused(tmp_path, latents):
    for number, (change, message) in enumerate(
        [
            ({"num_classes": 4}, "4 classes and the data 3"),
            ({"input_size": 8}, "the latents have 2 of 4 x 4"),
        ]
    ):
        spec = SPEC | {"model": MODEL | change}
        with pytest.raises(UserError, match=message):
            loop.build(make_job(tmp_path, str(number), spec, {"latents": latents}))


def test_what_is_told_of_a_run_changes_none_of_its_bytes(latents, tmp_path, monkeypatch):
    quiet = make_job(tmp_path, "quiet", SPEC, {"latents": latents})
    loop.build(quiet)
    heard = []
    monkeypatch.setattr(loop, "REPORT_SECONDS", 0.0)
    told = make_job(tmp_path, "told", SPEC, {"latents": latents})
    loop.build(replace(told, tell=lambda *said: heard.append(said)))
    assert published(told.out) == published(quiet.out)
    assert [said[:3] for said in heard] == [("training step", n, 40) for n in range(1, 41)]
