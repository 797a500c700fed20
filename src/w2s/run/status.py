"""What of a study is done, running, queued and failed, as its store says.

No scheduler is asked and nothing is written: the store has finished nodes, leases of those that are
being made, and what jobs say of themselves (w2s.run.telling).  So it is the same on every machine
that shares the store, while Snakemake runs and after it.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path

from w2s.params.parts import Study
from w2s.plan.kinds import KINDS
from w2s.plan.study import plan
from w2s.run.telling import FAILED, RUNNING, STOPPED
from w2s.store import folders
from w2s.store.keys import carried_key
from w2s.store.lease import BEATS, PERIOD, RUN
from w2s.store.owner import Owner

LOGS = Path("results/logs")
KILLED = "killed"
DONE, QUEUED, WAITING = "done", "queued", "waiting"
TROUBLE = (FAILED, STOPPED, KILLED)
LATE = 2 * PERIOD / BEATS  # seconds without a renewed lease that are worth a word
STATES = (DONE, RUNNING, QUEUED, WAITING, *TROUBLE)


@dataclass(frozen=True)
class Told:
    """A job, as it says itself and as its lease says."""

    kind: str
    key: str  # of its node, or the name of the group that it publishes
    label: str
    state: str  # running, failed, stopped: it saved its state; or killed: it said no more
    by: str
    since: str  # UTC
    what: str = ""  # what it counts: done of total
    done: int = 0
    total: int = 0
    left: float | None = None  # seconds
    said: str = ""  # why it failed or stopped
    silent: float = 0.0  # seconds since its lease was renewed, by the file system's dates
    lines: tuple[str, ...] = ()  # the last of its log, if it is in trouble
    log: str | None = None

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(self.since)).total_seconds())


@dataclass(frozen=True)
class Hours:
    """Hours of jobs, GPUs counted singly where the study asks for some."""

    unit: str
    spent: float  # on what is done
    expected: float  # by the plan, for the same
    running: float  # so far
    ahead: float  # by the plan, for what is not done


@dataclass(frozen=True)
class Status:
    """A study at one moment."""

    scale: str
    run: str | None  # the Snakemake that is at work in this folder
    stages: dict[str, Counter] = field(default_factory=dict)  # by stage: nodes by state
    running: tuple[Told, ...] = ()
    trouble: tuple[Told, ...] = ()
    published: int = 0  # groups of files that show what is wanted
    groups: int = 0
    hours: Hours | None = None

    @property
    def nodes(self) -> Counter:
        """Nodes by state."""
        return sum(self.stages.values(), Counter())

    @property
    def finished(self) -> bool:
        """Whether nothing of the study is left to do."""
        return self.nodes[DONE] == self.nodes.total() and self.published == self.groups


class Watcher:
    """Looks at one study, again and again; manifests are read once each."""

    def __init__(self, study: Study):
        self.scale, self.planned = study.scale, plan(study)
        self.spent: dict[str, float] = {}  # seconds by done node
        budgets, nodes = self.planned.budgets, self.planned.nodes
        self.gpus = {key: budgets[key].gpus(node) for key, node in nodes.items()}
        self.expected = {key: budgets[key].seconds(node) for key, node in nodes.items()}

    def look(self) -> Status:
        """The study as it is now."""
        nodes = self.planned.nodes
        done = {key for key, node in nodes.items() if folders.present(node.kind, key)}
        unshown = {g.name for g in self.planned.groups.values() if not _shown(g)}
        jobs = {job.key: job for job in told_jobs() if job.key not in done}
        stages: dict[str, Counter] = {}
        for key, node in nodes.items():
            stages.setdefault(KINDS[node.kind].verb, Counter())[self._state(key, done, jobs)] += 1
        wanted = [job for key, job in jobs.items() if key in nodes or key in unshown]
        return Status(
            scale=self.scale,
            run=_run(),
            stages=stages,
            running=tuple(job for job in jobs.values() if job.state == RUNNING),
            trouble=tuple(job for job in wanted if job.state in TROUBLE),
            published=len(self.planned.groups) - len(unshown),
            groups=len(self.planned.groups),
            hours=self._hours(done, [job for job in jobs.values() if job.state == RUNNING]),
        )

    def _state(self, key: str, done: set[str], jobs: dict[str, Told]) -> str:
        if key in done:
            return DONE
        if key in jobs:
            return jobs[key].state
        parents = self.planned.nodes[key].inputs.values()
        return QUEUED if all(k in done for keys in parents for k in keys) else WAITING

    def _hours(self, done: set[str], running: list[Told]) -> Hours:
        for key in done - self.spent.keys():
            self.spent[key] = _seconds(self.planned.nodes[key].kind, key)
        asks = any(self.gpus.values())

        def hours(seconds: dict[str, float], keys) -> float:
            weight = self.gpus if asks else dict.fromkeys(keys, 1)
            return sum(seconds[key] * weight[key] for key in keys) / 3600

        now = {job.key: job.seconds for job in running if job.key in self.gpus}
        return Hours(
            unit="time of GPUs" if asks else "time of jobs",
            spent=hours(self.spent, done),
            expected=hours(self.expected, done),
            running=hours(now, now.keys()),
            ahead=hours(self.expected, self.planned.nodes.keys() - done),
        )


def told_jobs() -> Iterator[Told]:
    """Every job of any study in this store that runs, or that did not end well."""
    for file in sorted((folders.STORE / ".jobs").glob("*.json")):
        try:
            facts = json.loads(file.read_text())
        except FileNotFoundError:  # it is done by now
            continue
        except ValueError:  # the machine went down before the disk had the content
            kind, _, key = file.stem.partition("-")
            since = datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat(timespec="seconds")
            facts = {"kind": kind, "key": key, "label": kind, "lease": None, "state": RUNNING}
            facts |= {"by": "an unknown process", "since": since}
        if facts["state"] == RUNNING:
            facts |= _alive(folders.lease_path(facts["kind"], facts["key"]), facts["lease"])
        if facts["state"] in TROUBLE:
            facts |= _log(facts["kind"], facts["key"])
        yield Told(**{one.name: facts[one.name] for one in fields(Told) if one.name in facts})


def _alive(path: Path, id: str | None) -> dict:
    """Whether a job that says that it runs does, by its lease."""
    holder = Owner.read(path, PERIOD)
    if holder is None or holder.id != id or holder.ended():
        return {"state": KILLED, "said": "it ended without a word, killed or with its machine"}
    return {"silent": _silence(path)}


def _silence(path: Path) -> float:
    """Seconds since a lease was renewed, by the dates of the file system and this clock."""
    try:
        return max(0.0, time.time() - path.stat().st_mtime)
    except FileNotFoundError:  # given back by now
        return 0.0


def _log(kind: str, key: str, lines: int = 5) -> dict:
    """The log of a job and its last lines; nothing if there is none here."""
    if kind == "publish":
        places = [LOGS / f"{key}.log", LOGS / f"{Path(key).name}.log"]
    else:
        places = sorted(LOGS.glob(f"*/{key}.log"))
    for place in places:
        if place.exists():
            text = place.read_text(errors="replace").splitlines()
            return {"log": str(place), "lines": tuple(text[-lines:])}
    return {}


def _run() -> str | None:
    """Who runs Snakemake in this folder; None if nobody is known to."""
    holder, silent = Owner.read(RUN, PERIOD), _silence(RUN)
    if holder is None or holder.ended():
        return None
    return f"{holder}, no sign for {silent:.0f} s" if silent > LATE else str(holder)


def _shown(group) -> bool:
    return all(carried_key(Path(path)) == group.key for path in group.paths)


def _seconds(kind: str, key: str) -> float:
    """What a node took; 0 where its manifest is damaged, which its readers will say."""
    try:
        return folders.read_manifest(kind, key).get("seconds", 0.0)
    except folders.Damaged:
        return 0.0
