import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2s.errors import UserError
from w2s.guidance.base import HEAD, NULL, STRONG, Signal
from w2s.models.backbone import Shape
from w2s.models.registry import shape_of
from w2s.sampling.tree import blocks_of, forwards, forwards_unshared, schedule

DEPTH, HEAD_AT = 6, 3
SIGNALS = st.builds(
    Signal,
    null=st.booleans(),
    skip=st.sets(st.integers(0, DEPTH - 1)).map(lambda s: tuple(sorted(s))),
    head=st.booleans(),
)


def plan(*signals, depth=24, head_at=None):
    return schedule(frozenset(signals), depth, head_at)


@given(st.frozensets(SIGNALS, min_size=1, max_size=5))
def test_a_schedule_runs_for_each_signal_its_own_blocks_in_order(signals):
    made = schedule(signals, DEPTH, HEAD_AT)
    ran = {number: (null, ()) for number, null in enumerate(made.roots)}
    for stage in made.stages:
        for source, result in zip(stage.inputs, stage.outputs, strict=True):
            assert result not in ran
            ran[result] = (ran[source][0], ran[source][1] + stage.blocks)
    assert dict(made.reads).keys() == signals
    for signal, number in made.reads:
        assert ran[number] == (signal.null, blocks_of(signal, DEPTH, HEAD_AT))


@given(st.frozensets(SIGNALS, min_size=1, max_size=5))
def test_every_distinct_prefix_is_run_exactly_once(signals):
    prefixes = {
        (s.null, blocks_of(s, DEPTH, HEAD_AT)[: k + 1])
        for s in signals
        for k in range(len(blocks_of(s, DEPTH, HEAD_AT)))
    }
    assert schedule(signals, DEPTH, HEAD_AT).blocks == len(prefixes)


def test_skipped_layers_fork_where_the_first_one_is_skipped():
    assert plan(STRONG, Signal(skip=(7, 8, 9))).blocks == 24 + 14


def test_conditional_and_null_stay_together_in_one_stage():
    (stage,) = plan(STRONG, NULL).stages
    assert stage.inputs == (0, 1)
    assert stage.blocks == tuple(range(24))


def test_the_mid_head_of_a_pass_under_way_is_free_and_alone_costs_its_blocks():
    shapes = {"main": Shape(24, head_at=8)}
    assert forwards([STRONG, HEAD], shapes) == 1
    assert forwards([HEAD], shapes) == pytest.approx(8 / 24)


def test_several_skip_sets_share_their_common_prefix():
    a, b = Signal(skip=(4, 5)), Signal(skip=(4, 9))
    assert plan(a, b, depth=12).blocks == 4 + 6 + 6  # 0-3; 6-11 of a; 5-8 and 10-11 of b
    assert plan(a, b, STRONG, depth=12).blocks == 12 + 6 + 6


def test_a_weak_network_is_weighted_by_its_work():
    config = {"input_size": 8, "patch_size": 2, "mlp_ratio": 4.0, "head_at": None}
    main = shape_of(config | {"hidden_size": 64, "depth": 12})
    weak = shape_of(config | {"hidden_size": 32, "depth": 6})
    cost = forwards([STRONG, Signal(net="small")], {"main": main, "small": weak})
    ratio = (16 * (12 * 32**2 + 2 * 16 * 32) + 6 * 32**2) / (
        16 * (12 * 64**2 + 2 * 16 * 64) + 6 * 64**2
    )
    assert cost == pytest.approx(1 + ratio * 6 / 12)


def test_without_sharing_each_signal_pays_for_its_own_blocks():
    signals = [STRONG, NULL, Signal(skip=(7, 8, 9))]
    assert forwards_unshared(signals, {"main": Shape(24)}) == pytest.approx(2.875)


def test_a_missing_head_and_a_missing_block_are_refused_in_a_sentence():
    with pytest.raises(UserError, match="mid head of network 'main', which has none"):
        forwards([HEAD], {"main": Shape(4)})
    with pytest.raises(UserError, match=r"skips blocks \[4\] .* blocks are 0 to 3"):
        forwards([Signal(skip=(4,))], {"main": Shape(4)})
