"""Random batches of latents: memory-mapped shards against one file per sample.

Usage: python -m benchmarks.latents
"""

import json
import tempfile
import time
from pathlib import Path

import numpy as np

from w2s.data.latents import Latents

SAMPLES, BATCH, BATCHES, REPEATS = 4096, 256, 8, 3
SHAPE = (4, 12, 12)


def write_shard(out: Path, mean: np.ndarray, std: np.ndarray) -> None:
    """A `latents` node of random values."""
    out.mkdir()
    facts = {"classes": 1, "channels": SHAPE[0], "size": SHAPE[1], "shift": 0.0, "scale": 1.0}
    (out / "latents.json").write_text(json.dumps(facts))
    for name, array in {"mean": mean, "std": std}.items():
        np.save(out / f"{name}.npy", array)
    np.save(out / "rows.npy", np.arange(SAMPLES))
    np.save(out / "labels.npy", np.zeros(SAMPLES, np.int64))


def write_files(out: Path, mean: np.ndarray, std: np.ndarray) -> None:
    """Mean and standard deviation of each sample in a file of its own."""
    out.mkdir()
    for number, pair in enumerate(zip(mean, std, strict=True)):
        np.save(out / f"{number:06d}.npy", np.stack(pair))


def batch_from_files(folder: Path, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same draw as `Latents.batch`, one opened file per row."""
    mean, std = np.stack([np.load(folder / f"{row:06d}.npy") for row in rows], axis=1)
    return mean + std * rng.standard_normal(mean.shape, np.float32)


def seconds(draw) -> float:
    """Fastest of some repetitions of the same batches."""
    times = []
    for _ in range(REPEATS):
        rng = np.random.default_rng(0)
        start = time.perf_counter()
        for _ in range(BATCHES):
            draw(rng.integers(SAMPLES, size=BATCH), rng)
        times.append((time.perf_counter() - start) / BATCHES)
    return min(times)


def main() -> None:
    rng = np.random.default_rng(0)
    mean, std = rng.standard_normal((2, SAMPLES, *SHAPE), np.float32)
    with tempfile.TemporaryDirectory() as scratch:
        shard, files = Path(scratch, "shard"), Path(scratch, "files")
        write_shard(shard, mean, np.abs(std))
        write_files(files, mean, np.abs(std))
        mapped = seconds(Latents([shard]).batch)
        single = seconds(lambda rows, rng: batch_from_files(files, rows, rng))
    print(f"batch of {BATCH}: memory-mapped {1e3 * mapped:.2f} ms, one file per sample", end=" ")
    print(f"{1e3 * single:.2f} ms, ratio {single / mapped:.1f}")


if __name__ == "__main__":
    main()
