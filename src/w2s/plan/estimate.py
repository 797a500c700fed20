"""What a plan will cost: forwards, device hours and disk, before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from w2s.guidance.base import STRONG
from w2s.models.backbone import Shape
from w2s.models.registry import family_of, shape_of
from w2s.params.networks import latent_size
from w2s.params.parts import Part
from w2s.plan.feature_cost import outputs
from w2s.plan.nodes import Node
from w2s.sampling.trajectories import Segment, decode, segment_forwards, signals_of
from w2s.sampling.tree import forwards

BACKWARD = 2  # forwards that a backward pass counts as
FLOAT = 4  # bytes


@dataclass(frozen=True)
class Estimate:
    """Work and space."""

    forwards: float = 0.0  # per sample, of each node's own network
    gmacs: float = 0.0  # billions of multiply-accumulates behind them
    bytes: float = 0.0

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(
            self.forwards + other.forwards, self.gmacs + other.gmacs, self.bytes + other.bytes
        )


def gmacs(config: Mapping) -> float:
    """Billions of multiply-accumulates of one forward of a network for one sample."""
    return shape_of(config).macs / 1e9


def parameters(config: Mapping) -> float:
    """Weights of a network, about."""
    return family_of(config).parameters(config)


class Estimator:
    """Estimates for the nodes of one plan.

    Counted are the transformers' forwards and the files that grow with the study; encoding,
    decoding and feature networks are not.
    """

    def __init__(self, part: Part, plan):
        self.params, self.plan = part.params, plan
        data = part.params.data
        self.images = data.count if data.kind == "toy" else data.images or 0

    def of(self, node: Node) -> Estimate:
        """The estimate for one node."""
        by_kind = {
            "train": self._train,
            "segment": self._segment,
            "probe": self._probe,
            "weights": lambda n: Estimate(bytes=FLOAT * parameters(self.network_of(n.key))),
            "latents": self._latents,
            "decoded": lambda _: Estimate(bytes=self.samples() * self._picture()),
        }
        return by_kind[node.kind](node) if node.kind in by_kind else Estimate()

    def _train(self, node: Node) -> Estimate:
        spec, network = node.spec, node.spec["model"]
        count = spec["batch"] * (spec["steps"] - spec["start"]) * (1 + BACKWARD)
        kept = len(spec["snapshots"]) * len(spec["ema"])
        state = 3 + len(spec["ema"])  # weights, AdamW's two moments, the averages
        return Estimate(count, count * gmacs(network), FLOAT * parameters(network) * (kept + state))

    def _segment(self, node: Node) -> Estimate:
        spec, network = node.spec, self.used(node, node.parents["model"][0])
        earlier = node.helpers.get("from")
        start = self.plan.nodes[earlier[0]].spec["stop"] if earlier else 0
        piece = Segment(start, decode(spec["steps"]))
        samples = self.samples() / spec["of"]
        each = segment_forwards(piece, self._shapes(node), spec["times"], spec["solver"])
        count = samples * each
        channels, height, width = spec["shape"]
        space = FLOAT * samples * channels * height * width
        return Estimate(count, count * gmacs(network), space)

    def _probe(self, node: Node) -> Estimate:
        """Every guidance's own path, and for velocities all signals once on the marginal path."""
        spec, shapes = node.spec, self._shapes(node)
        ways = [decode(runs) for runs in spec["guidance"].values()]
        each = sum(
            segment_forwards(Segment(0, way), shapes, spec["times"], spec["solver"]) for way in ways
        )
        if "velocity" in spec["measures"]:
            each += sum(
                forwards({STRONG}.union(*map(signals_of, methods)), shapes)
                for methods in zip(*ways, strict=True)
            )
        count = len(spec["seeds"]) * spec["per_seed"] * each
        return Estimate(count, count * gmacs(self.used(node, node.parents["model"][0])))

    def _shapes(self, node: Node) -> dict[str, Shape]:
        """The networks that draw a node, by the names that signals have for them."""
        shapes = {"main": shape_of(self.used(node, node.parents["model"][0]))}
        for role, keys in node.parents.items():
            if role.startswith("weak:"):
                shapes[role.removeprefix("weak:")] = shape_of(self.used(node, keys[0]))
        return shapes

    def _latents(self, node: Node) -> Estimate:
        values = self.params.vae.latent_channels * latent_size(self.params) ** 2
        copies = 2 * (1 + node.spec["flip"])  # mean and deviation, mirrored or not
        return Estimate(bytes=FLOAT * self.images / node.spec["of"] * copies * values)

    def _picture(self) -> int:
        """Bytes of one sample's picture and of what the feature network gives of it."""
        return 3 * self.params.data.resolution**2 + FLOAT * outputs(self.params.features)

    def samples(self) -> int:
        """Samples of a whole set."""
        return len(self.params.sampling.seeds) * self.params.sampling.per_seed

    def used(self, segment: Node, weights: str) -> Mapping:
        """The network that a weights node holds, as a segment uses it."""
        return self.network_of(weights)

    def network_of(self, weights: str) -> Mapping:
        """The network that a weights node holds."""
        node = self.plan.nodes[weights]
        if "network" in node.spec:
            return node.spec["network"]
        if "whole" in node.parents:
            whole = self.network_of(node.parents["whole"][0])
        else:
            whole = self.plan.nodes[node.parents["train"][0]].spec["model"]
        return family_of(whole).part_config(whole, node.spec["part"])
