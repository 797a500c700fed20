"""Whatever layout is accepted resolves to valid methods, or is refused in a sentence."""

from itertools import pairwise

import pytest
import torch
from guidance_fakes import make
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from w2s.errors import UserError
from w2s.guidance.base import State, Step
from w2s.guidance.blend import Blend
from w2s.guidance.methods.tv_cfg import TVCFG
from w2s.guidance.registry import METHODS
from w2s.guidance.weights import Cosine, Linear, Power, Triangle
from w2s.guidance.windows import Guidance, acting, resolve, windows_in_steps
from w2s.sampling.grid import time_grid
from w2s.sampling.trajectories import decode, encode, nets_of, segments, versions

ADAPTER = TypeAdapter(Guidance)
WEIGHTS = st.sampled_from([0, 0.3, 1, 1.25, 3.3, 55, 100]) | st.floats(0, 100)
SCHEDULES = st.one_of(
    st.builds(
        lambda a, b, s: {"schedule": s, "start": a, "end": b},
        WEIGHTS,
        WEIGHTS,
        st.sampled_from(["linear", "cosine"]),
    ),
    st.builds(
        lambda a, b, e: {"schedule": "power", "start": a, "end": b, "exponent": e},
        WEIGHTS,
        WEIGHTS,
        st.floats(0.01, 100),
    ),
    st.builds(lambda a, b: {"schedule": "triangle", "edge": a, "peak": b}, WEIGHTS, WEIGHTS),
)
ROUND = st.integers(0, 20).map(lambda n: n / 20)  # borders as people write them
GRIDS = st.builds(
    time_grid,
    st.integers(1, 60),
    st.sampled_from([0.1, 0.2, 0.41, 1.0, 3.0, 20.0]) | st.floats(0.1, 20),
    st.sampled_from([None, 0.04]),
)


@st.composite
def method(draw):
    """A method's parameters, with a number or a schedule for every weight."""
    name = draw(st.sampled_from(sorted(METHODS)))
    fields = make(name, weight=2.0).model_dump(mode="json")
    if name == "tv_cfg":
        shape = draw(st.sampled_from(["symmetric", "interval", "stepup", "stepdown"]))
        return {"method": name, "weight": draw(WEIGHTS), "shape": shape}
    for key in {"weight", "cfg"} & fields.keys():
        fields[key] = draw(WEIGHTS | SCHEDULES)
    return fields


@st.composite
def layout(draw):
    """Windows of t that touch or not, most of them cross-faded, and windows of steps beside."""
    borders = draw(st.lists(ROUND | st.floats(0, 1), min_size=2, max_size=5, unique=True))
    borders = sorted(borders, reverse=True)
    windows = []
    for high, low in pairwise(borders):
        if draw(st.integers(0, 4)):
            blend = draw(ROUND.map(lambda b: b / 2) | st.just(0.0))
            windows.append(draw(method()) | {"window": [low, high], "blend": blend})
    if draw(st.integers(0, 3)) == 0:
        first = draw(st.integers(0, 59))
        windows.append(draw(method()) | {"steps": [first, draw(st.integers(first + 1, 60))]})
    return draw(st.permutations(windows))


def accepted(windows):
    """The guidance, or None where it is refused as parameters are."""
    try:
        return ADAPTER.validate_python(windows)
    except ValidationError:
        return None


