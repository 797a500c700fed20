"""What a node's job asks of a machine: threads, memory, minutes and GPUs, from the plan alone.

Each follows from the node's kind, its networks, its batch and the number of its images, never from
the machine that plans: a login node without a GPU asks a cluster for the same.

Memory is what the program itself takes, plus `SAFETY` times

- weights: every network's once, and in training those of gradients, AdamW's moments, averages and
  a copy that is being saved;
- activations of one batch, where there is no GPU to hold them: a transformer keeps 17 values per
  token, unit of width and block for its backward pass (arXiv 2205.05198, section 4.1, without
  dropout), a convolutional network `CONV` values per pixel and channel of its first level;
- data: images, features and states that a job holds whole.

Minutes are `SAFETY` times the work over the rate of the device, plus `START`.  The rate is the
study's measured `cost`, except that one of a CPU says nothing of a GPU: then `GPU_RATE` stands.

A job that failed asks for more of both, up to `MOST` times what was planned.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from w2s.models.registry import shape_of
from w2s.params.parts import Part, Study
from w2s.plan.estimate import FLOAT, OUTPUTS, Estimator, parameters
from w2s.plan.kinds import on_gpu
from w2s.plan.nodes import Node

SAFETY = 2.0
START = 10.0  # minutes: imports, reading, writing
MOST = 3  # times what is planned, for a job that fails again and again
PROGRAM, PROGRAM_GPU = 800, 4000  # MB of a process with its imports: 525 measured; CUDA is big
KEPT = 17  # values for the backward pass per token, width and block
CONV = 24  # values per pixel and channel of the first level, all levels together
SD_CHANNELS, INCEPTION_CHANNELS = 128, 64  # of the first level
ADM_IMAGES = 10_000  # in its file, beside statistics of all
READ_AHEAD = 16  # batches of real images that are read at once
BRANCHES = 4  # signals of one solver step, at most about
CPU_RATE, GPU_RATE = 0.1, 3e-5  # seconds per billion multiply-accumulates, where none is measured
BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}  # of a weight
MACS = {  # multiply-accumulates per pixel of a forward, about
    "vae": {"trained": 1e5, "diffusers": 1e7},
    "features": {"trained": 2e4, "inception-v3-compat": 1e5},
}


@dataclass(frozen=True)
class Needs:
    """What a node's work takes, before the program itself and any margin."""

    data: float = 0.0  # bytes of weights and data
    activations: float = 0.0  # bytes, where the work is done
    gmacs: float = 0.0  # billions of multiply-accumulates


@dataclass(frozen=True)
class Resources:
    """What a job asks for."""

    threads: int
    mem_mb: int
    minutes: int
    gpus: int
    stops: bool = False  # by itself, its state saved: more time is of no use to it

    def grown(self, attempt: int) -> Resources:
        """What the job asks for when it is tried for the `attempt`-th time, from 1."""
        times = min(attempt, MOST)
        minutes = self.minutes if self.stops else self.minutes * times
        return replace(self, mem_mb=self.mem_mb * times, minutes=minutes)


