"""The search on made-up response surfaces whose best point is known."""

import math

import pytest

from w2s.tuning.search import DIGITS, Choice, Number, best, edges, proposals

WEIGHT = Number(1.5, 1.25, 1.0, 20.0, factor=True)
SWITCH = Number(0.5, 0.15, 0.05, 0.95)


def searched(free, surface, evaluations, tried=None):
    """All that is tried, by round, with a fresh start of the search in each."""
    tried, rounds = dict(tried or {}), []
    while points := proposals(free, tried, evaluations):
        tried |= {point: surface(*point) for point in points}
        rounds.append(points)
    return tried, rounds


def bowl(*optimum):
    """Squared distances, in logarithms for numbers above 1."""
    place = [math.log(value) if value > 1 else value for value in optimum]

    def surface(*point):
        at = [
            math.log(value) if best > 1 else value
            for value, best in zip(point, optimum, strict=True)
        ]
        return sum((a - b) ** 2 for a, b in zip(at, place, strict=True))

    return surface


@pytest.mark.parametrize("optimum", [1.0, 1.2, 2.0, 3.0, 6.0])
def test_one_number_is_found_within_its_budget(optimum):
    tried, _ = searched([WEIGHT], bowl(optimum), 12)
    assert abs(math.log(best(tried)[0] / optimum)) <= math.log(1.25) / 4
    assert len(tried) == 12


@pytest.mark.parametrize("optimum", [(1.25, 3.0, 0.85), (2.5, 1.1, 0.3), (4.0, 4.0, 0.5)])
def test_three_numbers_are_found_within_their_budget(optimum):
    free = [WEIGHT, WEIGHT, SWITCH]
    tried, _ = searched(free, bowl(*optimum), 30)
    upper, lower, switch = best(tried)
    for found, wanted in ((upper, optimum[0]), (lower, optimum[1])):
        assert abs(math.log(found / wanted)) <= math.log(1.25) / 2
    assert abs(switch - optimum[2]) <= 0.15 / 2
    assert len(tried) == 30


def test_numbers_that_want_each_other_are_found_by_going_round():
    def valley(x, y):
        return (x - y) ** 2 * 4 + (x + y - 1.6) ** 2

    tried, _ = searched([SWITCH, SWITCH], valley, 40)
    assert best(tried) == pytest.approx((0.8, 0.8), abs=0.05)


def test_a_range_whose_best_is_at_its_edge_is_extended_until_the_best_lies_inside():
    tried, rounds = searched([WEIGHT], bowl(6.0), 14)
    assert max(rounds[0]) < (2,) < (6,) < max(tried)
    assert edges([WEIGHT], tried) == []


def test_a_best_value_with_nothing_tried_beyond_it_is_named():
    tried, _ = searched([WEIGHT, SWITCH], bowl(20.0, 0.5), 5)  # too few to reach either
    assert edges([WEIGHT, SWITCH], tried) == [0, 1]
    tried, _ = searched([WEIGHT], bowl(1.0), 12)  # the limit, which nothing can extend
    assert best(tried) == (1.0,)
    assert edges([WEIGHT], tried) == [0]


def test_nothing_beyond_the_limits_is_tried():
    tried, _ = searched([WEIGHT, SWITCH], bowl(100.0, 0.001), 60)
    assert {1.0 <= w <= 20.0 and 0.05 <= s <= 0.95 for w, s in tried} == {True}
    assert best(tried) == (20.0, 0.05)


def test_every_alternative_of_a_choice_is_tried_and_the_best_kept():
    def surface(net, weight):
        return bowl(3.0)(weight) + {"early": 1.0, "small": 0.0, "head": 2.0}[net]

    tried, rounds = searched([Choice(("early", "small", "head")), WEIGHT], surface, 14)
    assert {net for net, _ in rounds[0]} == {"early", "small", "head"}
    assert best(tried)[0] == "small"
    assert abs(math.log(best(tried)[1] / 3)) <= math.log(1.25) / 2


@pytest.mark.parametrize("evaluations", [3, 10, 16, 61])
def test_every_search_tries_exactly_as_many_points_whatever_it_finds(evaluations):
    every = {
        "flat": ([WEIGHT], lambda w: 0.0),
        "at the limit": ([WEIGHT], bowl(1.0)),
        "four": (
            [WEIGHT, WEIGHT, SWITCH, Choice((True, False))],
            lambda *p: bowl(3, 2, 0.7)(*p[:3]),
        ),
        "steep": ([SWITCH], lambda s: -s),
    }
    for free, surface in every.values():
        tried, rounds = searched(free, surface, evaluations)
        assert len(tried) == evaluations == sum(map(len, rounds))


def test_what_is_left_of_the_budget_leaves_a_valley_that_is_not_the_deepest():
    def two_valleys(weight):
        near, deep = bowl(1.5)(weight), bowl(12.0)(weight) - 1
        return min(near, deep)

    tried, _ = searched([WEIGHT], two_valleys, 24)
    assert best(tried)[0] == pytest.approx(12.0, rel=0.06)


def test_a_search_that_was_cut_off_anywhere_tries_the_same():
    free, surface = [WEIGHT, WEIGHT, SWITCH], bowl(1.25, 3.0, 0.85)
    whole, rounds = searched(free, surface, 20)
    for done in range(len(rounds)):
        kept = {point: whole[point] for points in rounds[:done] for point in points}
        again, rest = searched(free, surface, 20, kept)
        assert (again, rest) == (whole, rounds[done:])


def test_a_budget_that_ends_in_the_middle_of_a_round_is_kept():
    assert len(proposals([WEIGHT], {}, 2)) == 2
    assert proposals([WEIGHT], {(1.5,): 1.0, (1.875,): 2.0}, 2) == []


def test_values_have_few_digits_and_the_order_of_equal_ones_decides():
    tried, _ = searched([WEIGHT], bowl(3.3333), 15)
    assert all(float(f"{weight:.{DIGITS}g}") == weight for (weight,) in tried)
    assert best({(2.0,): 1.0, (1.0,): 1.0}) == (2.0,)


def test_a_range_with_hardly_a_value_in_it_ends_the_search():
    tried, _ = searched([Number(1.0, 0.1, 1.0, 1.001)], bowl(1.0), 10)
    assert set(tried) == {(1.0,), (1.001,)}
