"""The nodes of a text part: prompts and their embeddings, pipelines, images and their scores."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from w2s.metrics.score_registry import SCORES
from w2s.params.parts import Part
from w2s.params.pipelines import prompt_length, score_files, settings_of
from w2s.params.world import Captions, TrainedPipeline
from w2s.plan.compared import PLACES, compared_of
from w2s.plan.nodes import Node
from w2s.plan.pictures import Pictures
from w2s.plan.world_nodes import WorldNodes

PICKLES = (".pt", ".pth")  # which are converted before they are used


class TextNodes:
    """Each method adds the nodes of one stage, once, and returns their key."""

    def __init__(self, part: Part, add: Callable[[Node], str]):
        self.part, self.params, self.add = part, part.params, add
        self.world = WorldNodes(part, add) if part.params.world else None
        compared = [found for place in PLACES if (found := compared_of(part, place))]
        self.compared = [Pictures(like, add) for like in compared]  # for each feature network

    def made(self, name: str) -> TrainedPipeline | None:
        """What is said of a pipeline that is trained here; None for one that is given."""
        block = self.params.models[name]
        return block if isinstance(block, TrainedPipeline) else None

    @cached_property
    def prompts(self) -> str:
        """The texts, as they are used."""
        asked, found = self.params.prompts, self.part.data
        if isinstance(asked, Captions):
            return self.world.prompts(asked.count, asked.seed)
        spec = {"fingerprint": found["fingerprint"]}
        spec |= {"kind": asked.kind, "count": asked.count, "seed": asked.seed}
        return self.add(Node("prompts", spec, local={"path": asked.path}))

    def embeddings(self, name: str) -> str:
        """The prompts as a pipeline's text encoders see them."""
        encoding, folder = self.params.encoding, self.part.networks[name]
        if self.made(name):
            return self.world.embeddings(self.prompts, encoding, "embed prompts")
        spec = {
            "fingerprint": self._fingerprint(name, "text"),
            "max_sequence_length": prompt_length(folder, self.params.models[name]),
            "t5": folder.t5,
            **encoding.model_dump(),
        }
        parents, local = {"prompts": (self.prompts,)}, {"path": str(folder.path)}
        return self.add(Node("embeddings", spec, parents, local=local, label=f"embed for {name}"))

    def weights(self, name: str) -> str:
        """A pipeline's transformer."""
        if made := self.made(name):
            return self.world.weights(name, made)
        folder = self.part.networks[name]
        spec = {
            "kind": "pipeline",
            "fingerprint": self._fingerprint(name, "transformer"),
            "network": dict(folder.transformer),
        }
        local = {"path": str(folder.path)}
        return self.add(Node("weights", spec, local=local, label=f"read {name}"))

    def vae(self, name: str) -> str:
        """A pipeline's VAE, or the pipeline that it is in."""
        if made := self.made(name):
            return self.world.pipeline(name, made)
        spec = {"kind": "diffusers", "fingerprint": self._fingerprint(name, "vae")}
        local = {"path": str(self.part.networks[name].path / "vae")}
        return self.add(Node("vae", spec, local=local, label=f"VAE of {name}"))

    def images(self, model: str, segments: tuple[str, ...], row: str) -> str:
        """A row's images, from the final segments of its shards."""
        parents = {"segment": segments, "vae": (self.vae(model),), "prompts": (self.prompts,)}
        spec = {"batch": self.params.decoding.batch}
        return self.add(Node("decoded", spec, parents, label=f"decode {row}"))

    def score(self, name: str, images: str, row: str) -> str:
        """One score of a row's images."""
        score, paths = SCORES[name], score_files(self.params, name)
        spec: dict = {"score": name}
        if score.version > 1:
            spec["version"] = score.version
        if score.settings:
            spec["settings"] = settings_of(self.params, name)
        prints = {file: self.part.fingerprints[f"scores.{name}.{file}"] for file in paths}
        pickles = {file: path for file, path in paths.items() if Path(path).suffix in PICKLES}
        parents = {"decoded": (images,)}
        for file, path in pickles.items():
            converted = {"fingerprint": prints.pop(file)}
            node = Node("converted", converted, local={"path": path}, label=f"convert for {name}")
            parents[file] = (self.add(node),)
        if prints:
            spec["files"] = prints
        parents |= {role: (self.world.network(role),) for role in score.nodes}
        local = {"files": {file: paths[file] for file in prints}} if prints else {}
        return self.add(Node("score", spec, parents, local=local, label=f"score {row}, {name}"))

    def _fingerprint(self, name: str, what: str) -> str:
        return self.part.fingerprints[f"models.{name}.{what}"]
