"""Seconds of combining predictions: the methods here against diffusers' guiders.

    python -m benchmarks.guiders

Also the second table of `python -m benchmarks.guidance`.  Only guiders that compute what the papers
say, each on the prediction where it does; both sides get the same tensors and one thread.
"""

import time

import torch
from diffusers import guiders
from diffusers.utils import logging

from w2s.guidance.base import NULL, STRONG, Signal, State, Step
from w2s.guidance.registry import METHODS

T, WEIGHT, SKIP = 0.5, 3.0, Signal(skip=(7, 8, 9))
STEP = Step(index=4, times=tuple(1 - i / 8 for i in range(9)), first=4, last=8)


def guider(name: str, **settings):
    """A guider in the middle of eight steps."""
    made = getattr(guiders, name)(**settings)
    made.set_state(step=4, num_inference_steps=8, timestep=torch.tensor(500))
    return made


def pairs() -> dict:
    """Ours, theirs, and theirs as a function of velocities and x that returns a velocity."""
    plain = guider("ClassifierFreeGuidance", guidance_scale=WEIGHT)
    rescaled = guider("ClassifierFreeGuidance", guidance_scale=WEIGHT, guidance_rescale=0.7)
    zero_star = guider("ClassifierFreeZeroStarGuidance", guidance_scale=WEIGHT)
    tangential = guider("TangentialClassifierFreeGuidance", guidance_scale=WEIGHT)
    magnitude = guider("MagnitudeAwareGuidance", guidance_scale=WEIGHT, alpha=8.0)
    adaptive = guider(
        "AdaptiveProjectedGuidance",
        guidance_scale=WEIGHT - 1,
        adaptive_projected_guidance_rescale=4.0,
        eta=0.0,
        use_original_formulation=True,
    )
    skipping = guider(
        "SkipLayerGuidance",
        guidance_scale=WEIGHT,
        skip_layer_guidance_scale=1.0,
        skip_layer_guidance_start=0.0,
        skip_layer_guidance_stop=1.0,
        skip_layer_config=guiders.skip_layer_guidance.LayerSkipConfig(indices=[7, 8, 9]),
    )

    def on_noise(c, u, k, x):
        noise = tangential.forward(x + (1 - T) * c, x + (1 - T) * u).pred
        return (noise - x) / (1 - T)

    def on_clean(c, u, k, x):
        return (x - adaptive.forward(x - T * c, x - T * u).pred) / T

    def on_tokens(c, u, k, x):
        return magnitude.forward(c.flatten(2), u.flatten(2)).pred.reshape(x.shape)

    return {
        "cfg": ({}, lambda c, u, k, x: plain.forward(c, u).pred),
        "cfg_rescale": ({"rescale": 0.7}, lambda c, u, k, x: rescaled.forward(c, u).pred),
        "cfg_zero_star": ({"zero_init": 0}, lambda c, u, k, x: zero_star.forward(c, u).pred),
        "skip_layer": (
            {"weight": 2.0, "blocks": [7, 8, 9], "cfg": WEIGHT},
            lambda c, u, k, x: skipping.forward(c, u, k).pred,
        ),
        "apg": ({"momentum": 0.0, "max_norm": 4.0}, on_clean),
        "tcfg": ({}, on_noise),
        "mambo_g": ({"alpha": 8.0}, on_tokens),
    }


def seconds(combine, repeats: int) -> float:
    """The best of some calls."""
    best = float("inf")
    for _ in range(repeats):
        before = time.perf_counter()
        combine()
        best = min(best, time.perf_counter() - before)
    return best


def compare(batch: int, device: str, repeats: int = 200) -> None:
    """Print the table."""
    logging.set_verbosity_error()  # each guider says that it is experimental
    generator = torch.Generator().manual_seed(0)
    x, c, u, k = torch.randn(4, batch, 4, 32, 32, generator=generator).to(device)
    predictions = {STRONG: c, NULL: u, SKIP: k}
    print(f"combining predictions of shape {tuple(x.shape)}, microseconds")
    print("method               ours  diffusers  diffusers / ours  relative difference")
    for name, (arguments, theirs) in pairs().items():
        method = METHODS[name](**{"weight": WEIGHT} | arguments).at(STEP)

        def ours(method=method):
            return method.combine(predictions, x, T, State())

        def other(theirs=theirs):
            return theirs(c, u, k, x)

        wanted = other()
        error = ((ours() - wanted).norm() / wanted.norm()).item()
        both = seconds(ours, repeats), seconds(other, repeats)
        micro = [1e6 * value for value in both]
        print(f"{name:16} {micro[0]:8.0f} {micro[1]:10.0f} {both[1] / both[0]:17.2f} {error:20.1e}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    compare(8, "cpu")
