"""Seconds of planning, and of a Snakemake call that finds nothing to do, against node count.

Usage: python -m benchmarks.plan
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from w2s.params.load import load_study
from w2s.plan.study import plan
from w2s.run.frozen import freeze
from w2s.store.folders import manifest_path
from w2s.store.keys import KEYS

HOME = Path(__file__).resolve().parents[1]
ROWS = (0, 150, 2364)
SHARDS = 3
REPEATS = 3


def write_study(folder: Path, rows: int) -> Path:
    """The miniature study in a folder of its own, with a table of so many more rows."""
    (folder / "scales").mkdir(parents=True, exist_ok=True)
    study = yaml.safe_load((HOME / "scales/mini/pictures.yaml").read_text())
    for i in range(rows):
        study["guidance"][f"g{i}"] = [
            {"window": [0.5, 1], "method": "cfg", "weight": 1 + (i // 20) / 100},
            {"window": [0, 0.5], "method": "internal", "weight": 1.1 + (i % 20) / 10},
        ]
    if rows:
        study["sampling"]["shards"] = SHARDS
        study["tables"]["many"] = {
            "title": "Many rows",
            "columns": ["fd"],
            "baseline": "g0",
            "rows": {f"g{i}": {"model": "base", "guidance": f"g{i}"} for i in range(rows)},
        }
    (folder / "scales/mini/pictures.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    (folder / "params.yaml").write_text("scale: mini\n")
    return folder / "params.yaml"


def fake_results(planned) -> None:
    """Empty files in place of all manifests and published files, newer than their key files."""
    for node in planned.nodes.values():
        path = manifest_path(node.kind, node.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for group in planned.groups.values():
        key = KEYS / f"{group.name}.key"
        key.parent.mkdir(parents=True, exist_ok=True)
        key.write_text(group.key)
        os.utime(key, (0, 0))
        for path in map(Path, group.paths):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"w2s-key: {group.key}\n")


def fastest(work) -> float:
    """Seconds of the fastest of some calls."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def snakemake() -> None:
    """`snakemake` with nothing to do, as a user calls it."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(HOME / "Snakefile")]
    command += ["--directory", ".", "--cores", "1", "--rerun-triggers", "mtime"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    if "Nothing to be done" not in done.stdout + done.stderr:
        raise RuntimeError(f"there was something to do:\n{done.stderr[-2000:]}")


def measure(rows: int) -> tuple[int, float]:
    """Print the times of one study; returns its nodes and the milliseconds of planning each."""
    study = load_study(write_study(Path("."), rows))
    planned = plan(study)
    nodes = len(planned.nodes)
    reading = fastest(lambda: load_study(Path("params.yaml")))
    planning = fastest(lambda: plan(study))
    freezing = fastest(lambda: freeze(planned, {}))
    fake_results(planned)
    no_op = fastest(snakemake)
    print(
        f"{nodes} nodes: read {reading:.2f} s, plan {planning:.2f} s, freeze {freezing:.2f} s, "
        f"snakemake with nothing to do {no_op:.1f} s",
        flush=True,
    )
    return nodes, 1e3 * planning / nodes


def main() -> None:
    found = []
    for rows in ROWS:
        with tempfile.TemporaryDirectory() as scratch:
            os.chdir(scratch)
            found.append(measure(rows))
            os.chdir(HOME)
    for nodes, each in found:
        print(f"{nodes} nodes: {each:.3f} ms a node, ratio {each / found[0][1]:.2f}")


if __name__ == "__main__":
    main()
