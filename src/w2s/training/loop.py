"""Training, read from top to bottom: one network, one objective, one loop."""

from __future__ import annotations

import csv
import json
import math
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from w2s.conditions.base import Source
from w2s.data.latents import Latents
from w2s.device import pick
from w2s.errors import OutOfTime, UserError
from w2s.files import sha256
from w2s.job import Job
from w2s.models.load import build as build_network
from w2s.models.load import load
from w2s.models.registry import family_of
from w2s.training.adamw import AdamW
from w2s.training.batches import Batches
from w2s.training.check import check
from w2s.training.conditions import conditioned, misfit
from w2s.training.ema import PowerEMA
from w2s.training.objectives import objective_from
from w2s.training.objectives.base import mse
from w2s.training.signals import Taps, pushes
from w2s.training.state import States, read, write

SAVE_SECONDS = 30.0  # between two saved states
REPORT_SECONDS = 10.0  # between two lines in the job's log
ROWS = 100  # of the loss curve, in a run from its first step
AGREE = 10  # processes agree on saving and stopping at every such step
GO, SAVE, STOP = 0, 1, 2


def build(job: Job) -> dict:
    """Train one network.

    Spec: model (a configuration), objective, steps and start (updates counted from the trunk's
    first), batch (over all processes), lr, betas, warmup (steps), clip (norm, 0 is none),
    weight_decay, label_dropout, conditional, ema (relative lengths), snapshots (steps),
    head_weight (of the mid head's own loss), seed, precision ("fp32" or "bf16").
    Parents: latents (all shards), trunk (the run to continue from `start`), weak (the frozen
    network of objective "ag").  Writes snapshots/, state.safetensors, config.json and log.csv.
    Returns forwards (of one sample, backward passes not counted) and seconds_per_step.
    Raises UserError where the recipe does not fit, and where the loss is no longer finite;
    OutOfTime, the state saved, when the time budget ends or SIGTERM comes.
    """
    from accelerate import Accelerator

    began, spec, start = time.monotonic(), job.spec, job.spec["start"]
    check(spec)
    objective, latents = objective_from(spec["objective"]), Latents(job.parents["latents"])
    labelled, source = conditioned(job, latents)
    device = pick(job.execution.device)
    mixed = {"fp32": "no", "bf16": "bf16"}[spec["precision"]]
    accelerator = Accelerator(cpu=device.type == "cpu", mixed_precision=mixed)
    world, main = accelerator.num_processes, accelerator.is_main_process
    _check_data(spec, latents, source, world)

    # The network, its averages, and what may be read besides it.
    torch.manual_seed(spec["seed"])
    net = build_network(spec["model"]).to(accelerator.device)
    reads_head = bool(spec["head_weight"]) or objective.teaches_head
    if net.head_at is not None:
        net.head.requires_grad_(reads_head)
    ema = PowerEMA(net, spec["ema"])
    weak = load(job.parent("weak")).to(accelerator.device) if "weak" in job.parents else None
    adam = AdamW(net, spec["betas"], spec["weight_decay"])
    model = accelerator.prepare(Taps(net, reads_head, objective))

    # Where to go on: this run's own state, else the trunk's, else the beginning.
    states = States(job.execution.state / job.key, job.log)
    snapshots, throughput = states.folder / "snapshots", states.folder / "throughput.csv"
    sums = torch.zeros(3, dtype=torch.float64, device=accelerator.device)  # loss, head, forwards
    with accelerator.main_process_first():  # which sets damaged states aside
        tensors, facts = states.latest() or _start(job)
    step = facts["step"]
    if tensors:
        net.load_state_dict({name: tensors[f"net/{name}"] for name in net.state_dict()})
        ema.load(tensors)
        adam.load(tensors)
        sums.copy_(tensors.get("sums", sums))
        job.log(f"going on from step {step} of {spec['steps']}")
    resumed = reported = last_saved = time.monotonic()
    first, shown = step, step
    every = max(1, spec["steps"] // ROWS)
    deadline = began + 60 * 0.9 * (job.execution.minutes or math.inf)

    def state() -> dict:
        weights = {f"net/{name}": value for name, value in net.state_dict().items()}
        return weights | ema.tensors() | adam.tensors()

    batches = Batches(
        labelled, source, spec["seed"], spec["batch"], spec["label_dropout"],
        spec["conditional"], accelerator.device, accelerator.process_index, world,
    )  # fmt: skip
    with _sigterm() as asked_to_stop:
        for batch in batches.run(step, spec["steps"]):
            with accelerator.autocast():
                seen = model(batch.x, batch.t, *batch.condition.given)
                push, forwards = pushes(objective, batch, seen, net, ema.first, weak)
            loss = objective.loss(seen.v, batch.u, batch.t, push, seen.head).mean()
            total, head_loss = loss, loss.new_zeros(())
            if spec["head_weight"]:
                head_loss = mse(seen.head, batch.u).mean()
                total = loss + spec["head_weight"] * head_loss
            accelerator.backward(total)
            if spec["clip"]:
                accelerator.clip_grad_norm_(adam.parameters, spec["clip"])
            adam.step(spec["lr"] * min(1, (step + 1) / max(spec["warmup"], 1)))
            step, facts["images"] = step + 1, facts["images"] + spec["batch"]
            ema.update(step)
            sums += torch.stack(
                [loss.detach(), head_loss.detach(), loss.new_tensor(len(batch.t) + forwards)]
            )

            now = time.monotonic()
            done = step == spec["steps"]
            wish = SAVE if done or now - last_saved >= SAVE_SECONDS else GO
            if asked_to_stop() or now >= deadline:
                wish = STOP if not done else SAVE
            if world > 1 and (step % AGREE == 0 or done):
                wish = int(accelerator.gather(torch.tensor([wish], device=sums.device)).max())
            elif world > 1:
                wish = GO
            if step % every == 0 or wish != GO:
                sums = accelerator.reduce(sums, "mean")
                _refuse_infinite(sums, spec, step, every)
            if step % every == 0 or done:
                count = step - (facts["log"][-1][0] if facts["log"] else start)
                means = [f"{value:.6g}" for value in (sums[:2] / count).tolist()]
                facts["log"].append([step, facts["images"], *means])
                sums[:2] = 0
            if main and step in spec["snapshots"]:
                for std, average in ema.nets.items():
                    name = f"step-{step:07d}-ema-{std:.3f}.safetensors"
                    write(snapshots / name, average.state_dict(), {"step": step, "ema": std})
                    facts["snapshots"][name] = sha256(snapshots / name)
            if wish != GO:
                if main:
                    states.save(step, state() | {"sums": sums}, facts | {"step": step})
                last_saved = time.monotonic()
            if main and (now - reported >= REPORT_SECONDS or done):
                pace = (now - reported) / (step - shown)
                left = (now - resumed) / (step - first) * (spec["steps"] - step)
                job.log(
                    f"step {step}/{spec['steps']}, loss {loss.item():.4f}, "
                    f"{1000 * pace:.0f} ms per step, {left:.0f} s left"
                )
                job.tell("training step", step, spec["steps"], left)
                with throughput.open("a") as file:  # step, seconds per step, images per second
                    file.write(f"{step},{pace:.6f},{spec['batch'] / pace:.2f}\n")
                reported, shown = now, step
            if wish == STOP:
                raise OutOfTime(f"stopped at step {step} of {spec['steps']}; the state is saved")

    if main:
        _publish(job, snapshots, facts, state())
    accelerator.wait_for_everyone()
    return {
        "forwards": float(sums[2]) * world,
        "seconds_per_step": (time.monotonic() - resumed) / max(step - first, 1),
    }


def _check_data(spec: dict, latents: Latents, source: Source, world: int) -> None:
    reads = family_of(spec["model"]).latents(spec["model"])
    if reads != (latents.channels, latents.size, latents.size):
        channels, height, width = reads
        raise UserError(
            f"the model reads {channels} channels of {height} x {width} pixels and the latents "
            f"have {latents.channels} of {latents.size} x {latents.size}: change the model"
        )
    if wrong := misfit(spec["model"], source):
        raise UserError(f"{wrong}: change the model")
    if spec["batch"] % world:
        raise UserError(f"a batch of {spec['batch']} does not split over {world} processes")


def _start(job: Job) -> tuple[dict, dict]:
    """The tensors and facts that a run without a state of its own begins with."""
    start, facts = job.spec["start"], {"step": 0, "images": 0}
    tensors = {}
    if start:
        tensors, facts = read(job.parent("trunk") / "state.safetensors")
        tracked = {key.split("/")[1] for key in tensors if key.startswith("ema/")}
        wanted = {f"{std:.3f}" for std in job.spec["ema"]}
        if not wanted <= tracked:
            raise UserError(
                f"a branch goes on with its trunk's averages, {', '.join(sorted(tracked))}: "
                f"it cannot track {', '.join(sorted(wanted - tracked))} from step {start} on"
            )
    if facts["step"] != start:
        raise UserError(f"start is {start}, but the trunk ends at step {facts['step']}")
    return tensors, facts | {"snapshots": {}, "log": []}


def _refuse_infinite(sums: torch.Tensor, spec: dict, step: int, every: int) -> None:
    if not torch.isfinite(sums).all():
        raise UserError(
            f"recipe '{spec['objective']['name']}': the loss is no longer finite at step {step} "
            f"(it was at step {max(step - every, 0)}): lower lr or the objective's scale, "
            "or clip gradients"
        )


def _publish(job: Job, snapshots: Path, facts: dict, state: dict) -> None:
    (job.out / "snapshots").mkdir(parents=True)
    for name in facts["snapshots"]:
        shutil.copyfile(snapshots / name, job.out / "snapshots" / name)
    ends = {"step": job.spec["steps"], "images": facts["images"]}
    write(job.out / "state.safetensors", state, ends)
    (job.out / "config.json").write_text(json.dumps(job.spec["model"], indent=1) + "\n")
    with (job.out / "log.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [["step", "images", "loss", "head_loss"], *facts["log"]]
        )


@contextmanager
def _sigterm() -> Iterator:
    """Whether SIGTERM has come since, as a function; the step under way is finished first."""
    came = []
    before = signal.signal(signal.SIGTERM, lambda *_: came.append(True))
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGTERM, before)
