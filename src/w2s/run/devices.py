"""One job at a time on each GPU of a machine, whoever started the jobs.

Snakemake counts GPUs and hands out none.  So a job that computes on one takes the first that nobody
holds a lease of, waits if there is none, and shows itself that GPU alone by CUDA_VISIBLE_DEVICES,
which has to be set before CUDA starts in the process.  What that variable says already, by the user
or by Slurm, limits the choice.  Leases lie in the machine's own temporary folder and carry GPUs'
UUIDs, so studies in different folders share the GPUs too.  Without `nvidia-smi` there is no choice.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from w2s.errors import UserError
from w2s.job import Execution
from w2s.store.lease import Lease

VISIBLE = "CUDA_VISIBLE_DEVICES"
FOLDER = Path(tempfile.gettempdir()) / f"w2s-devices-{os.getuid()}"
QUERY = ("nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader")
SECONDS = 60  # for nvidia-smi, which is slow where no process keeps the driver awake
PAUSE = 1.0  # between two looks whether a GPU is free


@dataclass(frozen=True)
class Device:
    """A GPU that this process may use."""

    entry: str  # in CUDA_VISIBLE_DEVICES
    uuid: str


@contextmanager
def one_device(execution: Execution, wanted: bool) -> Iterator[Execution]:
    """Hold a GPU for the block, if `wanted` and if there is one that `execution.device` allows.

    Gives how to run there: where there was a choice, on the only GPU that the process sees.  A
    device that is asked for and absent is refused by who computes on it (w2s.device.pick).
    """
    seen = visible() if wanted else []
    allowed = [device for number, device in enumerate(seen) if _allows(execution.device, number)]
    if not allowed:
        yield execution
        return
    device, lease = _taken(allowed)
    try:
        if len(seen) > 1:  # stays so: CUDA does not look again once it has started
            os.environ[VISIBLE] = device.entry
            execution = replace(execution, device="cuda")
        yield execution
    finally:
        lease.release()


def visible() -> list[Device]:
    """The GPUs of this machine that CUDA_VISIBLE_DEVICES leaves to this process, in its order.

    Like CUDA it reads numbers, UUIDs and their beginnings, up to the first that says nothing.

    Raises:
        UserError: nvidia-smi does not answer.
    """
    here, said = _uuids(), os.environ.get(VISIBLE)
    if said is None:
        return [Device(uuid, uuid) for uuid in here]
    found = []
    for entry in said.split(","):
        uuid = _uuid(entry.strip(), here)
        if uuid is None:
            break
        found.append(Device(entry.strip(), uuid))
    return found


def _uuids() -> list[str]:
    """UUIDs of all GPUs, in the order of their numbers; none without a driver."""
    if shutil.which(QUERY[0]) is None:
        return []
    try:
        done = subprocess.run(QUERY, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise UserError(
            f"nvidia-smi does not answer within {SECONDS} s: a GPU of this machine is in trouble; "
            "restart the machine, or set execution.device to cpu"
        ) from None
    return re.findall(r"^GPU-\S+", done.stdout, re.M) if done.returncode == 0 else []


def _uuid(entry: str, here: list[str]) -> str | None:
    if entry.isdigit():
        return here[int(entry)] if int(entry) < len(here) else None
    if entry.startswith("MIG-"):  # a slice, whose name is its own
        return entry if here else None
    return next((uuid for uuid in here if entry and uuid.startswith(entry)), None)


def _allows(device: str, number: int) -> bool:
    return device in ("auto", "cuda", f"cuda:{number}")


def _taken(devices: list[Device]) -> tuple[Device, Lease]:
    """The first of some devices that is free, with its lease; waits until there is one."""
    leases = [(device, Lease(FOLDER / device.uuid.replace("/", "-"))) for device in devices]
    told = False
    while True:
        for device, lease in leases:
            if lease.take():
                return device, lease
        if not told:
            holders = ", ".join(str(lease.holder()) for _, lease in leases)
            print(f"every GPU is in use ({holders}): waiting", file=sys.stderr, flush=True)
            told = True
        time.sleep(PAUSE)
