"""Slurm's commands as scripts that answer what a test says, alone on the PATH."""

from pathlib import Path

CONFIG = """
AccountingStorageType   = {storage}
MinJobAge               = {age} sec
"""
SBATCH = """#!/bin/sh
[ "$1" = --version ] && echo "slurm-wlm 22.05.8" && exit 0
echo "$@" >> {calls}
for word in "$@"; do
  case "$word" in
    {refused}) echo "allocation failure: Requested node configuration is not available" >&2; exit 1
  esac
done
"""


class FakeSlurm:
    """A cluster of a default partition `cpu`, a partition `gpu` for a day, and `old` that is down.

    Change attributes, then `install`.
    """

    def __init__(self, folder: Path):
        self.folder, self.calls = folder / "bin", folder / "calls"
        self.folder.mkdir()
        self.partitions = ["cpu*|up|infinite", "gpu|up|1-00:00:00", "old|down|1:00:00"]
        self.storage, self.age = "accounting_storage/none", 300
        self.refused = ["nothing"]  # patterns of arguments that sbatch --test-only refuses
        self.commands = ["sbatch", "squeue", "scancel", "sinfo", "scontrol", "srun"]

    def install(self, monkeypatch) -> None:
        scripts = dict.fromkeys(self.commands, "#!/bin/sh\n")
        said = {
            "sinfo": "\n".join(self.partitions),
            "scontrol": CONFIG.format(storage=self.storage, age=self.age),
        }
        for name, text in said.items():
            scripts[name] = f"#!/bin/sh\nprintf '%s\\n' '{text}'\n"
        scripts["sbatch"] = SBATCH.format(calls=self.calls, refused="|".join(self.refused))
        for name in self.commands:
            self.script(name, scripts[name])
        monkeypatch.setenv("PATH", str(self.folder))

    def script(self, name: str, text: str) -> None:
        file = self.folder / name
        file.write_text(text)
        file.chmod(0o755)

    def asked(self) -> list[str]:
        """The arguments of every sbatch so far."""
        return self.calls.read_text().splitlines()
