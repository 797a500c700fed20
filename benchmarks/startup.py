"""What share of a study's CPU time is the starting of processes.

    python -m benchmarks.startup [results]

Reads the manifests of a finished study for the CPU seconds of its jobs and of their starts, and
times a cold start of each kind of job in this run: what it would pay without the warm process that
it forks from.  Scores differ in their imports, and are kinds of their own here.
"""

import json
import resource
import subprocess
import sys
from collections import Counter
from pathlib import Path

from w2s.plan.nodes import Node
from w2s.run.warm import PUBLISHING, imports_of


def cold_start(imports: tuple[str, ...]) -> float:
    """CPU seconds of a fresh interpreter that imports these."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", f"import {', '.join(imports)}"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def imports(manifest: dict) -> tuple[str, ...]:
    """What a job imports before its work."""
    named = imports_of([Node(manifest["kind"], manifest["spec"])])
    return tuple(name for name in named if name not in PUBLISHING)


def name_of(manifest: dict) -> str:
    """A job's kind, and which score it computes."""
    return f"{manifest['kind']} {manifest['spec'].get('score', '')}".strip()


def main(results: Path) -> None:
    manifests = [json.loads(p.read_text()) for p in (results / "store").glob("*/*/manifest.json")]
    if not manifests:
        sys.exit(f"{results}/store holds no finished nodes; run a study first")
    work = sum(m["cpu_seconds"] for m in manifests)
    starts = sum(m["startup_cpu_seconds"] for m in manifests)
    log = results / "logs" / "warm.log"
    server = json.loads(log.read_text().splitlines()[-1])
    warm = server["startup_cpu_seconds"]
    jobs = Counter(map(name_of, manifests))
    needs = {name_of(m): imports(m) for m in manifests}
    seconds = {names: cold_start(names) for names in set(needs.values())}
    cold = {job: seconds[names] for job, names in needs.items()}
    without = sum(cold[job] * count for job, count in jobs.items())

    print(f"{'cold start of':<28} {'jobs':>8} {'CPU s':>7}")
    for job, count in sorted(jobs.items()):
        print(f"{job:<28} {count:>8} {cold[job]:>7.1f}")
    print(f"the warm process takes {server['peak_mb']} MB\n")
    print(f"{len(manifests)} jobs, {work:.0f} CPU seconds of work")
    print(f"{'':<28} {'CPU s':>8} {'share':>7}")
    for name, seconds in (
        ("starts, forked", starts),
        ("  and the warm process", starts + warm),
        ("starts, each job cold", without),
    ):
        print(f"{name:<28} {seconds:>8.1f} {seconds / (seconds + work):>7.1%}")
    print(f"cold / forked: {without / (starts + warm):.1f}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "results"))
