"""What a text part's nodes cost: disk and forwards, memory and minutes, from the plan alone."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from w2s.metrics.score_registry import SCORES
from w2s.params.parts import Part, Study
from w2s.params.pipelines import latents_of
from w2s.params.world import TrainedPipeline
from w2s.pipelines.folder import PipelineFolder
from w2s.plan.compared import compared_of
from w2s.plan.estimate import BACKWARD, FLOAT, Estimate, Estimator, parameters
from w2s.plan.feature_cost import CONV
from w2s.plan.nodes import Node
from w2s.plan.resources import BYTES, KEPT, READ_WEIGHTS, VAE_MACS, Budget, Needs
from w2s.plan.world_nodes import world_of
from w2s.world.words import LENGTH, distinct_captions

WORLDS = ("images", "vae", "latents", "features", "train")  # as in a part with pictures
STORED = 2  # bytes of a weight in the released folders
RELEASED = {  # weights of the released encoders
    "text_encoder": 1.2e8,
    "text_encoder_2": 6.9e8,
    "text_encoder_3": 4.8e9,
}
VAE_WEIGHTS = 8.4e7
SCORED = 16 * 4  # bytes of arithmetic per byte of an image, with a batch of 16 held at once


class TextEstimator(Estimator):
    """Estimates for the nodes of a text part's plan.

    Counted are the transformers' forwards, text tokens included, and the files that grow with the
    study; text encoders, decoding and scores are not.
    """

    def __init__(self, part: Part, plan):
        self.part, self.params, self.plan = part, part.params, plan
        self.world = Estimator(world_of(part), plan) if part.params.world else None

    def of(self, node: Node) -> Estimate:
        """The estimate for one node."""
        by_kind = {
            "embeddings": lambda n: Estimate(bytes=self._table(n)),
            "segment": self._segment,
            "weights": self._weights,
            "pipeline": lambda n: Estimate(bytes=FLOAT * self._made(n)),
            "decoded": lambda _: Estimate(bytes=self.samples() * self.picture),
        }
        if self.world and node.kind in WORLDS:
            return self.world.of(node)
        return by_kind[node.kind](node) if node.kind in by_kind else Estimate()

    def used(self, segment: Node, weights: str) -> Mapping:
        """A network with the latents and the text of this segment."""
        (embeddings,) = segment.parents["embeddings"]
        tokens = self.plan.nodes[embeddings].spec["max_sequence_length"]
        tokens += self.folder_of(embeddings).clip_tokens
        use = {"latents": segment.spec["shape"], "text_tokens": tokens}
        return {**self.network_of(weights), **use}

    def folder_of(self, key: str) -> PipelineFolder:
        """The pipeline that a node is read from; any of those made here, which read text alike."""
        path = self.plan.nodes[key].local.get("path")
        for name, folder in self.part.networks.items():
            made = isinstance(self.params.models[name], TrainedPipeline)
            if made if path is None else path in (str(folder.path), str(folder.path / "vae")):
                return folder
        raise KeyError(key)

    def _weights(self, node: Node) -> Estimate:
        stored = FLOAT if "train" in node.parents else STORED
        return Estimate(bytes=stored * parameters(self.network_of(node.key)))

    def _made(self, node: Node) -> float:
        """Weights of a pipeline that is made here, its towers included."""
        weights = parameters(self.network_of(node.parents["weights"][0]))
        return weights + tower_weights(self.plan.nodes[node.parents["towers"][0]].spec)

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
        return width * (self.texts(node) + 1) * row

    def texts(self, node: Node) -> int:
        """How many prompts an embeddings node is of."""
        prompts = self.plan.nodes[node.parents["prompts"][0]]
        if "index" in prompts.parents:
            return prompts.spec["count"] or distinct_captions(self.params.world.data.count)
        return self.part.data["prompts"]


class TextBudget(Budget):
    """Resources for the nodes of a text part's plan."""

    def __init__(self, study: Study, part: Part, estimator: TextEstimator):
        super().__init__(study, part, estimator)
        if part.params.world:
            self.world = Budget(study, world_of(part), estimator.world)
        if compared := compared_of(part, "features"):
            self.compared = Budget(study, compared, Estimator(compared, estimator.plan))

    def _needs(self, node: Node) -> Needs:
        inside = self.params.world and node.kind in WORLDS and node.spec.get("kind") != "dinov2"
        return self.world._needs(node) if inside else super()._needs(node)

    def _seeing(self, node: Node) -> Budget:
        found = super()._seeing(node)
        return self.compared if found is self else found

    def _kinds(self):
        return {
            "clip": self._clip,
            "pipeline": lambda n: Needs(2 * self.estimator.of(n).bytes),
            "embeddings": self._embedded,
            "weights": self._weights,
            "segment": self._segment,
            "decoded": self._pictures,
            "converted": lambda _: Needs(2 * FLOAT * max(s.parameters for s in SCORES.values())),
            "score": self._scored,
            "metrics": self._measured,
        }

    @property
    def picture(self) -> int:
        return self.estimator.picture

    def _scored(self, node: Node) -> Needs:
        score, batch = SCORES[node.spec["score"]], SCORED * self.estimator.picture
        weights = FLOAT * READ_WEIGHTS * score.parameters
        return Needs(batch + weights, gmacs=self.estimator.samples() * score.gmacs)

    def _weights(self, node: Node) -> Needs:
        copies = 4 if "train" in node.parents else 2  # summed in float64, from single ones
        return Needs(copies * self.estimator.of(node).bytes)

    def _clip(self, node: Node) -> Needs:
        """Both towers on a batch, forwards and back; images are read as they are drawn."""
        spec, data = node.spec, self.params.world.data
        block = 12 * spec["width"] ** 2
        tokens = (spec["resolution"] // spec["patch"]) ** 2 + LENGTH
        passed = spec["batch"] * tokens * spec["layers"]
        weights = 4 * FLOAT * 2 * spec["layers"] * block  # gradients and AdamW's moments with them
        activations = FLOAT * KEPT * passed * spec["width"]
        work = (1 + BACKWARD) * spec["steps"] * passed * block / 1e9
        return Needs(weights + data.count * 3 * data.resolution**2, activations, work)

    def _embedded(self, node: Node) -> Needs:
        folder, clip = (
            self.estimator.folder_of(node.key),
            self.estimator.folder_of(node.key).clip_tokens,
        )
        tokens = {"text_encoder_3": node.spec["max_sequence_length"]}
        if "towers" in node.parents:
            spec = self.estimator.plan.nodes[node.parents["towers"][0]].spec
            weights = {"towers": tower_weights(spec)}
        else:
            weights = {
                name: encoder_weights(folder, name)
                for name in RELEASED
                if node.spec["t5"] or name != "text_encoder_3"
            }
        macs = sum(count * tokens.get(name, clip) for name, count in weights.items())
        data = BYTES[node.spec["precision"]] * sum(weights.values())
        wide = FLOAT * node.spec["batch"] * sum(tokens.values()) * CONV
        activations = wide * folder.transformer["joint_attention_dim"]
        return Needs(data, activations, (self.estimator.texts(node) + 1) * macs / 1e9)

    def _pictures(self, node: Node) -> Needs:
        (vae,) = node.parents["vae"]
        folder, made = self.estimator.folder_of(vae), "latents" in self._parents(vae)
        channels, height, width = latents_of(folder, self.params)
        latents = FLOAT * channels * height * width
        count, pixels = self.estimator.samples(), self.params.height * self.params.width
        first = folder.vae["block_out_channels"][0]
        data = 2 * count * latents + (0 if made else FLOAT * VAE_WEIGHTS)
        activations = FLOAT * node.spec["batch"] * CONV * first * pixels
        macs = VAE_MACS["trained" if made else "diffusers"]
        return Needs(data, activations, macs * count * pixels / 1e9)

    def _parents(self, key: str) -> Mapping:
        return self.estimator.plan.nodes[key].parents


def tower_weights(spec: Mapping) -> float:
    """Weights of both text towers that are made here, their words left out."""
    return 2 * (12 * spec["layers"] + 1) * spec["width"] ** 2


def encoder_weights(folder: PipelineFolder, name: str) -> float:
    """How many weights a text encoder has: by its files, or as the released one."""
    if name not in folder.weights:
        return RELEASED[name]
    return sum(prod(shape) for shape in folder.weights[name].tensors.values())
