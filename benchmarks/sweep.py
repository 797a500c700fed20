"""Seconds and forwards of a sweep over SGG's switch point, with and without sharing.

    python -m benchmarks.sweep [--width 64] [--batch 4]

Seven switch points of 28 steps on 24 blocks with blocks 7 to 9 skipped: full separate forwards
with the null branch in every step, as in the reference code; the engine; and the engine with
trajectories sharing the segments in which they agree.  All three draw the same samples.
"""

import argparse

import torch
from pydantic import TypeAdapter

from benchmarks.guidance import CLASSES, DEPTH, SKIPPED, Naive, draw, network
from w2s.guidance.base import NULL
from w2s.guidance.windows import Guidance, resolve
from w2s.sampling.denoiser import Denoiser
from w2s.sampling.grid import time_grid
from w2s.sampling.trajectories import segments

STEPS, SWITCHES = 28, (4, 8, 12, 14, 16, 20, 24)


def trajectory(switch: int, times: tuple[float, ...]) -> tuple:
    """SGG: CFG for the first steps, then skip-layer guidance."""
    windows = [
        {"method": "cfg", "weight": 4.5, "steps": [0, switch]},
        {"method": "skip_layer", "weight": 4.0, "blocks": SKIPPED, "steps": [switch, STEPS]},
    ]
    return tuple(resolve(TypeAdapter(Guidance).validate_python(windows), times))


def whole(denoiser, trajectories, times, batch):
    """Each trajectory on its own."""
    drawn = [draw(denoiser, methods, times, batch) for methods in trajectories]
    return [x for x, _, _ in drawn], sum(seconds for *_, seconds in drawn)


def shared(denoiser, trajectories, times, batch):
    """Each distinct segment once."""
    ends, total, chains = {}, 0.0, segments(trajectories)
    for chain in chains:
        before = {}
        for segment in chain:
            if segment not in ends:
                x, state, seconds = draw(
                    denoiser, segment.methods, times, batch, start=segment.start, **before
                )
                ends[segment], total = {"x": x, "state": state}, total + seconds
            before = ends[segment]
    return [ends[chain[-1]]["x"] for chain in chains], total


def main() -> None:
    """Print the three ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(1)
    net, times = network(args.width), time_grid(STEPS)
    options = {"device": args.device, "precision": "fp32"}
    trajectories = [trajectory(switch, times) for switch in SWITCHES]
    ways = {
        "naive": (whole, Naive(net, always=[NULL], **options)),
        "forking": (whole, Denoiser(net, **options)),
        "forking, shared": (shared, Denoiser(net, **options)),
    }
    print(f"{DEPTH} blocks, width {args.width}, {args.batch} of {CLASSES} classes, fp32")
    print("way              forwards  seconds  naive / way  relative difference")
    baseline = None
    for name, (how, denoiser) in ways.items():
        samples, seconds = how(denoiser, trajectories, times, args.batch)
        samples = torch.cat(samples)
        baseline = baseline or (samples, seconds)
        error = ((samples - baseline[0]).norm() / baseline[0].norm()).item()
        ratio = baseline[1] / seconds
        print(f"{name:16} {denoiser.forwards:8.2f} {seconds:8.2f} {ratio:12.2f} {error:12.1e}")


if __name__ == "__main__":
    main()
