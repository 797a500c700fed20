"""Seconds and forwards of every guidance method: the engine against full separate forwards.

    python -m benchmarks.guidance [--width 64] [--batch 8] [--steps 6] [--device cpu]

The engine runs with each signal on its own and with all signals of a step as one batch; the
faster of the two on a kind of device is the rule in src/w2s/sampling/tree.py, and "engine"
in the ratios is the one of that rule.  Ratios are of times measured in this run, each the best of
--repeats taken in turn.  A second table compares the combination of predictions alone with
diffusers' guiders.
"""

import argparse
import time

import torch
from pydantic import TypeAdapter

from benchmarks.guiders import compare
from w2s.conditions.labels import Labels
from w2s.guidance.base import NULL
from w2s.guidance.registry import METHODS
from w2s.guidance.windows import Guidance, resolve
from w2s.models.registry import shape_of
from w2s.models.sit_network import SiT
from w2s.sampling.denoiser import Denoiser
from w2s.sampling.grid import time_grid
from w2s.sampling.loop import sample
from w2s.sampling.tree import forwards_unshared, one_batch

DEPTH, SKIPPED, CLASSES = 24, [7, 8, 9], 10
NEEDED = {  # parameters without a default, besides the weight
    "autoguidance": {"weak": "weak"},
    "skip_layer": {"blocks": SKIPPED},
    "s2": {"cfg": 2.0, "droppable": [2, 22]},
    "tv_cfg": {"shape": "symmetric"},
}


class Naive(Denoiser):
    """Every signal by a full forward of its own; `always` ones are run whether used or not."""

    def __init__(self, *nets, always=(), **options):
        super().__init__(*nets, **options)
        self.always, self.counted = set(always), 0.0

    @property
    def forwards(self):
        return self.counted

    def __call__(self, x, t, condition, signals):
        wanted = {*signals, *self.always}
        self.counted += forwards_unshared(wanted, self.shapes)
        alone = [super(Naive, self).__call__(x, t, condition, [signal]) for signal in wanted]
        return {signal: v for result in alone for signal, v in result.items()}


def network(width: int, seed: int = 0, **changes) -> SiT:
    """A SiT with random weights everywhere; as initialised its blocks would do nothing."""
    config = {"input_size": 16, "patch_size": 2, "in_channels": 4, "num_classes": CLASSES}
    net = SiT(**config, **({"hidden_size": width, "depth": DEPTH, "num_heads": 4} | changes))
    generator = torch.Generator().manual_seed(seed)
    for parameter in net.parameters():
        if parameter.requires_grad:
            parameter.data = 0.5 * torch.randn(parameter.shape, generator=generator) / width**0.5
    return net


def guidances() -> dict:
    """One guidance per registered method, and SGG."""
    found = {name: [{"method": name, "weight": 2.0, **NEEDED.get(name, {})}] for name in METHODS}
    found["sgg"] = [
        {"method": "cfg", "weight": 4.5, "window": [0.5, 1]},
        {"method": "skip_layer", "weight": 4.0, "blocks": SKIPPED, "window": [0, 0.5]},
    ]
    return {name: TypeAdapter(Guidance).validate_python(g) for name, g in found.items()}


def draw(denoiser, methods, times, batch, **stretch):
    """Samples of a guidance, and the seconds they took."""
    x = torch.randn(batch, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(batch, device=denoiser.device) % CLASSES
    before = time.perf_counter()
    x, state = sample(
        denoiser,
        stretch.pop("x", x).to(denoiser.device),
        Labels(CLASSES).condition(labels),
        times=times,
        methods=methods,
        solver="euler",
        noise=None,
        **stretch,
    )
    x = x.cpu()  # waits for a GPU
    return x, state, time.perf_counter() - before


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(1)
    main_net = network(args.width, head_at=8)
    nets = main_net, {"weak": network(args.width // 2, 1, depth=DEPTH // 2)}
    options = {"device": args.device, "precision": "fp32"}
    times = time_grid(args.steps)
    rule = one_batch(
        torch.device(args.device).type, args.batch * shape_of(main_net.config()).tokens
    )
    print(f"{DEPTH} blocks, width {args.width}, batch {args.batch}, {args.steps} steps, fp32")
    print(
        "                        forwards            seconds          naive /   batched /  relative"
    )
    print(
        "method               naive  engine   naive   apart batched   engine     apart   difference"
    )
    for name, guidance in guidances().items():
        methods = resolve(guidance, times)
        always = [NULL] if name == "sgg" else []  # as its reference code does
        denoisers = [
            Naive(*nets, always=always, **options),
            Denoiser(*nets, batched=False, **options),
            Denoiser(*nets, batched=True, **options),
        ]
        runs = [
            [draw(denoiser, methods, times, args.batch) for denoiser in denoisers]
            for _ in range(args.repeats)
        ]
        naive, apart, batched = (min(run[k][2] for run in runs) for k in range(3))
        (reference, *_), *engine = runs[0]
        error = max(((x - reference).norm() / reference.norm()).item() for x, *_ in engine)
        costs = [denoiser.forwards / args.repeats for denoiser in denoisers]
        print(
            f"{name:18} {costs[0]:7.2f} {costs[1]:7.2f} {naive:7.2f} {apart:7.2f} {batched:7.2f}"
            f" {naive / (batched if rule else apart):8.2f} {batched / apart:9.2f} {error:12.1e}"
        )
    print()
    compare(args.batch, args.device)


if __name__ == "__main__":
    main()
