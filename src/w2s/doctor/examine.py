"""All checks, in the order in which a person mends what they find."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from w2s.doctor.files import check_files
from w2s.doctor.finding import Finding, failed, passed, warned
from w2s.doctor.packages import check_packages
from w2s.doctor.profile import Profile
from w2s.doctor.slurm import check_cluster, partitions
from w2s.doctor.storage import check_storage
from w2s.doctor.submission import check_jobs
from w2s.errors import UserError
from w2s.params.parts import Study
from w2s.plan.plan import Plan
from w2s.plan.schedule import work_of
from w2s.plan.study import plan
from w2s.run.outlook import size
from w2s.store.folders import present

SLURM = Path("slurm")  # the profile for it
LOCAL = Profile("no profile")


def examine(load: Callable[[], Study], profile: Path | None = None) -> list[Finding]:
    """Everything that is found of this machine, this account and a study.

    load: reads the study.  profile: a profile's folder; without one it is that for Slurm where a
    Slurm controller answers, and none elsewhere.

    Raises:
        UserError: there is no such profile.
    """
    chosen, finding = _executor(profile)
    cluster = chosen.executor == "slurm"
    findings = [*check_packages(), finding]
    answers = partitions() is not None
    if cluster:
        findings += check_cluster(chosen)
    try:
        study = load()
        planned = plan(study)
    except UserError as error:
        lines = str(error).splitlines()
        findings += [failed("study", line, "correct the parameters") for line in lines]
        return [*findings, *check_storage(0, cluster)]
    absent = [node.key for node in planned.nodes.values() if not present(node.kind, node.key)]
    findings.append(_study(study, planned, absent))
    if not cluster:
        findings += _machine(study, planned)
    elif answers:
        findings += check_jobs(chosen, planned)
    findings += check_storage(work_of(planned, absent).bytes, cluster)
    return [*findings, *check_files(study, planned)]


def _executor(folder: Path | None) -> tuple[Profile, Finding]:
    """Where jobs would run."""
    if folder is not None:
        chosen = Profile.read(folder)
        where = chosen.executor or "this machine"
        return chosen, passed("executor", f"{where}, by {chosen.place}")
    if partitions() is not None:
        chosen = Profile.read(SLURM) if SLURM.exists() else Profile("no profile", "slurm")
        return chosen, passed("executor", f"slurm, whose controller answers; by {chosen.place}")
    if shutil.which("sbatch"):
        said = "this machine: Slurm's commands are here, but no controller answers"
        return LOCAL, warned("executor", said, "use a login node of the cluster, if jobs go there")
    return LOCAL, passed("executor", "this machine; there is no Slurm")


def _study(study: Study, planned: Plan, absent: list[str]) -> Finding:
    parts = ", ".join(part.name for part in study.parts)
    left = f"{len(absent)} of {len(planned.nodes)} nodes to run"
    return passed("study", f"scale {study.scale} ({parts}): {left}")


def _machine(study: Study, planned: Plan) -> Iterator[Finding]:
    """Whether this machine holds the study's largest job, and has the device that it wants."""
    resources = [planned.resources(key) for key in planned.nodes]
    most = max((one.mem_mb for one in resources), default=0) * 2**20
    has = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    said = f"{size(has)} here, the largest job asks for {size(most)}"
    if has < most:
        yield failed("memory", said, "use a larger machine, or smaller batches")
    else:
        yield passed("memory", said)
    yield _device(study, max((one.gpus for one in resources), default=0))


def _device(study: Study, gpus: int) -> Finding:
    """Whether what `execution.device` names is here."""
    import torch

    from w2s.device import pick

    wanted = study.execution.device
    try:
        picked = pick(wanted)
    except UserError as error:
        return failed("device", str(error), "set execution.device in params.yaml")
    count = torch.cuda.device_count()
    if gpus and picked.type == "cpu":
        return failed(
            "device",
            "the study asks for GPUs, and there is none",
            "run it on a machine that has one, or with --profile slurm on a cluster",
        )
    here = f"{count} CUDA devices" if count else f"{os.cpu_count()} CPU cores, no CUDA device"
    return passed("device", f"execution.device is {wanted}, which is {picked} ({here})")
