"""A real Slurm on this machine: munged, slurmctld and slurmd, started and ended by their own ids.

Nothing outside one folder is written and no service is used: ports, sockets and the key are its
own.  The GPUs are empty files.  Debian's packages slurm-wlm and munge; needs root.
"""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
NODE = socket.gethostname().partition(".")[0]
GPUS = 2
KILL_WAIT = 5  # seconds between TERM and KILL
CONF = """\
ClusterName=test
SlurmctldHost={node}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
SlurmUser=root
AuthInfo=socket={home}/munge/socket
CryptoType=crypto/munge
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
GresTypes=gpu
MpiDefault=none
ReturnToService=2
KillWait={kill_wait}
MinJobAge=3600
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmdParameters=config_overrides
SlurmctldTimeout=30
SlurmdTimeout=300
{accounting}JobCompType=jobcomp/none
NodeName={node} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:{gpus} State=UNKNOWN
PartitionName=gpu Nodes={node} Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes={node} MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""


class Cluster:
    """One node, two partitions (`urgent` preempts `gpu`), two GPUs that are none."""

    programs = PROGRAMS

    def __init__(self):
        self.home = Path(tempfile.mkdtemp(prefix="w2s-slurm-"))
        self.home.chmod(0o755)  # munged runs as a user of its own
        self.daemons: list[subprocess.Popen] = []

    @property
    def environment(self) -> dict[str, str]:
        """What Slurm's commands need to find this cluster and no other."""
        path = f"{self.home / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return os.environ | {"SLURM_CONF": str(self.home / "slurm.conf"), "PATH": path}

    def start(self) -> None:
        """Start the daemons and wait until the node takes jobs."""
        absent = [name for name in self.programs if not shutil.which(name)]
        if absent or os.geteuid() != 0:
            raise RuntimeError(
                f"the cluster tests need the Debian packages that docs/cluster.md names, and root: "
                f"{getpass.getuser()} lacks {', '.join(absent) or 'root'}"
            )
        self._munge()
        for name in ("state", "spool", "bin"):
            (self.home / name).mkdir()
        self._configure()
        self.start_accounting()
        self._daemon("slurmctld", "-D", "-f", str(self.home / "slurm.conf"))
        self._daemon("slurmd", "-D", "-f", str(self.home / "slurm.conf"))
        self.wait("the node", lambda: self.node_state().startswith("IDLE"))

    def stop(self) -> None:
        """End what was started, the last first, and remove the folder."""
        if len(self.daemons) > 1:
            subprocess.run(["scancel", "--user", getpass.getuser()], env=self.environment)
            left = time.monotonic() + 4 * KILL_WAIT
            while time.monotonic() < left and self.command("squeue", "--noheader"):
                time.sleep(0.5)
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(self.home)

    def accounting(self) -> str:
        """What slurm.conf says of accounts: none are kept."""
        return "AccountingStorageType=accounting_storage/none\n"

    def start_accounting(self) -> None:
        """Start what keeps them, before the controller."""

    def command(self, *words: str) -> str:
        """What one of Slurm's commands says."""
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def node_state(self) -> str:
        """IDLE, MIXED, ALLOCATED, DOWN ..."""
        return self.command("sinfo", "--noheader", "--Node", "--format=%T", "-p", "gpu").upper()

    def jobs(self, *states: str) -> dict[str, str]:
        """Comment, which names rule and wildcards, of the jobs that are in one of these states."""
        wanted = ",".join(states or ("RUNNING",))
        lines = self.command("squeue", "--noheader", f"--states={wanted}", "--format=%i|%k")
        return dict(line.split("|", 1) for line in lines.splitlines())

    def kill_jobs(self) -> None:
        """SIGKILL for all jobs and what watches them, as when the machine is switched off."""
        watchers, workers = [], []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                environment = (entry / "environ").read_bytes()
                name = (entry / "comm").read_text().strip()
            except OSError:
                continue  # it has ended meanwhile
            if str(self.home).encode() in environment:
                if name == "slurmstepd":
                    watchers.append(int(entry.name))
                elif b"SLURM_JOB_ID=" in environment:
                    workers.append(int(entry.name))
        for pid in [*watchers, *workers]:  # or the watchers would tell of the others' end
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @staticmethod
    def wait(what: str, come, seconds: float = 600, every: float = 0.3):
        """The first true value of `come()`; fails if there is none in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := come():
                return found
            time.sleep(every)
        raise AssertionError(f"{what} did not come in {seconds} s")

    def _munge(self) -> None:
        folder = self.home / "munge"
        folder.mkdir()
        shutil.chown(folder, "munge", "munge")
        key = str(folder / "key")
        subprocess.run(["mungekey", "-c", "-f", "-k", key], user="munge", group="munge", check=True)
        places = {
            "socket": "socket",
            "key-file": "key",
            "pid-file": "pid",
            "log-file": "log",
            "seed-file": "seed",
        }
        paths = [f"--{name}={folder / file}" for name, file in places.items()]
        self._daemon("munged", "--foreground", *paths, user="munge", group="munge")
        self.wait("munged", (folder / "socket").exists)

    def _configure(self) -> None:
        ports = free_ports(2)
        text = CONF.format(
            node=NODE, home=self.home, controller=ports[0], daemon=ports[1], kill_wait=KILL_WAIT,
            cpus=os.cpu_count(), memory=32000, gpus=GPUS, accounting=self.accounting(),
        )  # fmt: skip
        (self.home / "slurm.conf").write_text(text)
        (self.home / "cgroup.conf").write_text("CgroupAutomount=no\n")
        devices = [self.home / f"gpu{i}" for i in range(GPUS)]
        for device in devices:
            device.touch()
        # Snakemake's plugin takes SLURM_CONF away from srun, since real clusters keep it in /etc.
        srun = self.home / "bin" / "srun"
        conf, real = self.home / "slurm.conf", shutil.which("srun")
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={conf} exec {real} "$@"\n')
        srun.chmod(0o755)
        lines = [f"NodeName={NODE} Name=gpu File={device}\n" for device in devices]
        (self.home / "gres.conf").write_text("".join(lines))

    def _daemon(self, *command: str, **options) -> None:
        with (self.home / f"{command[0]}.log").open("w") as log:
            self.daemons.append(
                subprocess.Popen(
                    command,
                    stdout=log,
                    stderr=log,
                    stdin=subprocess.DEVNULL,
                    env=self.environment,
                    start_new_session=True,
                    **options,
                )
            )


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses just now."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports
