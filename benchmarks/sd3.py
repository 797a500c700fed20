"""SD3 by the engine, by diffusers' pipeline and by the call pattern of the released SGG code.

    python -m benchmarks.sd3 [--samples 1 2 8 16] [--width 192] [--steps 4] [--repeats 5]
    python -m benchmarks.sd3 --device cuda --width 1536 --side 128 --text 333 --dtype bf16

Random weights, 24 blocks, half of the steps CFG and half skip-layer guidance of blocks 7 to 9, as
in the README of the released code (14 and 14 of 28 steps; ratios are the same for fewer).  That
code is diffusers' pipeline with a null branch in every step and a full forward of its own for the
skipped blocks.  The engine runs states that have the same blocks ahead apart, or as one batch:
the rule of `one_batch` in src/w2s/sampling/tree.py says which.  A forward is one sample through all
blocks.

All take turns in one run, and each time is the least of --repeats: of the process on one thread,
or of the clock on a GPU.  Peak memory is what a run adds to what there was before it, measured on
Linux or a GPU.
"""

import argparse
import ctypes
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import (
    FlowMatchEulerDiscreteScheduler,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
)
from diffusers.utils import logging
from pydantic import TypeAdapter

from w2s.conditions.base import Condition
from w2s.guidance.windows import Guidance, resolve
from w2s.models.sd3_network import SD3
from w2s.sampling.denoiser import Denoiser
from w2s.sampling.loop import sample
from w2s.sampling.tree import one_batch

DEPTH, SKIPPED, CFG, SKIP = 24, [7, 8, 9], 4.5, 3.0  # SKIP: s-form, so w = 4 here
CHANNELS, TEXT_WIDTH, POOLED = 16, 256, 128
MMAP_THRESHOLD = -3  # of malloc.h
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass
class Work:
    """A network, and what is drawn with it."""

    net: SD3Transformer2DModel
    x: torch.Tensor  # (n, C, h, w)
    prompt: tuple[torch.Tensor, torch.Tensor]  # text and pooled
    negative: tuple[torch.Tensor, torch.Tensor]
    steps: int

    @property
    def switch(self) -> int:
        """The first step of skip-layer guidance."""
        return self.steps // 2

    def times(self):
        """The scheduler of SD3, at the first step."""
        scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
        scheduler.set_timesteps(self.steps, device=self.x.device)
        return scheduler


def network(width: int, side: int) -> SD3Transformer2DModel:
    """An SD3 with random weights everywhere; as initialised its blocks would do nothing."""
    net = SD3Transformer2DModel(
        sample_size=side,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        num_layers=DEPTH,
        attention_head_dim=min(width, 64),
        num_attention_heads=max(width // 64, 1),
        joint_attention_dim=TEXT_WIDTH,
        caption_projection_dim=width,
        pooled_projection_dim=POOLED,
        pos_embed_max_size=max(side // 2, 96),
    )
    generator = torch.Generator().manual_seed(0)
    for parameter in net.parameters():
        parameter.data.normal_(std=0.5 / width**0.5, generator=generator)
    return net.eval()


def work(args, samples: int) -> Work:
    """What a number of samples is drawn from."""
    generator, kind = torch.Generator().manual_seed(1), DTYPES[args.dtype]

    def draw(*shape):
        return torch.randn(samples, *shape, generator=generator).to(args.device, kind)

    x = draw(CHANNELS, args.side, args.side)
    prompts = [(draw(args.text, TEXT_WIDTH), draw(POOLED)) for _ in range(2)]
    return Work(network(args.width, args.side).to(args.device, kind), x, *prompts, args.steps)


def pipeline_cfg(work: Work) -> torch.Tensor:
    """diffusers' pipeline under CFG."""
    numbers = ("", "_2", "_3")
    nothing = dict.fromkeys(
        ["vae", *(f"{w}{n}" for w in ("tokenizer", "text_encoder") for n in numbers)]
    )
    pipe = StableDiffusion3Pipeline(
        transformer=work.net, scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0), **nothing
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe(
        prompt_embeds=work.prompt[0],
        pooled_prompt_embeds=work.prompt[1],
        negative_prompt_embeds=work.negative[0],
        negative_pooled_prompt_embeds=work.negative[1],
        latents=work.x,
        height=8 * work.x.shape[2],
        width=8 * work.x.shape[3],
        num_inference_steps=work.steps,
        guidance_scale=CFG,
        output_type="latent",
    ).images


@torch.no_grad()
def released_sgg(work: Work) -> torch.Tensor:
    """The released code's calls: the null branch in every step, the skipped forward apart."""
    x, scheduler = work.x, work.times()
    text, pooled = (torch.cat(pair) for pair in zip(work.negative, work.prompt, strict=True))
    for i, t in enumerate(scheduler.timesteps):
        both = torch.cat([x, x])
        v = work.net(both, text, pooled, t.expand(len(both)), return_dict=False)[0]
        null, guided = v.chunk(2)
        if i < work.switch:
            guided = null + CFG * (guided - null)
        else:
            at = t.expand(len(x))
            weak = work.net(x, *work.prompt, at, return_dict=False, skip_layers=SKIPPED)[0]
            guided = guided + SKIP * (guided - weak)
        x = scheduler.step(guided, t, x, return_dict=False)[0]
    return x


def engine(windows: list[dict], work: Work, batched: bool | None) -> tuple[torch.Tensor, float]:
    """The engine under these windows, and the forwards it ran per sample."""
    use = {"latents": list(work.x.shape[1:]), "text_tokens": work.prompt[0].shape[1]}
    denoiser = Denoiser(SD3(work.net), device=work.x.device, batched=batched, use=use)
    times = work.times().sigmas.tolist()
    x, _ = sample(
        denoiser,
        work.x.float(),
        Condition(work.prompt, work.negative),
        times=times,
        methods=resolve(TypeAdapter(Guidance).validate_python(windows), times),
        solver="euler",
        noise=None,
    )
    return x, denoiser.forwards


def guidances(steps: int) -> dict[str, list[dict]]:
    """CFG, and SGG as released."""
    half = steps // 2
    skip = {"method": "skip_layer", "weight": SKIP + 1, "blocks": SKIPPED, "steps": [half, steps]}
    cfg = {"method": "cfg", "weight": CFG}
    return {"cfg": [cfg], "sgg": [cfg | {"steps": [0, half]}, skip]}


def runs(name: str, work: Work) -> dict:
    """What is compared for one guidance: the other's code first, then the engine both ways."""
    windows = guidances(work.steps)[name]
    return {
        "other": lambda: (pipeline_cfg if name == "cfg" else released_sgg)(work),
        "apart": lambda: engine(windows, work, False)[0],
        "batched": lambda: engine(windows, work, True)[0],
    }


def others_forwards(name: str, steps: int) -> float:
    """Forwards per sample that the other's code runs."""
    skipped = (1 - len(SKIPPED) / DEPTH) * (steps - steps // 2)
    return 2 * steps + (skipped if name == "sgg" else 0)


def seconds(run, device: str) -> float:
    """Of one run."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    before = clock()
    run().cpu()  # waits for a GPU
    return clock() - before


def give_back_freed_memory() -> None:
    """Have the C library return freed memory at once, so that peaks are those of what is in use."""
    libc = ctypes.CDLL(None)
    libc.mallopt(MMAP_THRESHOLD, 65536)
    libc.malloc_trim(0)


def peak_memory(run, device: str) -> float:
    """Megabytes that a run adds to what there was before it."""
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before = resident("VmRSS")
    run()
    return resident("VmHWM") - before


def resident(what: str) -> float:
    """Megabytes of this process by Linux: VmRSS now, VmHWM at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def compare(args, name: str, samples: int) -> None:
    """Print the line of one guidance and number of samples."""
    drawn = work(args, samples)
    found, windows = runs(name, drawn), guidances(args.steps)[name]
    results = {how: run().float() for how, run in found.items()}  # the first run is not timed
    least = dict.fromkeys(found, float("inf"))
    for _ in range(args.repeats):
        for how, run in found.items():
            least[how] = min(least[how], seconds(run, args.device))
    tokens = samples * ((args.side // 2) ** 2 + args.text)
    rule = "batched" if one_batch(torch.device(args.device).type, tokens) else "apart"
    other, mine = results["other"], results[rule]
    counted = engine(windows, drawn, None)[1]
    print(
        f"{name:4} {samples:7} {others_forwards(name, args.steps):8.2f} {counted:7.2f}"
        f" {least['other']:8.2f} {least['apart']:7.2f} {least['batched']:8.2f}"
        f" {least['other'] / least['apart']:7.2f} {least['other'] / least['batched']:8.2f}"
        f" {rule:>8} {((other - mine).norm() / other.norm()).item():11.1e}",
        flush=True,
    )


def compare_memory(args, name: str, samples: int) -> None:
    """Print the line of one guidance and number of samples."""
    found = runs(name, work(args, samples))
    peaks = {how: peak_memory(run, args.device) for how, run in found.items()}
    print(
        f"{name:4} {samples:7} {peaks['other']:8.1f} {peaks['apart']:7.1f} {peaks['batched']:8.1f}",
        flush=True,
    )


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, nargs="+", default=[1, 2, 8, 16])
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--side", type=int, default=16, help="height and width of the latents")
    parser.add_argument("--text", type=int, default=40, help="tokens of a prompt")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=DTYPES, default="fp32")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    print(
        f"{DEPTH} blocks of width {args.width}, {(args.side // 2) ** 2} image and {args.text} text "
        f"tokens, {args.steps} steps, {args.dtype} on {args.device}"
    )
    print("other: diffusers' pipeline for cfg, the released code's calls for sgg")
    print(
        "                 forwards           seconds          other / engine    by the   relative"
    )
    print(
        "     samples    other  engine    other   apart  batched"
        "   apart  batched     rule difference"
    )
    lines = [(name, samples) for name in guidances(args.steps) for samples in args.samples]
    for line in lines:
        compare(args, *line)
    give_back_freed_memory()
    print("peak MB        other   apart  batched")
    for line in lines:
        compare_memory(args, *line)


if __name__ == "__main__":
    main()
