"""What a text part's nodes cost: disk and forwards, memory and minutes, from the plan alone."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from w2s.metrics.score_registry import SCORES
from w2s.params.parts import Part
from w2s.params.pipelines import latents_of
from w2s.pipelines.folder import PipelineFolder
from w2s.plan.estimate import FLOAT, Estimate, Estimator, parameters
from w2s.plan.nodes import Node
from w2s.plan.resources import BYTES, CONV, MACS, SD_CHANNELS, Budget, Needs

STORED = 2  # bytes of a weight in the released folders
RELEASED = {  # weights of the released encoders
    "text_encoder": 1.2e8,
    "text_encoder_2": 6.9e8,
    "text_encoder_3": 4.8e9,
}
VAE_WEIGHTS = 8.4e7
READ_WEIGHTS = 2  # copies of a judge's weights while they are read
SCORED = 16 * 4  # bytes of arithmetic per byte of an image, with a batch of 16 held at once


class TextEstimator(Estimator):
    """Estimates for the nodes of a text part's plan.

    Counted are the transformers' forwards, text tokens included, and the files that grow with the
    study; text encoders, decoding and scores are not.
    """

    def __init__(self, part: Part, plan):
        self.part, self.params, self.plan = part, part.params, plan

    def of(self, node: Node) -> Estimate:
        """The estimate for one node."""
        by_kind = {
            "embeddings": lambda n: Estimate(bytes=self._table(n)),
            "segment": self._segment,
            "weights": lambda n: Estimate(bytes=STORED * parameters(n.spec["network"])),
            "decoded": lambda _: Estimate(bytes=self.samples() * self.picture),
        }
        return by_kind[node.kind](node) if node.kind in by_kind else Estimate()

    def used(self, segment: Node, weights: str) -> Mapping:
        """A network with the latents and the text of this segment."""
        (embeddings,) = segment.parents["embeddings"]
        tokens = self.plan.nodes[embeddings].spec["max_sequence_length"]
        tokens += self.folder_of(embeddings).clip_tokens
        use = {"latents": segment.spec["shape"], "text_tokens": tokens}
        return {**self.network_of(weights), **use}

    def folder_of(self, key: str) -> PipelineFolder:
        """The pipeline that a node is read from."""
        path = self.plan.nodes[key].local["path"]
        return next(f for f in self.part.networks.values() if str(f.path) == path)

    def samples(self) -> int:
        """Images of a whole set."""
        sampling = self.params.sampling
        return len(sampling.seeds) * sampling.per_prompt * self.part.data["prompts"]

    @property
    def picture(self) -> int:
        """Bytes of an image."""
        return 3 * self.params.height * self.params.width

    def _table(self, node: Node) -> float:
        """Bytes of a table of embeddings: a row per prompt at most, and the negative one."""
        folder = self.folder_of(node.key)
        tokens = folder.clip_tokens + node.spec["max_sequence_length"]
        network = folder.transformer
        row = tokens * network["joint_attention_dim"] + network["pooled_projection_dim"]
        width = 2 if node.spec["precision"] == "fp16" else FLOAT
        return width * (self.part.data["prompts"] + 1) * row


class TextBudget(Budget):
    """Resources for the nodes of a text part's plan."""

    def _kinds(self):
        return {
            "embeddings": self._embedded,
            "weights": lambda n: Needs(2 * self.estimator.of(n).bytes),
            "segment": self._segment,
            "decoded": self._pictures,
            "converted": lambda _: Needs(2 * FLOAT * max(s.parameters for s in SCORES.values())),
            "score": self._scored,
        }

    def _on_gpu(self, node: Node) -> bool:
        if node.kind == "score":
            return SCORES[node.spec["score"]].parameters > 0
        return super()._on_gpu(node)

    def _scored(self, node: Node) -> Needs:
        score, batch = SCORES[node.spec["score"]], SCORED * self.estimator.picture
        weights = FLOAT * READ_WEIGHTS * score.parameters
        return Needs(batch + weights, gmacs=self.estimator.samples() * score.gmacs)

    def _embedded(self, node: Node) -> Needs:
        folder, clip = (
            self.estimator.folder_of(node.key),
            self.estimator.folder_of(node.key).clip_tokens,
        )
        tokens = {"text_encoder_3": node.spec["max_sequence_length"]}
        weights = {
            name: encoder_weights(folder, name)
            for name in RELEASED
            if node.spec["t5"] or name != "text_encoder_3"
        }
        macs = sum(count * tokens.get(name, clip) for name, count in weights.items())
        data = BYTES[node.spec["precision"]] * sum(weights.values())
        wide = FLOAT * node.spec["batch"] * sum(tokens.values()) * CONV
        activations = wide * folder.transformer["joint_attention_dim"]
        return Needs(data, activations, (self.part.data["prompts"] + 1) * macs / 1e9)

    def _pictures(self, node: Node) -> Needs:
        (vae,) = node.parents["vae"]
        channels, height, width = latents_of(self._folder_of_vae(vae), self.params)
        latents = FLOAT * channels * height * width
        count, pixels = self.estimator.samples(), self.params.height * self.params.width
        data = 2 * count * latents + FLOAT * VAE_WEIGHTS
        activations = FLOAT * node.spec["batch"] * CONV * SD_CHANNELS * pixels
        return Needs(data, activations, MACS["vae"]["diffusers"] * count * pixels / 1e9)

    def _folder_of_vae(self, key: str) -> PipelineFolder:
        path = self.estimator.plan.nodes[key].local["path"]
        folders = self.part.networks.values()
        return next(folder for folder in folders if str(folder.path / "vae") == path)


def encoder_weights(folder: PipelineFolder, name: str) -> float:
    """How many weights a text encoder has: by its files, or as the released one."""
    if name not in folder.weights:
        return RELEASED[name]
    return sum(prod(shape) for shape in folder.weights[name].tensors.values())
