"""Segments on prompts: which image is drawn never hangs on shards, cuts or other prompts."""

from itertools import combinations, pairwise

import pytest
import text_nodes
import tiny_sd3
import torch
from node_builds import built
from safetensors.torch import load_file
from text_nodes import METHODS, SHAPE, TEXTS

from w2s.conditions.base import Condition
from w2s.conditions.prompts import prompt_samples
from w2s.guidance.base import Signal
from w2s.guidance.methods.autoguidance import AutoGuidance
from w2s.guidance.methods.cfg import CFG
from w2s.models.registry import shape_of
from w2s.models.sd3_network import SD3
from w2s.pipelines.draw import draw as draw_as_a_user
from w2s.pipelines.times import flow_times
from w2s.plan.plan import Plan
from w2s.sampling.denoiser import Denoiser
from w2s.sampling.noise import initial_noise

GUIDED = (CFG(weight=4.0),) * len(METHODS)
ROUNDING = 1e-5  # of another batch or place in it, relative
NEAR = {"bf16": 0.1, "fp16": 0.01}  # of the final latents, relative


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two pipelines with networks of their own."""
    root = tmp_path_factory.mktemp("pipes")
    return {kind: tiny_sd3.save(root / kind, kind) for kind in ("sd3", "sd3.5")}


@pytest.fixture
def draw(folders, tmp_path):
    """Builds a segment of `texts` and all it rests on; gives the content of its file."""

    def build(texts=TEXTS, kind="sd3", methods=METHODS, cuts=(), **changes):
        plan, file = Plan("test"), tmp_path / "prompts.txt"
        file.write_text("\n".join(texts))
        key = None
        for stop in (*cuts, len(methods)):
            part = methods[:stop]
            key = text_nodes.segment(
                plan, folders[kind], file, part, folders, before=key, **changes
            )
        build.path = built(plan, key, tmp_path / "store") / "state.safetensors"
        return load_file(build.path)

    return build


def by_sample(texts, made):
    """The final latents of each image, by what tells it apart."""
    samples = prompt_samples(texts, [3, 8], 2)
    return {samples[place]: x for place, x in zip(made["index"].tolist(), made["x"], strict=True)}


def distance(a, b):
    return ((a - b).norm() / b.norm()).item()


@pytest.mark.parametrize(
    "texts",
    [
        TEXTS[:3],
        [*reversed(TEXTS)],
        ["olive", *TEXTS, "red"],
        [TEXTS[0]],
    ],
)
def test_other_prompts_change_no_image(draw, texts):
    before, after = by_sample(TEXTS, draw()), by_sample(texts, draw(texts))
    shared = before.keys() & after.keys()
    assert len(shared) >= 4
    for sample in shared:
        assert distance(after[sample], before[sample]) <= ROUNDING
    assert min(distance(before[a], before[b]) for a, b in combinations(before, 2)) > 0.1


def test_samples_know_their_seed_row_and_place(draw):
    made = draw()
    assert made["index"].tolist() == list(range(16))
    assert made["seed"].tolist() == [3] * 8 + [8] * 8
    assert made["label"].tolist() == [0, 0, 1, 1, 0, 0, 2, 2] * 2


@pytest.mark.parametrize("kind", ["sd3", "sd3.5"])
@pytest.mark.parametrize("of", [2, 3])
def test_shards_draw_the_same_set_to_the_bit(draw, kind, of):
    whole = draw(kind=kind)
    shards = [draw(kind=kind, shard=shard, of=of) for shard in range(of)]
    order = torch.cat([s["index"] for s in shards]).argsort()
    for name in ("x", "index", "label", "seed"):
        assert torch.equal(torch.cat([s[name] for s in shards])[order], whole[name]), name


@pytest.mark.parametrize("kind", ["sd3", "sd3.5"])
@pytest.mark.parametrize("cut", [(1,), (2,), (3,), (4,), (1, 2, 4)])
def test_a_cut_changes_no_byte(draw, kind, cut):
    draw(kind=kind)
    whole = draw.path.read_bytes()
    draw(kind=kind, cuts=cut)
    assert draw.path.read_bytes() == whole


@pytest.mark.parametrize("kind", ["sd3", "sd3.5"])
def test_four_at_once_are_four_single_ones(draw, kind):
    four, one = draw(kind=kind)["x"], draw(kind=kind, batch=1)["x"]
    assert all(distance(a, b) <= ROUNDING for a, b in zip(four, one, strict=True))


@pytest.mark.parametrize("shape", [(4, 4, 12), (4, 12, 6)])
def test_wide_and_tall_latents(draw, folders, shape):
    made = draw(methods=GUIDED, shape=list(shape))["x"]
    assert distance(made, by_hand(folders["sd3"], shape)) <= ROUNDING


@torch.no_grad()
def by_hand(folder, shape, negative=""):
    """CFG by separate forwards of diffusers' transformer on the pipeline's own embeddings."""
    pipe = tiny_sd3.pipeline()

    def encoded(texts):
        text, _, pooled, _ = pipe.encode_prompt(
            texts, None, None, device="cpu", max_sequence_length=5
        )
        return text, pooled

    samples = prompt_samples(TEXTS, [3, 8], 2)
    given = encoded([text for _ in range(2) for text in TEXTS for _ in range(2)])
    null = encoded([negative] * len(samples))
    x = initial_noise(samples, shape)
    for t, after in pairwise(flow_times({"shift": 3.0}, len(METHODS), 15)):
        times = torch.full((len(x),), 1000 * t)
        c, u = (
            pipe.transformer(x, text, pooled, times, return_dict=False)[0]
            for text, pooled in (given, null)
        )
        x = x + (after - t) * (u + 4 * (c - u))
    return x


@pytest.mark.parametrize("negative", ["", "olive"])
def test_guided_samples_are_those_of_separate_forwards(draw, folders, negative):
    made = draw(methods=GUIDED, negative=negative)["x"]
    assert distance(made, by_hand(folders["sd3"], SHAPE, negative)) <= ROUNDING


def test_they_are_the_images_that_a_user_draws(draw):
    made = draw(methods=GUIDED)["x"].split(8)
    for latents, seed in zip(made, [3, 8], strict=True):
        drawn = draw_as_a_user(
            tiny_sd3.pipeline(),
            TEXTS,
            guidance={"method": "cfg", "weight": 4.0},
            steps=len(METHODS),
            seed=seed,
            images_per_prompt=2,
            height=2 * SHAPE[1],
            width=2 * SHAPE[2],
            max_sequence_length=5,
            output="latents",
            progress=False,
        )
        assert distance(drawn.latents, latents) <= ROUNDING


def test_the_negative_prompt_counts_where_the_null_branch_is_used(draw):
    plain = (None,) * len(METHODS)
    for methods, same in ((plain, True), (GUIDED, False)):
        a, b = (draw(methods=methods, negative=text)["x"] for text in ("", "olive"))
        assert torch.equal(a, b) == same


def test_a_second_network_is_the_weak_one(draw, folders):
    guided = (AutoGuidance(weight=2.0, weak="sd3.5"),) * len(METHODS)
    made = draw(methods=guided)["x"]
    plain = draw(methods=(None,) * len(METHODS))["x"]
    same = draw(methods=(AutoGuidance(weight=2.0, weak="sd3"),) * len(METHODS))["x"]
    assert distance(same, plain) <= ROUNDING
    assert distance(made, plain) > 0.1


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("weights", ["fp32", "half"])
def test_half_precision_is_near(draw, precision, weights):
    held = {} if weights == "fp32" else {"weights": precision}
    exact, made = draw()["x"], draw(precision=precision, **held)["x"]
    assert made.dtype == torch.float32
    assert 0 < distance(made, exact) <= NEAR[precision]


@torch.no_grad()
def test_a_weak_network_weighs_by_the_work_that_it_does_here():
    """Of one block more work than of the other: how much more, latents and prompt decide."""
    nets = [SD3(tiny_sd3.transformer(kind)) for kind in ("sd3", "sd3.5")]
    signal, samples = Signal(net="newer"), torch.randn(1, *SHAPE)
    given = (torch.randn(1, 21, tiny_sd3.T5_WIDTH), torch.randn(1, sum(tiny_sd3.CLIP_WIDTHS)))
    use = {"latents": list(SHAPE), "text_tokens": 21}
    denoiser = Denoiser(nets[0], {"newer": nets[1]}, use=use)
    denoiser(samples, 0.5, Condition(given, given), [signal])
    main, newer = (shape_of({**net.config(), **use}).macs for net in nets)
    assert denoiser.forwards == pytest.approx(newer / main)
    unlike = [shape_of(net.config()).macs for net in nets]
    assert newer / main != pytest.approx(unlike[1] / unlike[0])