def combined(one, t):
    """What a method makes of random predictions, in the third step of its window."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 4, 4, generator=draw)
    v = {signal: torch.randn(x.shape, generator=draw) for signal in one.signals()}
    return one.combine(v, x, t, State({"momentum": torch.randn(x.shape, generator=draw)}))


@settings(max_examples=400, deadline=None)
@given(layout(), GRIDS)
def test_what_is_accepted_resolves_to_valid_methods_or_is_refused_in_a_sentence(windows, times):
    guidance = accepted(windows)
    if guidance is None:
        return
    try:
        methods = resolve(guidance, times)
    except UserError:  # nothing else
        return
    assert len(methods) == len(times) - 1
    assert decode(encode(methods)) == tuple(methods)  # as every segment's builder reads them
    assert versions(methods).keys() <= {*METHODS, "blend"}
    assert set(nets_of(methods)) <= {"small"}
    assert len(segments([tuple(methods), (None,) * len(methods)])) == 2
    assert len(windows_in_steps(guidance, times)) == len(guidance)
    for t, one in zip(times, methods, strict=False):
        if one is not None:
            assert torch.isfinite(combined(one, t)).all()


@settings(max_examples=200, deadline=None)
@given(layout(), GRIDS)
def test_a_step_has_one_method_or_a_cross_fade_of_two_that_touch(windows, times):
    guidance = accepted([w for w in windows if "window" in w])
    if guidance is None:
        return
    spans = acting(guidance, times)
    for index, t in enumerate(times[:-1]):
        here = [span.window for span in spans if span.first <= index < span.last]
        assert len(here) <= 2  # never three, however borders and times round
        if len(here) == 2:
            assert here[0].touches(here[1])
            assert 0 < here[0].faded(t) < 1


CFG_2, WEAK_3 = {"method": "cfg", "weight": 2}, {"method": "cfg", "weight": 3}


def test_a_cross_fade_ends_where_rounding_would_let_it_go_on():
    """At 20 steps t = 0.2 is where this fade ends: its share there is 1 but for rounding."""
    windows = [
        CFG_2 | {"window": [0.3, 1], "blend": 0.2},
        WEAK_3 | {"window": [0, 0.3]},
    ]
    methods = resolve(ADAPTER.validate_python(windows), time_grid(20))
    assert [type(m) is Blend for m in methods] == [False] * 13 + [True] * 3 + [False] * 4
    assert [m.factor for m in methods[13:16]] == [0.25, 0.5, 0.75]
    assert methods[16:] == [METHODS["cfg"](weight=3)] * 4


def test_two_cross_fades_that_meet_share_no_step():
    windows = [
        CFG_2 | {"window": [0.5, 1], "blend": 0.2},
        WEAK_3 | {"window": [0.3, 0.5], "blend": 0.2},
        CFG_2 | {"window": [0, 0.3]},
    ]
    methods = resolve(ADAPTER.validate_python(windows), time_grid(10))
    assert methods[6] == METHODS["cfg"](weight=3)  # t = 0.4
    assert isinstance(methods[5], Blend)
    assert isinstance(methods[7], Blend)


@pytest.mark.parametrize("schedule", [Linear, Cosine, Power])
@given(start=WEIGHTS, end=WEIGHTS, steps=st.integers(1, 60))
def test_schedules_begin_and_end_exactly_and_stay_between(schedule, start, end, steps):
    extra = {"exponent": 2.5} if schedule is Power else {}
    weight = schedule(
        schedule=schedule.__name__.lower(), start=float(start), end=float(end), **extra
    )
    values = [weight.at(i / steps) for i in range(steps + 1)]
    assert (values[0], values[-1]) == (start, end)
    assert min(start, end) <= min(values) <= max(values) <= max(start, end)


@given(edge=WEIGHTS, peak=WEIGHTS)
def test_a_triangle_reaches_its_peak_exactly(edge, peak):
    triangle = Triangle(schedule="triangle", edge=float(edge), peak=float(peak))
    assert [triangle.at(p) for p in (0, 0.5, 1)] == [edge, peak, edge]


@pytest.mark.parametrize("shape", ["symmetric", "stepup", "stepdown"])
def test_a_mean_weight_out_of_reach_is_refused_in_every_step(shape):
    guide, times = TVCFG(weight=90.0, shape=shape), time_grid(20)
    for index in range(20):
        with pytest.raises(UserError, match=f"shape {shape} cannot reach a mean weight of 90 "):
            guide.at(Step(index, times, 0, 20))


def test_the_highest_mean_weight_needs_no_more_in_one_step():
    guide, times = TVCFG(weight=100.0, shape="symmetric"), time_grid(7, 3.0)
    assert [guide.at(Step(i, times, i, i + 1)).weight for i in range(7)] == [100] * 7
