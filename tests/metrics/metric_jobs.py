"""Building one node of the metrics' kinds in a folder of its own, and what the tests build."""

import hashlib
import json

from w2s.job import Execution, Job

SIZE, PER_CLASS, CLASSES = 16, 20, ["blue", "green", "red"]
BATCH = 8
TRAINED = {
    "kind": "trained", "width": 8, "steps": 30, "batch": 16, "lr": 4e-3, "seed": 0,
    "resolution": SIZE, "images": 1000, "heads": "class",
}  # fmt: skip
REFERENCE = {
    "kind": "images", "count": 40, "seed": 0, "resolution": SIZE, "batch": BATCH,
    "neighbourhood": 3,
}  # fmt: skip
SCORES = {
    "metrics": ["fd", "kid", "precision", "recall", "accuracy"],
    "kid_subset_size": 5, "kid_subsets": 3, "prc_neighbourhood": 3, "seed": 0,
}  # fmt: skip


def make_job(out, spec, local=None, **parents):
    out.mkdir(parents=True)
    listed = {role: p if isinstance(p, list) else [p] for role, p in parents.items()}
    return Job("kind", "key", spec, out, listed, local or {}, Execution(device="cpu"))


def run(builder, out, spec, local=None, **parents):
    facts = builder.build(make_job(out, spec, local, **parents))
    assert json.dumps(facts)  # goes into a manifest
    return out


def digests(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}