class Budget:
    """Resources for the nodes of one part's plan."""

    def __init__(self, study: Study, part: Part, estimator: Estimator):
        self.execution, self.cost = study.execution, study.cost
        self.part, self.params, self.estimator = part, part.params, estimator

    def of(self, node: Node) -> Resources:
        """What one node's job asks for."""
        gpus, needs = self.gpus(node), self._needs(node)
        program = PROGRAM_GPU if gpus else PROGRAM
        memory = program + SAFETY * (needs.data + (0 if gpus else needs.activations)) / 2**20
        minutes = START + SAFETY * self.seconds(node) / 60
        budget = self.execution.minutes
        stops = node.kind == "train" and bool(budget)
        if stops:
            minutes = min(minutes, START + budget)
        return Resources(
            threads=self.execution.threads,
            mem_mb=math.ceil(memory / 100) * 100,
            minutes=math.ceil(minutes),
            gpus=gpus,
            stops=stops,
        )

    def gpus(self, node: Node) -> int:
        """GPUs that one node's job asks for."""
        wanted = on_gpu(node.kind, node.spec) and self.execution.device != "cpu"
        return self.params.gpus if wanted else 0

    def seconds(self, node: Node) -> float:
        """Estimate of one node's work alone, without start and safety."""
        return self._needs(node).gmacs * self._rate(self.gpus(node))

    def measured(self, gpus: int) -> bool:
        """Whether the study's cost was measured on the sort of device that a job asks for."""
        return self.cost is not None and not (gpus and self.cost.device.startswith("CPU"))

    def _rate(self, gpus: int) -> float:
        """Seconds per billion multiply-accumulates."""
        if self.measured(gpus):
            return self.cost.seconds_per_gmac
        return GPU_RATE if gpus else CPU_RATE

    def _needs(self, node: Node) -> Needs:
        """What the node's kind takes; nothing but the program where it has no entry."""
        by_kind = self._kinds()
        return by_kind[node.kind](node) if node.kind in by_kind else Needs()

    def _kinds(self) -> dict[str, Callable[[Node], Needs]]:
        """What each kind takes."""
        return {
            "images": self._images,
            "vae": self._trained_vae,
            "latents": self._latents,
            "features": self._trained_features,
            "reference": self._reference,
            "train": self._train,
            "weights": self._weights,
            "segment": self._segment,
            "probe": self._probe,
            "decoded": self._decoded,
            "metrics": self._scored,
        }

    def _images(self, node: Node) -> Needs:
        return Needs(data=node.spec["count"] * self.picture)

    def _trained_vae(self, node: Node) -> Needs:
        spec = node.spec
        if spec["kind"] != "trained":
            return Needs()
        images = self.estimator.images * self.picture
        return Needs(images, self._conv(spec["batch"]), 3 * self._passes("vae", self._drawn(spec)))

    def _trained_features(self, node: Node) -> Needs:
        spec = node.spec
        if spec["kind"] != "trained":
            return Needs()
        images = min(spec["images"], self.estimator.images) * self.picture
        activations = self._conv(spec["batch"], spec["width"])
        return Needs(images, activations, 3 * self._passes("features", self._drawn(spec)))

    def _latents(self, node: Node) -> Needs:
        count = self.estimator.images / node.spec["of"] * (1 + node.spec["flip"])
        data = 2 * self.estimator.of(node).bytes
        return Needs(data, self._conv(node.spec["batch"]), self._passes("vae", count))

    def _reference(self, node: Node) -> Needs:
        count = self._compared(node.spec)
        batch = self.params.metrics.batch
        data = count * self.outputs + READ_AHEAD * batch * self.picture
        return Needs(data, self._conv(batch, self.width), self._passes("features", count))

    def _train(self, node: Node) -> Needs:
        spec, network = node.spec, node.spec["model"]
        copies = 6 + 2 * len(spec["ema"])  # weights, gradients, two moments, a weak one, a copy
        # Objectives run the network again from some block on, without keeping what it passes.
        activations = FLOAT * spec["batch"] * 2 * kept(network)
        data = FLOAT * copies * parameters(network)
        return Needs(data, activations, self.estimator.of(node).gmacs)

    def _weights(self, node: Node) -> Needs:
        return Needs(4 * self.estimator.of(node).bytes)  # summed in float64, from single ones

    def _segment(self, node: Node) -> Needs:
        nets = [
            keys[0] for role, keys in node.parents.items() if role.startswith(("model", "weak"))
        ]
        networks = [self.estimator.used(node, key) for key in nets]
        one_block = max(kept(n) / shape_of(n).depth for n in networks)
        estimate = self.estimator.of(node)
        return Needs(
            BYTES[node.spec.get("weights", "fp32")] * sum(map(parameters, networks))
            + 3 * estimate.bytes,
            FLOAT * BRANCHES * node.spec["batch"] * one_block,
            estimate.gmacs,
        )

    def _probe(self, node: Node) -> Needs:
        """The truth holds the latents in double precision, and as much again computed of them."""
        nodes = self.estimator.plan.nodes
        latents = sum(self.estimator.of(nodes[key]).bytes for key in node.parents["latents"])
        return Needs(4 * latents, gmacs=self.estimator.of(node).gmacs)

    def _decoded(self, node: Node) -> Needs:
        count, batch = self.estimator.samples(), self.params.metrics.batch
        work = self._passes("vae", count) + self._passes("features", count)
        data = count * (self.picture + self.outputs)
        return Needs(data, self._conv(batch) + self._conv(batch, self.width), work)

    def _scored(self, node: Node) -> Needs:
        return Needs((self.estimator.samples() + self.real_images) * self.outputs)

    @property
    def real_images(self) -> int:
        """How many real images samples are compared with."""
        return self._compared(self.params.reference.model_dump())

    def _compared(self, reference: dict) -> int:
        """Real images whose features are held: all where no number is given."""
        adm = reference["kind"] == "adm"
        return ADM_IMAGES if adm else reference["count"] or self.estimator.images

    def _drawn(self, spec: dict) -> int:
        """Images that a training run draws."""
        return spec["steps"] * spec["batch"]

    def _conv(self, batch: int, channels: int | None = None) -> float:
        """Bytes that a convolutional network keeps of a batch; the VAE if no width is given."""
        return FLOAT * batch * CONV * (channels or self._first) * self.params.data.resolution**2

    @property
    def _first(self) -> int:
        """Channels of the VAE's first level."""
        vae = self.params.vae
        return vae.block_channels[0] if vae.kind == "trained" else SD_CHANNELS

    @property
    def width(self) -> int:
        """Channels of the feature network's first level."""
        features = self.params.features
        return features.width if features.kind == "trained" else INCEPTION_CHANNELS

    @property
    def picture(self) -> int:
        """Bytes of an image."""
        return 3 * self.params.data.resolution**2

    @property
    def outputs(self) -> int:
        """Bytes of all that the feature network gives of an image, and of a copy."""
        return 2 * FLOAT * OUTPUTS[self.params.features.kind]

    def _passes(self, network: str, count: float) -> float:
        """Billions of multiply-accumulates of the VAE or the feature network for some images."""
        return MACS[network][getattr(self.params, network).kind] * count * self.picture / 3 / 1e9


def kept(config: Mapping) -> float:
    """Values that a transformer keeps of one sample for its backward pass.

    Tokens and width follow from weights and work, whatever the family: each weight is used once
    per token, and a block has about twelve times the width squared of them.
    """
    weights, shape = parameters(config), shape_of(config)
    tokens = max(shape.macs / weights, 1.0)
    return KEPT * tokens * math.sqrt(weights * shape.depth / 12)
