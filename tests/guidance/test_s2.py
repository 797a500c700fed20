"""S²-Guidance: the draws."""

import subprocess
import sys

import pytest
from guidance_fakes import step
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from w2s.guidance.base import NULL, STRONG
from w2s.guidance.methods.cfg import CFG
from w2s.guidance.methods.s2 import S2
from w2s.guidance.methods.skip_layer import SkipLayer


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**40),
    index=st.integers(0, 500),
    first=st.integers(0, 5),
    count=st.integers(1, 23),
    fraction=st.floats(0.01, 1),
    masks=st.integers(1, 5),
)
def test_draws_stay_among_the_droppable_blocks(seed, index, first, count, fraction, masks):
    droppable = [first, first + count]
    s2 = S2(cfg=2.0, droppable=droppable, fraction=fraction, masks=masks, seed=seed)
    drawn = s2.draw(index)
    assert len(drawn) == masks
    for blocks in drawn:
        assert list(blocks) == sorted(set(blocks))
        assert len(blocks) == max(1, round(fraction * count))
        assert first <= blocks[0] <= blocks[-1] < first + count
    assert drawn == s2.draw(index)


def test_draws_change_with_step_and_seed_and_reach_every_block():
    s2 = S2(cfg=2.0, droppable=[1, 23])
    drawn = [s2.draw(i) for i in range(200)]
    assert len(set(drawn)) > 50
    assert {b for masks in drawn for blocks in masks for b in blocks} == set(range(1, 23))
    other = S2(cfg=2.0, droppable=[1, 23], seed=1)
    assert [other.draw(i) for i in range(200)] != drawn


def test_every_bit_of_a_seed_counts():
    seeds = [3, 3 + 2**32, 3 + 2**64]
    methods = [S2(cfg=2.0, droppable=[1, 23], seed=seed) for seed in seeds]
    assert len({tuple(s2.draw(i) for i in range(20)) for s2 in methods}) == len(seeds)


def test_draws_are_those_of_another_process():
    code = (
        "from w2s.guidance.methods.s2 import S2\n"
        "print(S2(cfg=2.0, droppable=[1, 23], masks=2, seed=3).draw(7))"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = S2(cfg=2.0, droppable=[1, 23], masks=2, seed=3).draw(7)
    assert there.stdout.strip() == str(here)


def test_a_draw_does_not_depend_on_the_window():
    s2 = S2(cfg=2.0, droppable=[1, 23])
    assert s2.at(step(5, 0, 8)) == s2.at(step(5, 4, 6))


def test_only_the_central_noise_levels_drop_blocks():
    s2 = S2(cfg=2.0, droppable=[1, 5])
    resolved = [s2.at(step(i, steps=16)) for i in range(16)]
    expected = [SkipLayer if 2 <= i <= 14 else CFG for i in range(16)]
    assert [type(r) for r in resolved] == expected


def test_every_mask_is_asked_for_once():
    resolved = S2(cfg=2.0, droppable=[1, 9], masks=3).at(step(4))
    signals = resolved.signals()
    assert signals[:2] == (STRONG, NULL)
    assert len(signals) == len(set(signals))
    assert sum(resolved.coefficients().values()) == pytest.approx(1)


@pytest.mark.parametrize(
    "arguments",
    [
        {"droppable": [3, 3]},
        {"droppable": [-1, 3]},
        {"droppable": [1, 5], "active": [0.9, 0.1]},
        {"droppable": [1, 5], "fraction": 0.0},
        {"droppable": [1, 5], "masks": 0},
        {"droppable": [1, 5], "omega": 0.25},
    ],
)
def test_draws_that_make_no_sense_are_refused(arguments):
    with pytest.raises(ValidationError):
        S2(cfg=2.0, **arguments)
