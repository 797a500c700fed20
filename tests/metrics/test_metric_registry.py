"""The registry holds what each metric needs, and every entry can be computed."""

import inspect
from typing import get_args

import pytest

from w2s.metrics.extractors import LAYERS
from w2s.metrics.registry import METRICS, SCORED
from w2s.metrics.settings import ColumnName, MetricName, MetricSettings


def test_parameters_know_exactly_the_registered_names():
    assert get_args(MetricName) == SCORED
    assert set(get_args(ColumnName)) - set(get_args(MetricName)) == {"forwards"}


@pytest.mark.parametrize("name", SCORED)
def test_a_metric_has_a_scorer_a_source_and_a_network_that_gives_what_it_needs(name):
    metric = METRICS[name]
    assert list(inspect.signature(metric.load()).parameters) == ["samples", "real", "settings"]
    assert metric.networks
    for network in metric.networks:
        assert set(metric.needs) <= {*LAYERS[network], "labels"}
    assert set(metric.settings) <= set(MetricSettings.model_fields)
    assert metric.source


@pytest.mark.parametrize("name", SCORED)
def test_a_metrics_settings_are_those_that_it_reads(name):
    read = MetricSettings(metrics=(name,)).read()
    assert read == {"metrics": [name]} | {
        key: MetricSettings.model_fields[key].default for key in METRICS[name].settings
    }


def test_settings_read_by_no_metric_are_left_out():
    read = MetricSettings(metrics=("fd", "kid"), isc_splits=3, batch=7).read()
    assert set(read) == {"metrics", "kid_subset_size", "kid_subsets", "seed"}
    assert MetricSettings(**read).read() == read
