"""The rule by which weights are chosen."""

from w2s.metrics.registry import METRICS
from w2s.metrics.score_registry import SCORES
from w2s.report.choice import chosen, rule
from w2s.report.sweep import point

FD, WORDS = METRICS["fd"], SCORES["words"]


def cell(*values):
    seeds = list(range(len(values)))
    return {
        "value": sum(values) / len(values),
        "interval": [0.0, 1.0],
        "per_seed": [list(values)],
        "seeds": seeds,
        "training_seeds": [0],
        "real": False,
    }


def test_the_lowest_fd_wins_where_it_is_told_from_the_others():
    tried = [(1.5, cell(9.0, 9.1, 9.2)), (2.0, cell(5.0, 5.1, 5.2)), (3.0, cell(7.0, 7.1, 7.3))]
    assert chosen(tried, FD) == 1
    assert "with the lowest FD or" in rule(FD, "seeds")
    assert "paired by seed," in rule(FD, "seeds")


def test_where_more_is_better_the_highest_wins():
    tried = [(1.5, cell(0.5, 0.6, 0.52)), (2.0, cell(0.8, 0.9, 0.83)), (3.0, cell(0.7, 0.8, 0.74))]
    assert chosen(tried, WORDS) == 1
    assert "with the highest" in rule(WORDS, "prompts")
    assert "paired by prompt," in rule(WORDS, "prompts")


def test_of_equal_weights_that_cannot_be_told_apart_the_best_wins():
    tried = [(2.0, cell(0.8, 0.9, 0.7)), (2.0, cell(0.81, 0.89, 0.72)), (3.0, cell(0.9, 0.8, 0.7))]
    assert chosen(tried, WORDS) == 1


def test_of_weights_that_cannot_be_told_apart_the_lowest_wins():
    tried = [(3.0, cell(5.0, 5.1, 5.2)), (1.5, cell(5.3, 4.9, 5.4)), (1.2, cell(9.0, 9.1, 9.2))]
    assert chosen(tried, FD) == 1


def test_differences_are_paired_by_seed():
    noisy = [(1.5, cell(5.1, 7.1, 9.11)), (2.0, cell(5.0, 7.0, 9.0))]
    assert chosen(noisy, FD) == 1


def test_a_point_is_the_mean_and_half_the_interval():
    x, y = cell(0.5, 0.7), cell(4.0, 6.0)
    assert point(2.0, x, y) == (0.6, 0.5, 5.0, 0.5, 2.0)
