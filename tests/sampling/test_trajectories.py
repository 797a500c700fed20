from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2s.guidance.blend import Blend
from w2s.guidance.methods.cfg import CFG
from w2s.guidance.methods.skip_layer import SkipLayer
from w2s.models.backbone import Shape
from w2s.sampling.grid import time_grid
from w2s.sampling.trajectories import Segment, cost, decode, encode, segment_forwards, segments

STEPS = 28
TIMES = time_grid(STEPS, shift=3.0)
SHAPES = {"main": Shape(24)}
SWITCHES = (4, 8, 12, 14, 16, 20, 24)
LETTERS = {letter: CFG(weight=2.0 + k) for k, letter in enumerate("abc")} | {"-": None}
WORDS = st.lists(st.text("abc-", min_size=6, max_size=6), min_size=1, max_size=6)


def sgg(switch):
    cfg, skip = CFG(weight=4.5), SkipLayer(weight=4.0, blocks=(7, 8, 9))
    return (cfg,) * switch + (skip,) * (STEPS - switch)


def word(letters):
    return tuple(LETTERS[letter] for letter in letters)


def test_sgg_costs_what_the_blocks_say():
    # 14 steps of 2 forwards, then 14 of 1 + 14/24 with forking and of 1 + 21/24 without.
    made = cost([sgg(14)], SHAPES, TIMES)
    assert made.shared == made.forked == pytest.approx(14 * 2 + 14 * 38 / 24)
    assert round(made.forked, 2) == 50.17
    assert made.separate == pytest.approx(54.25)


def test_a_sweep_over_the_switch_point_shares_its_prefixes():
    # The sweep holds 98 steps of CFG and 98 of skip-layer guidance.  Shared, the CFG steps are
    # the 24 of the latest switch; each run keeps its own skip-layer steps.
    made = cost([sgg(k) for k in SWITCHES], SHAPES, TIMES)
    assert sum(SWITCHES) == 98
    assert made.forked == pytest.approx(98 * 2 + 98 * 38 / 24)
    assert made.shared == pytest.approx(24 * 2 + 98 * 38 / 24)
    assert (round(made.shared, 1), round(made.forked, 1)) == (203.2, 351.2)


def test_the_reference_code_also_runs_null_in_every_step():
    naive = {14: 14 * 2 + 14 * 2.875, "sweep": 98 * 2 + 98 * 2.875}
    assert (naive[14], naive["sweep"]) == (68.25, 477.75)
    assert cost([sgg(14)], SHAPES, TIMES).separate == naive[14] - 14  # no null beside skip-layer


@given(WORDS)
def test_segments_put_together_are_the_trajectories(words):
    trajectories = [word(w) for w in words]
    for trajectory, chain in zip(trajectories, segments(trajectories), strict=True):
        assert chain[0].start == 0
        assert all(a.stop == b.start for a, b in pairwise(chain))
        assert all(s.methods == trajectory[: s.stop] and s.start < s.stop for s in chain)
        assert chain[-1].stop == len(trajectory)


@given(WORDS)
def test_what_two_trajectories_have_in_common_is_work_done_once(words):
    trajectories = [word(w) for w in words]
    distinct = {s for chain in segments(trajectories) for s in chain}
    prefixes = {t[:k] for t in trajectories for k in range(1, 7)}
    assert sum(s.stop - s.start for s in distinct) == len(prefixes)


def test_cuts_lie_only_where_trajectories_part():
    chains = segments([word("aabb"), word("aabc"), word("cabb")])
    assert [[(s.start, s.stop) for s in chain] for chain in chains] == [
        [(0, 3), (3, 4)],
        [(0, 3), (3, 4)],
        [(0, 4)],
    ]
    assert chains[0][0] == chains[1][0]


def test_a_state_is_the_same_wherever_it_was_cut():
    assert Segment(0, word("ab")).methods == Segment(1, word("ab")).methods


def test_heun_counts_two_evaluations_but_one_in_the_step_to_zero():
    plain = Segment(0, (None,) * STEPS)
    assert segment_forwards(plain, SHAPES, TIMES, "heun") == 2 * STEPS - 1
    assert segment_forwards(plain, SHAPES, TIMES, "sde") == STEPS


def test_methods_survive_their_encoding_in_run_lengths():
    blend = Blend(first=CFG(weight=4.5), second=None, factor=0.25)
    methods = (None, *sgg(14), blend, None)
    assert decode(encode(methods)) == methods
    assert [count for count, _ in encode(methods)] == [1, 14, 14, 1, 1]
