"""Every column that a table can have, by its name."""

from w2s.metrics.columns import Column
from w2s.metrics.point_registry import POINT_SCORES
from w2s.metrics.registry import METRICS
from w2s.metrics.score_registry import SCORES

COLUMNS: dict[str, Column] = METRICS | SCORES | POINT_SCORES
