"""Guidance in diffusers' modular pipelines: the stock loop, our step and separate full forwards."""

import json

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from modular_runs import LAYERS, close, draw, inputs, networks, pipe, reference

from w2s.errors import UserError
from w2s.guidance.registry import METHODS
from w2s.pipelines.guiders import SCHEDULER, WindowedGuidance

ON_SD3 = [name for name in METHODS if name != "internal"]
SGG = [
    {"method": "cfg", "weight": 4.5, "window": [0.8, 1]},
    {"method": "skip_layer", "weight": 4.0, "blocks": [7, 8, 9], "window": [0, 0.8]},
]
GUIDANCES = {name: [{"method": name, "weight": 2.5} | METHODS[name].example] for name in ON_SD3} | {
    "s2": [{"method": "s2", "weight": 1.5, "cfg": 3.0, "droppable": [1, 12], "fraction": 0.3}],
    "cfg and skip_layer": [{"method": "skip_layer", "weight": 3, "blocks": [0, 11], "cfg": 4}],
    "sgg": SGG,
    "cross-fade": [SGG[0] | {"blend": 0.3}, SGG[1]],
    "ramp": {"method": "cfg", "weight": {"schedule": "linear", "start": 5, "end": 1}},
    "steps": [{"method": "adg", "weight": 3.0, "steps": [1, 3]}],
}
WITHOUT_NEGATIVE = [
    {"method": "skip_layer", "weight": 4.0, "blocks": [7]},
    {"method": "autoguidance", "weight": 2.0, "weak": "small"},
]


@pytest.fixture(scope="module", params=["sd3", "sd3.5"])
def nets(request):
    return networks(request.param)


@pytest.fixture(scope="module")
def net():
    return networks()["main"]


def guider(windows, nets, **options):
    made = WindowedGuidance(windows, **options)
    if "small" in str(windows):
        made.set_network("small", nets["small"])
    return made


@pytest.mark.parametrize("name", GUIDANCES)
def test_stock_loop_and_forked_step_equal_separate_forwards(nets, name):
    guidance = GUIDANCES[name]
    expected = reference(nets, guidance, inputs())
    for fork in (False, True):
        made = draw(nets["main"], guider(guidance, nets), inputs(), fork=fork)
        assert close(made, expected), fork
    unguided = reference(nets, [], inputs())
    assert not close(expected, unguided, 1e-3)


@pytest.mark.parametrize("blocks", [[0], [7], [4, 6], [7, 8, 9], [0, 1, 2, 11], [11]])
@pytest.mark.parametrize("fork", [False, True])
def test_any_blocks_are_skipped_right(nets, blocks, fork):
    windows = [{"method": "skip_layer", "weight": 4.0, "blocks": blocks}]
    made = draw(nets["main"], WindowedGuidance(windows), inputs(), fork=fork)
    assert close(made, reference(nets, windows, inputs()))


@pytest.mark.parametrize("windows", WITHOUT_NEGATIVE, ids=lambda w: w["method"])
@pytest.mark.parametrize("fork", [False, True])
def test_what_needs_no_negative_prompt_does_without(nets, windows, fork):
    made = [
        draw(nets["main"], guider(windows, nets), inputs(negative=negative), fork=fork)
        for negative in (True, False)
    ]
    assert torch.equal(*made)


@pytest.mark.parametrize("name", ["cfg", "sgg", "adg", "s2", "steps"])
@pytest.mark.parametrize("fork", [False, True])
def test_what_needs_a_negative_prompt_says_so(nets, name, fork):
    made = guider(GUIDANCES[name], nets)
    with pytest.raises(UserError, match="compares with the negative prompt at t = "):
        draw(nets["main"], made, inputs(negative=False), fork=fork)


@pytest.mark.parametrize("name", GUIDANCES)
def test_saved_and_loaded_it_draws_the_same(nets, name, tmp_path):
    first = guider(GUIDANCES[name], nets, scheduler=SCHEDULER)
    first.save_pretrained(tmp_path)
    (file,) = tmp_path.iterdir()
    assert json.loads(file.read_text())["scheduler"] == SCHEDULER
    loaded = WindowedGuidance.from_pretrained(tmp_path)
    assert loaded.windows == first.windows
    if "small" in str(GUIDANCES[name]):
        with pytest.raises(UserError, match=r"call set_network\('small', transformer\) before"):
            draw(nets["main"], loaded, inputs())
        loaded.set_network("small", nets["small"])
    expected = draw(nets["main"], first, inputs())
    assert torch.equal(draw(nets["main"], loaded, inputs()), expected)


