import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch._dynamo.utils import counters

from w2s.errors import UserError
from w2s.guidance.base import HEAD, NULL, STRONG, Signal
from w2s.sampling.denoiser import Denoiser
from w2s.sampling.tree import forwards

SKIP = Signal(skip=(2, 4))
WEAK = Signal(net="weak")
ALL = [STRONG, NULL, HEAD, SKIP, Signal(skip=(2,)), Signal(null=True, head=True), WEAK]


def separate(nets, signal, x, t, condition):
    """One full forward for one signal."""
    net = nets[signal.net]
    state = net.embed(
        x, torch.full((len(x),), t), *(condition.null if signal.null else condition.given)
    )
    for i in range(net.head_at if signal.head else net.depth):
        if i not in signal.skip:
            state = net.block(i, state)
    return (net.read_head if signal.head else net.readout)(state)


def assert_close(a, b, tolerance):
    assert (a - b).norm() <= tolerance * b.norm()


@pytest.mark.parametrize("batched", [True, False])
@given(signals=st.sets(st.sampled_from(ALL), min_size=1))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_set_of_signals_equals_full_separate_forwards(
    net, weak, x, condition, signals, batched
):
    denoiser = Denoiser(net, {"weak": weak}, batched=batched)
    got = denoiser(x, 0.7, condition, signals)
    assert got.keys() == signals
    for signal, v in got.items():
        assert_close(v, separate(denoiser.nets, signal, x, 0.7, condition), 1e-5)
    assert denoiser.forwards == pytest.approx(forwards(signals, denoiser.shapes))


def test_signals_of_the_test_network_differ(net, weak, x, condition):
    got = list(Denoiser(net, {"weak": weak})(x, 0.7, condition, ALL).values())
    for i, a in enumerate(got):
        assert all((a - b).norm() > 0.05 * b.norm() for b in got[:i])


def test_only_the_blocks_that_are_asked_for_are_run(net, x, condition):
    ran = []
    hooks = [
        block.register_forward_hook(lambda m, a, o, i=i: ran.append((i, len(a[0]))))
        for i, block in enumerate(net.blocks)
    ]
    Denoiser(net, batched=False)(x, 0.5, condition, [HEAD])
    assert ran == [(0, 4), (1, 4), (2, 4)]
    ran.clear()
    Denoiser(net, batched=True)(x, 0.5, condition, [STRONG, SKIP])
    assert ran == [(0, 4), (1, 4), (2, 4), (3, 8), (4, 4), (5, 8)]
    for hook in hooks:
        hook.remove()


def test_bf16_stays_within_two_percent_of_fp32(net, x, condition):
    exact = Denoiser(net)(x, 0.6, condition, [STRONG, SKIP])
    rounded = Denoiser(net, precision="bf16")(x, 0.6, condition, [STRONG, SKIP])
    for signal, v in rounded.items():
        assert v.dtype == x.dtype
        assert_close(v, exact[signal], 0.02)
        assert not torch.equal(v, exact[signal])


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_networks_see_x_and_t_in_float32_whatever_the_precisions(
    make_sit, x, condition, precision, dtype
):
    net, seen = make_sit(), []
    embed = net.embed
    net.embed = lambda x, t, y: seen.append((x.dtype, t.dtype, t[0].item())) or embed(x, t, y)
    got = Denoiser(net, precision=precision)(x.to(dtype), 0.9874, condition, [STRONG, NULL])
    assert all(v.dtype == dtype for v in got.values())
    assert seen == [(torch.float32, torch.float32, torch.tensor(0.9874).item())] * 2


def test_an_unknown_precision_is_refused(net):
    with pytest.raises(UserError, match="precision is 'fp8'; set it to one of fp32, bf16, fp16"):
        Denoiser(net, precision="fp8")


def test_a_compiled_denoiser_meets_no_new_shape_at_window_borders(make_sit, x, condition):
    torch._dynamo.reset()
    counters.clear()
    exact = Denoiser(make_sit(), batched=True)
    compiled = Denoiser(make_sit(), batched=True, compiled="aot_eager")
    compiled(x, 0.9, condition, [STRONG])
    graphs = counters["stats"]["unique_graphs"]
    assert graphs >= 1
    for signals in ([STRONG, NULL], [STRONG, SKIP], [STRONG, NULL, SKIP], [STRONG], [HEAD]):
        got, want = compiled(x, 0.4, condition, signals), exact(x, 0.4, condition, signals)
        for signal in signals:
            assert_close(got[signal], want[signal], 1e-5)
    assert counters["stats"]["unique_graphs"] == graphs
