import json
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from w2s.errors import UserError
from w2s.guidance.base import NULL, STRONG, Method, State
from w2s.guidance.blend import Blend, step_from
from w2s.guidance.methods.cfg import CFG
from w2s.guidance.methods.skip_layer import SkipLayer
from w2s.guidance.registry import METHODS
from w2s.guidance.windows import Guidance, Span, resolve, windows_in_steps
from w2s.sampling.grid import time_grid

ADAPTER = TypeAdapter(Guidance)
TIMES = time_grid(20)
SKIP = {"method": "skip_layer", "weight": 4, "blocks": [7, 8, 9]}


def cfg(weight=2.0, **where):
    return {"method": "cfg", "weight": weight, **where}


def weights(guidance, times=TIMES):
    resolved = resolve(ADAPTER.validate_python(guidance), times)
    return [None if method is None else method.weight for method in resolved]


def refusal(guidance):
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(guidance)
    return caught.value.errors()[0]["msg"].removeprefix("Value error, ")


def test_one_mapping_is_one_window_over_everything_and_no_window_is_unguided():
    assert weights(cfg()) == [2.0] * 20
    assert weights([]) == [None] * 20


def test_a_step_is_inside_from_above_lo_up_to_hi():
    # times are 1, .95, ...: .75 is step 5, .5 is step 10
    assert weights(cfg(window=[0.5, 0.75])) == [None] * 5 + [2.0] * 5 + [None] * 10


def test_touching_windows_share_no_step_and_leave_none_out():
    got = weights([cfg(3.0, window=[0, 0.5]), cfg(2.0, window=[0.5, 1])])
    assert got == [2.0] * 10 + [3.0] * 10


def test_windows_of_steps_count_from_zero_and_leave_out_their_end():
    assert weights([cfg(2.0, steps=[0, 3]), cfg(3.0, steps=[19, 20])]) == (
        [2.0] * 3 + [None] * 16 + [3.0]
    )


def test_a_window_between_two_steps_is_empty():
    assert weights(cfg(window=[0.51, 0.54])) == [None] * 20


def test_schedules_run_over_the_steps_of_their_own_window():
    ramp = {"schedule": "linear", "start": 2.0, "end": 6.0}
    got = weights([cfg(ramp, window=[0.5, 0.75]), cfg(1.5, window=[0, 0.5])])
    assert got[5:10] == [2.0, 3.0, 4.0, 5.0, 6.0]
    assert got[10:] == [1.5] * 10


def test_weight_one_is_plain_conditional():
    assert weights(cfg(1)) == [None] * 20


def test_a_cross_fade_passes_linearly_from_one_window_to_the_next():
    guidance = ADAPTER.validate_python(
        [cfg(2.0, window=[0.5, 1], blend=0.2), {**SKIP, "window": [0, 0.5]}]
    )
    got = resolve(guidance, TIMES)
    skip = SkipLayer(weight=4.0, blocks=(7, 8, 9))
    assert got[:9] == [CFG(weight=2.0)] * 9
    assert got[12:] == [skip] * 8
    assert [(b.first, b.second) for b in got[9:12]] == [(CFG(weight=2.0), skip)] * 3
    assert [b.factor for b in got[9:12]] == pytest.approx([0.25, 0.5, 0.75])
    assert [w["steps"] for w in windows_in_steps(guidance, TIMES)] == [[0, 12], [9, 20]]


def test_a_cross_fade_into_nothing_ends_in_plain_conditional():
    got = resolve(ADAPTER.validate_python(cfg(window=[0.5, 1], blend=0.2)), TIMES)
    assert [b.second for b in got[9:12]] == [None] * 3
    assert got[12:] == [None] * 8


def test_a_blend_mixes_two_methods_and_asks_for_each_signal_once():
    blend = Blend(first=CFG(weight=3.0), second=None, factor=0.25)
    assert blend.signals() == (STRONG, NULL)
    assert blend.combine({STRONG: 5.0, NULL: 1.0}, None, 0.5, State()) == 0.75 * 13 + 0.25 * 5
    assert step_from(blend.model_dump(mode="json")) == blend


