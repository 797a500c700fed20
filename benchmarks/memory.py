"""A training step with and without handing freed memory back, two processes taking turns.

Usage: python -m benchmarks.memory
"""

import json
import subprocess
import sys

WORK = """
import json, resource, sys
from benchmarks.objectives import Trainer, random_batch, torch
from w2s.run.memory import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
torch.set_num_threads(1)
torch.manual_seed(0)
trainer, batch = Trainer({"name": "mg"}), random_batch()
for _ in range(5):
    trainer.train(batch)
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(30):
    trainer.train(batch)
usage = resource.getrusage(resource.RUSAGE_SELF)
times = sorted(trainer.seconds[5:])
print(json.dumps([times[15], (usage.ru_minflt - faults) / 30, usage.ru_maxrss / 1024]))
"""
TURNS = 3


def measure(how: str) -> tuple[float, float, float]:
    """CPU seconds and page faults of a step, and the process's peak memory in MB."""
    command = [sys.executable, "-c", WORK, how]
    return tuple(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))


def main() -> None:
    found = {"default": [], "kept": []}
    for _ in range(TURNS):
        for how, results in found.items():
            results.append(measure(how))
    best = {how: min(results) for how, results in found.items()}
    for how, (seconds, faults, peak) in best.items():
        print(f"{how}: {1000 * seconds:.1f} ms a step, {faults:.0f} page faults, {peak:.0f} MB")
    print(f"ratio {best['default'][0] / best['kept'][0]:.2f}")


if __name__ == "__main__":
    main()
