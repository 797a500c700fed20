"""Labels as conditions: the numbers of samples, and what stands for nothing."""

import pytest
import torch

from w2s.conditions.labels import Labels
from w2s.conditions.sources import source_of

SAMPLES = [(seed, i) for seed in (3, 8) for i in range(9)]


def test_given_are_the_labels_and_null_is_the_class_after_the_last():
    condition = Labels(5).condition(torch.tensor([0, 4, 2]))
    assert condition.given[0].tolist() == [0, 4, 2]
    assert condition.null[0].tolist() == [5, 5, 5]


def test_a_network_without_labels_gets_the_null_class_for_both():
    condition = Labels(5, given=False).condition(torch.tensor([0, 4, 2]))
    assert condition.given[0].tolist() == condition.null[0].tolist() == [5, 5, 5]


@pytest.mark.parametrize("policy", ["balanced", "random"])
def test_a_sample_keeps_its_label_in_any_company(policy):
    source = Labels(4, policy)
    alone = [source.numbers([sample]).item() for sample in reversed(SAMPLES)]
    assert source.numbers(SAMPLES).tolist() == alone[::-1]
    assert source.numbers(SAMPLES).dtype == torch.int64


def test_a_segment_names_its_source():
    spec = {"classes": 7, "labels": "random", "conditional": False, "steps": []}
    spec |= {"seeds": [3, 8], "per_seed": 9}
    source = source_of(spec, {})
    assert source == Labels(7, "random", given=False, seeds=(3, 8), per_seed=9)
    assert len(source) == len(SAMPLES)
    assert source.samples(range(18)) == SAMPLES
    assert source.samples([10, 0]) == [(8, 1), (3, 0)]