@pytest.mark.parametrize("fork", [False, True])
@pytest.mark.parametrize("name", ["apg", "s2", "sgg"])
def test_nothing_is_left_of_an_earlier_run(nets, name, fork):
    whole = pipe(nets["main"], guider(GUIDANCES[name], nets), fork=fork)

    def run(**given):
        size = {"height": 48, "width": 80, "output": "latents"}
        return whole(**size, **{"num_inference_steps": 5, **inputs(), **given})

    first = run()
    run(num_inference_steps=3, latents=inputs()["latents"].flip(0))
    bad = torch.zeros(2, 7, 5)  # embeddings of another width end a run in its first forward
    with pytest.raises(RuntimeError):
        run(prompt_embeds=bad, negative_prompt_embeds=bad)
    assert torch.equal(run(), first)


def test_a_failed_forward_leaves_no_block_skipped(net):
    before = reference({"main": net}, [], inputs())
    bad = inputs() | {"prompt_embeds": torch.zeros(2, 7, 5)}
    made = pipe(net, WindowedGuidance(WITHOUT_NEGATIVE[0]))
    with pytest.raises(RuntimeError):
        made(**bad, height=48, width=80, num_inference_steps=5, output="latents")
    assert close(draw(net, WindowedGuidance([]), inputs()), before)


@pytest.mark.parametrize("fork", [False, True])
def test_disabled_it_does_not_guide(net, fork):
    guiders = [WindowedGuidance(SGG), WindowedGuidance(SGG, enabled=False)]
    guiders[0].disable()
    for made in guiders:
        latents = draw(net, made, inputs(negative=False), fork=fork)
        assert close(latents, reference({"main": net}, [], inputs()))


def test_it_is_told_another_schedule(net):
    given, ramp = inputs(), GUIDANCES["ramp"]
    whole = pipe(net, WindowedGuidance(ramp), shift=1.0)
    run = {"height": 48, "width": 80, "num_inference_steps": 5, "output": "latents", **given}
    with pytest.raises(UserError, match=r"give it scheduler=dict\(pipe.scheduler.config\)"):
        whole(**run)
    told = WindowedGuidance(ramp, scheduler=dict(whole.scheduler.config))
    whole.update_components(guider=told)
    forked = pipe(net, WindowedGuidance(ramp), fork=True, shift=1.0)
    assert close(whole(**run), forked(**run))


def test_the_forked_step_takes_any_times(net):
    """Times given by hand, as an image to start from gives them too, begin anywhere."""
    sigmas = [0.9, 0.7, 0.65, 0.2]
    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
    scheduler.set_timesteps(sigmas=sigmas)
    made = draw(net, WindowedGuidance(SGG), inputs(), fork=True, sigmas=sigmas)
    by_hand = reference({"main": net}, SGG, inputs(), times=scheduler.sigmas.tolist())
    assert close(made, by_hand)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_is_close(kind):
    nets = networks()
    expected = reference(nets, SGG, inputs())
    half = {name: value.to(kind) for name, value in inputs().items()}
    for fork in (False, True):
        made = draw(nets["main"].to(kind), WindowedGuidance(SGG), half, fork=fork)
        assert made.dtype == kind
        assert close(made.float(), expected, 0.1 if kind == torch.bfloat16 else 0.02)


@pytest.mark.parametrize(
    ("windows", "says"),
    [
        ({"method": "cfg"}, "guidance: weight: is missing"),
        ({"method": "cgf", "weight": 2}, "guidance: method: must be one of .*did you mean 'cfg'"),
        ("sgg", "guidance: must be a list"),
        ([SGG[0], SGG[1] | {"window": [0, 0.9]}], "two windows overlap"),
    ],
)
def test_unreadable_windows_are_refused(windows, says):
    with pytest.raises(UserError, match=says):
        WindowedGuidance(windows)


@pytest.mark.parametrize("fork", [False, True])
@pytest.mark.parametrize(
    ("windows", "says"),
    [
        ({"method": "internal", "weight": 2.0}, "a head at mid depth, which SD3 has not"),
        ({"method": "skip_layer", "weight": 2.0, "blocks": [LAYERS]}, "whose blocks are 0 to 11"),
        ({"method": "cfg", "weight": 2.0, "steps": [0, 9]}, "there are only 5 steps"),
    ],
)
def test_what_the_network_has_not_is_refused(net, windows, says, fork):
    with pytest.raises(UserError, match=says):
        draw(net, WindowedGuidance(windows), inputs(), fork=fork)


def test_a_network_that_no_window_names_is_refused(net):
    with pytest.raises(UserError, match="its networks are: small"):
        WindowedGuidance(WITHOUT_NEGATIVE[1]).set_network("smal", net)
    with pytest.raises(UserError, match="its networks are: none"):
        WindowedGuidance(SGG).set_network("small", net)


def test_a_guider_shows_itself_before_and_after_a_run(net):
    made = WindowedGuidance(SGG)
    assert "num_conditions: 1" in repr(made)
    draw(net, made, inputs())
    assert "num_conditions: 2" in repr(made)
