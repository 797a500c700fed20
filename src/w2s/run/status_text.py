"""A status on a terminal and for programs."""

from __future__ import annotations

import time
from dataclasses import asdict

from rich.console import Console
from rich.live import Live
from rich.text import Text

from w2s.run.outlook import hours
from w2s.run.status import DONE, LATE, QUEUED, RUNNING, STATES, WAITING, Status, Told, Watcher

EVERY = 2.0  # seconds between two looks
ALWAYS = (DONE, RUNNING, QUEUED, WAITING)


def watch(watcher: Watcher, every: float = EVERY, sleep=time.sleep) -> None:
    """Show the status again and again until nothing is left to do."""
    console = Console(soft_wrap=True)
    if not console.is_terminal:
        while not (status := watcher.look()).finished:
            print(as_text(status), end="\n\n", flush=True)
            sleep(every)
        print(as_text(status))
        return
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            status = watcher.look()
            live.update(Text(as_text(status)), refresh=True)
            if status.finished:
                return
            sleep(every)


def as_json(status: Status) -> dict:
    """The status for programs."""
    stages = {stage: dict(states) for stage, states in status.stages.items()}
    return asdict(status) | {
        "stages": stages,
        "nodes": dict(status.nodes),
        "finished": status.finished,
    }


def as_text(status: Status) -> str:
    """The status in lines."""
    shown = [state for state in STATES if state in ALWAYS or status.nodes[state]]
    lines = [
        f"scale {status.scale}: {status.nodes[DONE]} of {status.nodes.total()} nodes done, "
        f"{status.published} of {status.groups} groups of files published",
        f"snakemake: {status.run}" if status.run else "no snakemake is at work in this folder",
        "",
        f"{'stage':<10}" + "".join(f"{state:>9}" for state in shown),
    ]
    for stage, states in status.stages.items():
        lines.append(f"{stage:<10}" + "".join(f"{states[state] or '–':>9}" for state in shown))
    if status.running:
        lines += ["", "running:", *map(_job, status.running)]
    for one in status.trouble:
        lines += ["", f"{one.state}: {one.label} ({one.key}), {one.by}: {one.said}"]
        if one.log:
            lines += [f"  {one.log} ends with", *(f"    {line}" for line in one.lines)]
    if status.hours:
        of = status.hours
        lines += [
            "",
            f"{of.unit}: {hours(of.spent)} spent on what is done, planned {hours(of.expected)}; "
            f"{hours(of.running)} so far on what runs; planned for what is left {hours(of.ahead)}",
        ]
    return "\n".join(lines)


def _job(job: Told) -> str:
    counted = f"{job.what} {job.done}/{job.total}" if job.total else "at work"
    left = f", {hours(job.left / 3600)} left" if job.left is not None else ""
    late = f", no sign for {job.silent:.0f} s" if job.silent > LATE else ""
    return f"  {job.label:<24} {counted}{left}; {job.by}{late}"
