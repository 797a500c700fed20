"""What share of a study's CPU time is the starting of processes.

    python -m benchmarks.startup [results]

Reads the manifests of a finished study for the CPU seconds of its jobs and of their starts, and
times a cold start in this run: what each job would pay without the warm process they fork from.
"""

import json
import resource
import subprocess
import sys
from pathlib import Path

from w2s.plan.kinds import KINDS


def cold_start(imports: tuple[str, ...]) -> float:
    """CPU seconds of a fresh interpreter that imports these."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", f"import {', '.join(imports)}"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(results: Path) -> None:
    manifests = [json.loads(p.read_text()) for p in (results / "store").glob("*/*/manifest.json")]
    if not manifests:
        sys.exit(f"{results}/store holds no finished nodes; run a study first")
    work = sum(m["cpu_seconds"] for m in manifests)
    starts = sum(m["startup_cpu_seconds"] for m in manifests)
    log = results / "logs" / "warm.log"
    imports = json.loads(log.read_text().splitlines()[-1])["startup_cpu_seconds"]
    cold = {kind: cold_start(KINDS[kind].imports) for kind in {m["kind"] for m in manifests}}
    without = sum(cold[m["kind"]] for m in manifests)

    print(f"{len(manifests)} jobs, {work:.0f} CPU seconds of work")
    print(f"{'':<28} {'CPU s':>8} {'share':>7}")
    for name, seconds in (
        ("starts, forked", starts),
        ("  and the warm process", starts + imports),
        ("starts, each job cold", without),
    ):
        print(f"{name:<28} {seconds:>8.1f} {seconds / (seconds + work):>7.1%}")
    print(f"cold / forked: {without / (starts + imports):.1f}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "results"))
