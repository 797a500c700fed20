"""Metrics of images that were decoded without features are those of images with features."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from metric_jobs import BATCH, REFERENCE, SCORES, run

from w2s.metrics import decode, evaluate, reference

UNLABELLED = SCORES | {"metrics": ["fd", "kid", "precision", "recall"]}


@pytest.fixture(scope="module", params=["trained", "inception-v3-compat"])
def both(request, world, samples, inception, tmp_path_factory):
    """A decoded set with what a network says of it, the same without, network and reference."""
    root = tmp_path_factory.mktemp("both")
    if request.param == "trained":
        features, real = world.features, world.reference
    else:
        _, features = inception
        local, parents = world.local, {"index": world.index, "features": features}
        real = run(reference, root / "reference", REFERENCE, local, **parents)
    parents = samples.parents | {"features": features}
    whole = run(decode, root / "whole", {"batch": BATCH}, **parents)
    (root / "alone").mkdir()
    for name in ("images.npy", "seeds.npy", "labels.npy"):
        shutil.copyfile(whole / name, root / "alone" / name)
    return SimpleNamespace(
        root=root, whole=whole, alone=root / "alone", features=features, reference=real
    )


def measured(both, name, spec, **parents) -> dict:
    out = run(evaluate, both.root / name, spec, reference=both.reference, **parents)
    return json.loads((out / "metrics.json").read_text())


def test_the_same_numbers_come_out(both):
    spec = UNLABELLED | ({} if both.features.name == "features" else {"isc_splits": 2})
    spec = spec | {"metrics": [*spec["metrics"], *(["sfd", "isc"] if "isc_splits" in spec else [])]}
    expected = measured(both, "expected", spec, decoded=both.whole)
    spec = spec | {"batch": BATCH}
    found = measured(both, "found", spec, decoded=both.alone, features=both.features)
    assert found["per_seed"] == expected["per_seed"]
    assert found["settings"] == spec
    for name in ("n", "seeds", "extractor", "reference_images"):
        assert found[name] == expected[name]


def test_batches_change_no_more_than_rounding(both):
    parents = {"decoded": both.alone, "features": both.features}
    spec = UNLABELLED | {"metrics": ["fd"]}
    one, all_ = (measured(both, f"b{n}", spec | {"batch": n}, **parents) for n in (1, 100))
    for mine, theirs in zip(one["per_seed"]["fd"], all_["per_seed"]["fd"], strict=True):
        assert mine == pytest.approx(theirs, rel=1e-3)


def test_other_images_are_farther(both):
    """Half of the images made black: another distribution."""
    images = np.load(both.alone / "images.npy")
    images[::2] = 0
    shutil.copytree(both.alone, both.root / "dark")
    np.save(both.root / "dark/images.npy", images)
    spec = UNLABELLED | {"metrics": ["fd"], "batch": BATCH}
    found = [
        measured(both, f"of-{name}", spec, decoded=both.root / name, features=both.features)
        for name in ("alone", "dark")
    ]
    assert found[0]["per_seed"]["fd"] != found[1]["per_seed"]["fd"]
