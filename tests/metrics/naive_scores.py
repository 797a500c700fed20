"""Metrics as their papers define them, one pair of points at a time."""

import numpy as np


def naive_frechet(a, b):
    values, vectors = np.linalg.eigh(np.cov(a, rowvar=False))
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    product = np.linalg.eigvalsh(root @ np.cov(b, rowvar=False) @ root).clip(0)
    spread = np.cov(a, rowvar=False) + np.cov(b, rowvar=False)
    return np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(spread) - 2 * np.sqrt(product).sum()


def naive_kid(a, b, subsets, size, seed):
    rng, estimates = np.random.RandomState(seed), []
    for _ in range(subsets):
        x = a[rng.choice(len(a), size, replace=False)]
        y = b[rng.choice(len(b), size, replace=False)]
        own = [(u @ v / len(u) + 1) ** 3 for s in (x, y) for i, u in enumerate(s)
               for j, v in enumerate(s) if i != j]  # fmt: skip
        cross = [(u @ v / len(u) + 1) ** 3 for u in x for v in y]
        estimates.append(sum(own) / (size * (size - 1)) - 2 * np.mean(cross))
    return np.mean(estimates)


def naive_share_inside(points, manifold, k):
    def inside(point):
        return any(
            np.linalg.norm(point - centre)
            <= np.sort([np.linalg.norm(centre - other) for other in manifold])[k]
            for centre in manifold
        )

    return np.mean([inside(point) for point in points])
