"""Whether Slurm takes the jobs of a study."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from w2s.doctor.finding import Finding, failed, passed
from w2s.doctor.profile import Profile, rule_of
from w2s.doctor.slurm import Partition, ask, last_line, partitions
from w2s.plan.plan import Plan


@dataclass(frozen=True)
class Request:
    """What sbatch is asked for; one for all jobs that are alike but for their size."""

    options: tuple[str, ...]  # partition, account and the like
    gpus: str  # the option that asks for GPUs; empty for none


@dataclass
class Largest:
    """The most that jobs with the same request ask for."""

    threads: int = 1
    mem_mb: int = 0
    minutes: int = 0
    rule: str = ""  # of the longest one


def check_jobs(profile: Profile, planned: Plan) -> Iterator[Finding]:
    """Whether Slurm would take the study's largest jobs, by `sbatch --test-only`."""
    there = partitions() or {}
    for request, most in requests(profile, planned).items():
        yield from _limit(request, most, there)
        yield _accepted(request, most, profile)


def requests(profile: Profile, planned: Plan) -> dict[Request, Largest]:
    """The largest job of each sort that the study submits."""
    found: dict[Request, Largest] = {}
    for key, node in planned.nodes.items():
        needs, rule = planned.resources(key), rule_of(node)
        own = profile.own(rule)
        request = Request(_options(profile.resources(rule)), _gpus(own, needs.gpus))
        most = found.setdefault(request, Largest())
        minutes = _number(own.get("runtime"), needs.minutes)
        if minutes > most.minutes:
            most.minutes, most.rule = minutes, rule
        most.mem_mb = max(most.mem_mb, _number(own.get("mem_mb"), needs.mem_mb))
        most.threads = max(most.threads, needs.threads)
    return found


def _options(resources: dict) -> tuple[str, ...]:
    names = {"slurm_partition": "partition", "slurm_account": "account"}
    names |= {"constraint": "constraint", "qos": "qos"}
    return tuple(f"--{to}={resources[key]}" for key, to in names.items() if resources.get(key))


def _gpus(resources: dict, asked: int) -> str:
    if gres := resources.get("gres"):
        return f"--gres={gres}"
    count = _number(resources.get("gpu"), asked)
    model = resources.get("gpu_model")
    return f"--gpus={model}:{count}" if count and model else f"--gpus={count}" if count else ""


def _number(own, asked: int) -> int:
    """What the profile's set-resources put in the place of the plan's, if it is a number."""
    return own if isinstance(own, int) and not isinstance(own, bool) else asked


def _limit(request: Request, most: Largest, there: dict[str, Partition]) -> Iterator[Finding]:
    named = {option.partition("=")[2] for option in request.options if "--partition=" in option}
    for one in there.values():
        if (one.name in named if named else one.default) and most.minutes > one.minutes:
            yield failed(
                "time limit",
                f"{most.rule} asks for {most.minutes} minutes, {one.name} allows {one.minutes:.0f}",
                f"for training set `execution: {{minutes: {0.9 * one.minutes:.0f}}}` in "
                "params.yaml: it saves its state and goes on when tried again; for others set "
                "more shards",
            )


def _accepted(request: Request, most: Largest, profile: Profile) -> Finding:
    about = "gpu request" if request.gpus else "cpu request"
    done = _test(request.options, request.gpus, most)
    said = " ".join([*request.options, request.gpus]).strip()
    said += f" --mem={most.mem_mb} --time={most.minutes}"
    if done.returncode == 0:
        return passed(about, f"accepted: {said.strip()}")
    fix = f"ask for less, or for another partition, in {profile.place}"
    count = request.gpus.removeprefix("--gpus=").rpartition(":")[2]
    if (
        request.gpus.startswith("--gpus=")
        and not _test(request.options, f"--gres=gpu:{count}", most).returncode
    ):
        gres = f'{{gpu: 0, gres: "gpu:{count}"}}'
        fix = f"{gres} is accepted: set it for the rules under set-resources in {profile.place}"
    return failed(about, f"refused ({last_line(done)}): {said.strip()}", fix)


def _test(options: tuple[str, ...], gpus: str, most: Largest) -> subprocess.CompletedProcess:
    command = ["sbatch", "--test-only", *options, *([gpus] if gpus else [])]
    command += [f"--mem={most.mem_mb}", f"--time={most.minutes}"]
    return ask(*command, f"--cpus-per-task={most.threads}", "--wrap=true")
