"""Slurm: its commands, its partitions, and how it keeps accounts, whatever the study."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from w2s.doctor.finding import Finding, failed, passed, warned
from w2s.doctor.profile import Profile
from w2s.strict import did_you_mean

COMMANDS = ("sbatch", "squeue", "scancel", "sinfo", "scontrol", "srun")
PLUGIN = "snakemake-executor-plugin-slurm"
SECONDS = 30  # to wait for an answer
POLL = 180  # seconds: the pause between two looks at squeue grows to that
UNLIMITED = ("infinite", "n/a", "UNLIMITED")


def partitions() -> dict[str, Partition] | None:
    """What the cluster's controller lists, by name; None where no controller answers."""
    if not all(map(shutil.which, ("sinfo", "sbatch"))):
        return None
    listed = ask("sinfo", "--noheader", "--format=%P|%a|%l")
    return partitions_in(listed.stdout) if listed.returncode == 0 else None


def ask(*command: str) -> subprocess.CompletedProcess:
    """The outcome of a command; one that does not answer has failed."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        said = f"{command[0]} does not answer within {SECONDS} s"
        return subprocess.CompletedProcess(command, 1, "", said)


def check_cluster(profile: Profile) -> Iterator[Finding]:
    """Commands, plugin, partitions and accounting."""
    absent = [name for name in COMMANDS if shutil.which(name) is None]
    if absent:
        said = f"no {', '.join(absent)} on the PATH"
        yield failed("slurm", said, "log in to a machine of the cluster, or load its module")
        return
    there = partitions()
    if there is None:
        said = last_line(ask("sinfo"))
        yield failed("slurm", f"no controller answers ({said})", "ask the cluster's administrator")
        return
    yield passed("slurm", ask("sbatch", "--version").stdout.strip())
    yield _plugin()
    yield from _partitions(profile, there)
    yield from _accounting(profile)


def _plugin() -> Finding:
    try:
        return passed("plugin", f"{PLUGIN} {metadata.version(PLUGIN)}")
    except metadata.PackageNotFoundError:
        return failed("plugin", f"{PLUGIN} is absent", "run `sh requirements/install.sh`")


@dataclass(frozen=True)
class Partition:
    """A partition as sinfo lists it."""

    name: str
    default: bool
    up: bool
    minutes: float  # the longest job; inf where there is no limit


def partitions_in(listed: str) -> dict[str, Partition]:
    """Partitions by name, from lines 'name|up|limit', the default's name with a star."""
    found = {}
    for line in listed.split():
        name, state, limit = line.split("|")
        plain = name.rstrip("*")
        found[plain] = Partition(plain, name != plain, state == "up", minutes_of(limit))
    return found


def minutes_of(limit: str) -> float:
    """Minutes of a time limit as Slurm writes it: 30:00, 12:00:00, 7-00:00:00 or infinite."""
    if limit in UNLIMITED:
        return float("inf")
    days, _, clock = limit.rpartition("-")
    *larger, _ = map(int, clock.split(":"))
    hours, minutes = [0, *larger][-2:]
    return 24 * 60 * int(days or 0) + 60 * hours + minutes


def _partitions(profile: Profile, there: dict[str, Partition]) -> Iterator[Finding]:
    for name in sorted(profile.partitions()):
        where = f"slurm_partition in {profile.place}"
        if name not in there:
            yield failed(
                "partition", f"there is no {name}", f"{where}: {did_you_mean(name, there)}"
            )
        elif not there[name].up:
            yield failed("partition", f"{name} is not up", f"wait, or choose another: {where}")
        else:
            yield passed("partition", f"{name} is up")
    if not profile.resources("").get("slurm_partition"):
        default = next((p for p in there.values() if p.default), None)
        if default is None:
            fix = f"set slurm_partition in {profile.place}: {', '.join(there)}"
            yield failed("partition", "the cluster has no default partition", fix)
        else:
            yield passed("partition", f"{default.name}, the cluster's default")


def _accounting(profile: Profile) -> Iterator[Finding]:
    """Whether slurmdbd runs, and whether the profile's settings are those that follow."""
    config = dict(re.findall(r"^(\w+)\s*=\s*(.*)$", ask("scontrol", "show", "config").stdout, re.M))
    kept = "slurmdbd" in config.get("AccountingStorageType", "")
    by = profile.keys.get("slurm-status-command")
    if kept and by == "squeue":
        yield passed("accounting", "slurmdbd keeps accounts; states are asked by squeue")
        return
    if kept:
        yield warned(
            "accounting",
            "slurmdbd keeps accounts, and states are asked by sacct: Snakemake's Slurm plugin "
            "2.8.0 then waits for ever for a job that somebody cancels",
            f"set `slurm-status-command: squeue` in {profile.place}, or cancel no job by hand",
        )
        return
    if by != "squeue":
        yield failed(
            "accounting",
            f"no slurmdbd, and states are asked by {by or 'sacct where there is one'}: Snakemake "
            "would forget its jobs and wait for ever",
            f"set `slurm-status-command: squeue` in {profile.place}",
        )
    else:
        yield passed("accounting", "no slurmdbd; states are asked by squeue")
    if not profile.keys.get("slurm-no-account") and not profile.resources("").get("slurm_account"):
        said = "no slurmdbd, and the plugin would look for an account with every job"
        yield warned("account", said, f"set `slurm-no-account: true` in {profile.place}")
    age = re.match(r"\d+", config.get("MinJobAge", ""))
    if age and int(age[0]) < POLL:
        yield warned(
            "accounting",
            f"the controller forgets ended jobs after {age[0]} s; one that squeue never showed as "
            "ended is waited for for ever",
            f"have MinJobAge in slurm.conf set to {POLL + 120}, or run slurmdbd",
        )


def last_line(done: subprocess.CompletedProcess) -> str:
    """What a command said last, which is what was wrong."""
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[-1] if lines else f"status {done.returncode}"
