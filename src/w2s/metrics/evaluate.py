"""Kind `metrics`: the scores of a decoded sample set, seed by seed, against a reference."""

from __future__ import annotations

import json
import time

import numpy as np

from w2s.job import Job
from w2s.metrics.heads import read_heads
from w2s.metrics.real import Real
from w2s.metrics.registry import METRICS
from w2s.metrics.settings import MetricSettings


def build(job: Job) -> dict:
    """Compute the metrics that the spec names.

    spec: metrics, and of a MetricSettings what these read.  Parents: decoded, reference.

    Writes metrics.json: `per_seed`, each metric's values in the order of `seeds`; `n`, samples per
    seed; `reference_images`, how many real images they were compared with; `extractor`, the feature
    network's kind; `settings`, the spec.  Raises UserError where there are too few images.
    """
    settings = MetricSettings(**job.spec)
    decoded = job.parent("decoded")
    network = json.loads((decoded / "network.json").read_text(encoding="utf-8"))
    real = Real.of(job.parent("reference"), read_heads(network))
    of = np.load(decoded / "seeds.npy")
    seeds, counts = np.unique(of, return_counts=True)
    settings.check_count(int(counts.min()), "the samples of a seed")
    settings.check_count(len(real.features), "the reference's images")

    start = time.perf_counter()
    scorers = {metric: METRICS[metric].load() for metric in settings.metrics}
    needed = sorted({name for metric in scorers for name in METRICS[metric].needs})
    samples = {name: np.load(decoded / f"{name}.npy", mmap_mode="r") for name in needed}
    per_seed: dict[str, list[float]] = {metric: [] for metric in scorers}
    for seed in job.progress(seeds, len(seeds), "scoring seed"):
        own = {name: values[of == seed] for name, values in samples.items()}
        for metric, scorer in scorers.items():
            per_seed[metric].append(scorer(own, real, settings))
    result = {
        "n": int(counts[0]),
        "seeds": seeds.tolist(),
        "per_seed": per_seed,
        "extractor": network["kind"],
        "reference_images": len(real.features),
        "settings": job.spec,
    }
    text = json.dumps(result, indent=1)
    (job.out / "metrics.json").write_text(text + "\n", encoding="utf-8")
    job.log(json.dumps(per_seed))
    return {"seconds_metrics": time.perf_counter() - start}