@pytest.mark.parametrize(
    ("guidance", "sentence"),
    [
        (cfg(window=[0.6, 0.4]), "window must be [lo, hi] with 0 <= lo < hi <= 1"),
        (cfg(window=[0.4, 0.4]), "window must be [lo, hi] with 0 <= lo < hi <= 1"),
        (cfg(window=[0.5, 1.2]), "window must be [lo, hi] with 0 <= lo < hi <= 1"),
        (cfg(window=[0, 1], steps=[0, 3]), "give window or steps, not both"),
        (cfg(steps=[3, 3]), "steps must be [first, stop] with 0 <= first < stop"),
        (cfg(steps=[0, 3], blend=0.1), "blend is a width in t and needs window instead of steps"),
        ([cfg(steps=[0, 5]), cfg(steps=[4, 9])], "two windows overlap between steps 4 and 5"),
        (
            [cfg(window=[0.2, 0.6]), cfg(window=[0.5, 1])],
            "two windows overlap between t = 0.5 and 0.6; let one end where the other begins",
        ),
        (
            [cfg(window=[0.5, 1], blend=0.3), cfg(window=[0.4, 0.5])],
            "the cross-fade around t = 0.5 does not fit; make blend smaller",
        ),
        (
            [cfg(window=[0.5, 1], blend=0.2), cfg(window=[0, 0.45])],
            "the cross-fade around t = 0.5 does not fit; make blend smaller",
        ),
        (cfg(blend=0.1), "the cross-fade around t = 0 does not fit; make blend smaller"),
    ],
)
def test_bad_layouts_are_refused_in_a_sentence(guidance, sentence):
    assert refusal(guidance) == sentence


def test_unknown_keys_methods_and_types_are_refused():
    assert "Extra inputs" in refusal(cfg(wndow=[0, 1]))
    assert "'cgf'" in refusal({"method": "cgf", "weight": 2})
    assert "valid number" in refusal(cfg(window=["0.2", 1]))
    refusal(cfg(window=[0, float("nan")]))


def test_windows_that_only_the_steps_show_to_overlap_are_refused():
    mixed = ADAPTER.validate_python([cfg(steps=[0, 5]), cfg(window=[0.7, 0.8])])
    with pytest.raises(UserError, match=r"overlap in step 4 \(t = 0.8\)"):
        resolve(mixed, TIMES)
    with pytest.raises(UserError, match="ends at step 28, but there are only 20 steps"):
        resolve(ADAPTER.validate_python(cfg(steps=[14, 28])), TIMES)


def test_manifests_get_both_ranges():
    guidance = ADAPTER.validate_python([cfg(window=[0.5, 0.75]), cfg(steps=[15, 20])])
    assert windows_in_steps(guidance, TIMES) == [
        {"method": "cfg", "window": [0.5, 0.75], "steps": [5, 10], "blend": 0.0},
        {"method": "cfg", "window": [0.0, 0.25], "steps": [15, 20], "blend": 0.0},
    ]


@given(
    st.lists(st.integers(0, 20), min_size=2, max_size=6, unique=True).map(sorted),
    st.sampled_from([1.0, 3.0]),
)
def test_hard_windows_give_each_step_the_window_its_time_lies_in(borders, shift):
    times = time_grid(20, shift=shift)
    pieces = [(a / 20, b / 20) for a, b in pairwise(borders)]
    guidance = [cfg(2.0 + k, window=list(piece)) for k, piece in enumerate(pieces)]
    inside = [[k for k, (lo, hi) in enumerate(pieces) if lo < t <= hi] for t in times[:-1]]
    assert weights(guidance, times) == [2.0 + ks[0] if ks else None for ks in inside]


def test_yaml_json_and_python_read_alike():
    value = [cfg(window=[0.5, 1]), {**SKIP, "window": [0, 0.5]}]
    read = ADAPTER.validate_python(value)
    assert ADAPTER.validate_json(json.dumps(value)) == read
    assert ADAPTER.validate_json(ADAPTER.dump_json(read)) == read
    steps = ADAPTER.validate_python(cfg(steps=[0, 5]))
    assert ADAPTER.validate_python(ADAPTER.dump_python(steps, mode="json")) == steps


def test_every_method_is_found_under_its_name_and_leaves_room_for_the_window():
    assert {"cfg", "skip_layer", "autoguidance"} <= METHODS.keys()
    for name, method in METHODS.items():
        assert issubclass(method, Method)
        assert not method.model_fields.keys() & Span.model_fields.keys(), name


def test_windows_and_plans_import_no_torch():
    code = (
        "import sys, w2s.guidance.windows, w2s.sampling.trajectories;"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
