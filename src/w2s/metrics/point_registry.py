"""Scores of points of a two-dimensional world: how each is headed, and what it is."""

from __future__ import annotations

from dataclasses import dataclass

from w2s.metrics.columns import Column


@dataclass(frozen=True)
class PointScore(Column):
    """One number for the points of a seed, by `w2s.plane.scores.Judge` under the same name.

    Where neither side is better, the truth's own value is what to reach: fewer points of a wrong
    class than the truth has, or less spread, is no gain.
    """

    definition: str  # what the number is, exactly
    scorer: str = "w2s.metrics.judge:build"  # it is measured on samples


POINT_SCORES: dict[str, PointScore] = {
    "wrong_class": PointScore(
        "Wrong class", None, 3, "share of points whose likeliest true class is another"
    ),
    "off_support": PointScore(
        "Off support", None, 3,
        "share of points whose log density in their own class is below the 0.5 % quantile of that "
        "of true points",
    ),
    "coverage": PointScore(
        "Coverage", "higher", 3,
        "share of true points with a point of their class no further away than their 5th true "
        "neighbour of that class (arXiv 2002.09797)",
    ),
    "energy": PointScore(
        "Energy ×10³", "lower", 1,
        "unbiased energy distance to the truth, mean over classes, which noise takes below 0",
    ),
    "mode_tv": PointScore(
        "Mode TV", "lower", 3,
        "total variation between the points' shares of the Gaussians of their class and the true "
        "shares, mean over classes",
    ),
    "spread": PointScore(
        "Spread", None, 3, "deviation from the mean of the own class, over the truth's"
    ),
    "norm": PointScore("Norm", None, 3, "mean distance from the origin, over the truth's"),
}  # fmt: skip
"""The scores by name, in the order of tables.  What to compare them with is a true sample."""
