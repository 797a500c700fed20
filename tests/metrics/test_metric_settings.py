"""Impossible metrics are refused in one sentence before anything is computed."""

import subprocess
import sys

import pytest

from w2s.errors import UserError
from w2s.metrics.settings import MetricSettings


@pytest.mark.parametrize(
    ("settings", "n", "raise_or_lower"),
    [
        ({"metrics": ["kid"], "kid_subset_size": 50}, 50, "metrics.kid_subset_size"),
        ({"metrics": ["recall"], "prc_neighbourhood": 5}, 5, "metrics.prc_neighbourhood"),
        ({"metrics": ["isc"], "isc_splits": 10}, 9, "metrics.isc_splits"),
        ({"metrics": ["fd"]}, 1, "raise their number"),
    ],
)
def test_the_least_count_is_exact_and_the_message_names_the_key(settings, n, raise_or_lower):
    checked = MetricSettings(**settings)
    checked.check_count(n + 1, "the samples of a seed")
    with pytest.raises(UserError, match=f"the samples of a seed are {n}, .*{raise_or_lower}"):
        checked.check_count(n, "the samples of a seed")


def test_a_size_that_no_metric_needs_is_not_asked_for():
    MetricSettings(metrics=["fd", "accuracy"], kid_subset_size=1000).check_count(2, "images")


def test_settings_and_intervals_import_no_torch():
    code = (
        "import sys, w2s.metrics.registry, w2s.metrics.settings, w2s.metrics.intervals, w2s.device;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
