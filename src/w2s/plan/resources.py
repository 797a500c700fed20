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
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from w2s.models.registry import shape_of
from w2s.params.parts import Part, Study
from w2s.plan.compared import ADM_IMAGES, compared_of
from w2s.plan.estimate import FLOAT, Estimator, parameters
from w2s.plan.feature_cost import CONV, held, macs, outputs, weights
from w2s.plan.job_resources import Resources
from w2s.plan.kinds import on_gpu
from w2s.plan.nodes import Node

SAFETY = 2.0
START = 10.0  # minutes: imports, reading, writing
PROGRAM, PROGRAM_GPU = 800, 4000  # MB of a process with its imports: 525 measured; CUDA is big
KEPT = 17  # values for the backward pass per token, width and block
SD_CHANNELS = 128  # of the first level
READ_AHEAD = 16  # batches of real images that are read at once
BRANCHES = 4  # signals of one solver step, at most about
CPU_RATE, GPU_RATE = 0.1, 3e-5  # seconds per billion multiply-accumulates, where none is measured
BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}  # of a weight
VAE_MACS = {"trained": 1e5, "diffusers": 1e7}  # multiply-accumulates per pixel, about
READ_WEIGHTS = 2  # copies of a published network's or a judge's weights while they are read


@dataclass(frozen=True)
class Needs:
    """What a node's work takes, before the program itself and any margin."""

    data: float = 0.0  # bytes of weights and data
    activations: float = 0.0  # bytes, where the work is done
    gmacs: float = 0.0  # billions of multiply-accumulates


class Budget:
    """Resources for the nodes of one part's plan."""

    def __init__(self, study: Study, part: Part, estimator: Estimator):
        self.execution, self.cost = study.execution, study.cost
        self.part, self.params, self.estimator = part, part.params, estimator
        compared = compared_of(part, "dinov2")
        other = Estimator(compared, estimator.plan) if compared else None
        self.dinov2 = Budget(study, compared, other) if compared else None

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
        if node.kind in ("features", "reference") and (other := self._seeing(node)) is not self:
            return other._needs(node)
        by_kind = self._kinds()
        return by_kind[node.kind](node) if node.kind in by_kind else Needs()

    def _seeing(self, node: Node) -> Budget:
        """What prices the feature network that a node is, or reads images with."""
        if node.kind != "features":
            node = self.estimator.plan.nodes[node.parents["features"][0]]
        return self.dinov2 if self.dinov2 and node.spec["kind"] == "dinov2" else self

    def _kinds(self) -> dict[str, Callable[[Node], Needs]]:
        """What each kind takes."""
        return {
            "images": self._images,
            "vae": self._trained_vae,
            "latents": self._latents,
            "features": self._features,
            "reference": self._reference,
            "train": self._train,
            "weights": self._weights,
            "segment": self._segment,
            "probe": self._probe,
            "decoded": self._decoded,
            "metrics": self._measured,
        }

    def _images(self, node: Node) -> Needs:
        return Needs(data=node.spec["count"] * self.picture)

    def _trained_vae(self, node: Node) -> Needs:
        spec = node.spec
        if spec["kind"] != "trained":
            return Needs()
        images = self.estimator.images * self.picture
        return Needs(images, self._conv(spec["batch"]), 3 * self._passes(self._drawn(spec)))

    def _features(self, node: Node) -> Needs:
        spec = node.spec
        if spec["kind"] != "trained":
            return Needs(READ_WEIGHTS * self._weights_read)
        images = min(spec["images"], self.estimator.images) * self.picture
        return Needs(images, self._seen(spec["batch"]), 3 * self._looks(self._drawn(spec)))

    def _latents(self, node: Node) -> Needs:
        count = self.estimator.images / node.spec["of"] * (1 + node.spec["flip"])
        data = 2 * self.estimator.of(node).bytes
        return Needs(data, self._conv(node.spec["batch"]), self._passes(count))

    def _reference(self, node: Node) -> Needs:
        count = self._compared(node.spec)
        batch = self.params.metrics.batch
        data = count * self.outputs + READ_AHEAD * batch * self.picture + self._weights_read
        return Needs(data, self._seen(batch), self._looks(count))

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
        work = self._passes(count) + self._looks(count)
        data = count * (self.picture + self.outputs)
        return Needs(data, self._conv(batch) + self._seen(batch), work)

    def _measured(self, node: Node) -> Needs:
        """Metrics of what a feature network gave, or, of images alone, of what it is yet to."""
        if "features" not in node.parents:
            return Needs((self.estimator.samples() + self.real_images) * self.outputs)
        like, count, pixels = self._seeing(node), self.estimator.samples(), self.picture // 3
        data = (count + like.real_images) * like.outputs + like._weights_read
        return Needs(data, like._seen(node.spec["batch"], pixels), like._looks(count, pixels))

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

    def _conv(self, batch: int) -> float:
        """Bytes that the VAE keeps of a batch."""
        return FLOAT * batch * CONV * self._first * self.params.data.resolution**2

    @property
    def _first(self) -> int:
        """Channels of the VAE's first level."""
        vae = self.params.vae
        return vae.block_channels[0] if vae.kind == "trained" else SD_CHANNELS

    @property
    def picture(self) -> int:
        """Bytes of an image."""
        return 3 * self.params.data.resolution**2

    @property
    def outputs(self) -> int:
        """Bytes of all that the feature network gives of an image, and of a copy."""
        return 2 * FLOAT * outputs(self.params.features)

    @property
    def _weights_read(self) -> int:
        """Bytes of the feature network's own weights, where they are many."""
        return FLOAT * weights(self.params.features)

    def _seen(self, batch: int, pixels: int | None = None) -> float:
        """Bytes that the feature network holds of a batch of images of so many pixels."""
        return FLOAT * batch * held(self.params.features, pixels or self.picture // 3)

    def _looks(self, count: float, pixels: int | None = None) -> float:
        """Billions of multiply-accumulates of the feature network for some images."""
        return count * macs(self.params.features, pixels or self.picture // 3) / 1e9

    def _passes(self, count: float) -> float:
        """Billions of multiply-accumulates of the VAE for some images."""
        return VAE_MACS[self.params.vae.kind] * count * self.picture / 3 / 1e9


def kept(config: Mapping) -> float:
    """Values that a transformer keeps of one sample for its backward pass.

    Tokens and width follow from weights and work, whatever the family: each weight is used once
    per token, and a block has about twelve times the width squared of them.
    """
    weights, shape = parameters(config), shape_of(config)
    tokens = max(shape.macs / weights, 1.0)
    return KEPT * tokens * math.sqrt(weights * shape.depth / 12)
