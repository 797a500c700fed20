"""The nodes of a text part's world: its pictures, towers and CLIP, and the pipelines made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

from w2s.params.parts import Part
from w2s.params.pipelines import trained_network
from w2s.params.text import Encoding
from w2s.params.world import TrainedPipeline
from w2s.plan.models import Models
from w2s.plan.nodes import Node
from w2s.plan.pictures import Pictures
from w2s.world.words import LENGTH


def world_of(part: Part) -> Part:
    """The world as a part with pictures: what both have in common is planned and priced alike."""
    world = part.params.world
    data = {"name": world.data.name, "classes": world.data.classes}
    data |= {"fingerprint": None, "path": None}
    return replace(part, params=world, data=data, networks={}, fingerprints={})


class CaptionedModels(Models):
    """Networks that are trained on captions."""

    def __init__(self, part, pictures, add, captions: Callable[[], dict[str, tuple[str, ...]]]):
        super().__init__(part, pictures, add)
        self.conditions = captions

    def network(self, name):
        return trained_network(self.params, name)


class WorldNodes:
    """Each method adds the nodes of one stage, once, and returns their key."""

    def __init__(self, part: Part, add: Callable[[Node], str]):
        self.world, self.encoding, self.add = part.params.world, part.params.encoding, add
        like = world_of(part)
        self.pictures = Pictures(like, add)
        self.models = CaptionedModels(like, self.pictures, add, self._captions)

    def prompts(self, count: int | None = None, seed: int | None = None) -> str:
        """Some captions of the images, or all of them."""
        index = {"index": self.pictures.images["index"]}
        return self.add(Node("prompts", {"count": count, "seed": seed}, index))

    @cached_property
    def towers(self) -> str:
        """Tokenizers and text towers."""
        return self.add(Node("towers", self.world.towers.model_dump()))

    def embeddings(self, prompts: str, encoding: Encoding, label: str) -> str:
        """Prompts as the towers see them."""
        length = self.world.towers.text - LENGTH
        spec = {"max_sequence_length": length, "t5": False, **encoding.model_dump()}
        parents = {"prompts": (prompts,), "towers": (self.towers,)}
        return self.add(Node("embeddings", spec, parents, label=label))

    def _captions(self) -> dict[str, tuple[str, ...]]:
        """What says of each image what it is trained under; where that is dropped, no text."""
        encoding = self.encoding.model_copy(update={"negative": ""})
        table = self.embeddings(self.prompts(), encoding, "embed all captions")
        return {"index": self.pictures.images["index"], "embeddings": (table,)}

    def weights(self, name: str, block: TrainedPipeline) -> str:
        """A pipeline's transformer."""
        training = self.world.training
        step = block.at(training.recipes[block.recipe].steps) if block.fraction else None
        (seed,) = training.seeds
        return self.models.taken(name, block.recipe, seed, step, block.ema, "full")

    def pipeline(self, name: str, block: TrainedPipeline) -> str:
        """A pipeline in diffusers' layout, whose VAE has the latents' constants inside."""
        spec = {"shift": self.world.shift, "text_tokens": self.world.towers.text}
        parents = {
            "weights": (self.weights(name, block),),
            "towers": (self.towers,),
            "vae": (self.pictures.vae,),
            "latents": self.pictures.latents,
        }
        return self.add(Node("pipeline", spec, parents, label=f"pipeline {name}"))

    def network(self, role: str) -> str:
        """A network that scores read."""
        return {"features": lambda: self.pictures.features, "clip": self._clip}[role]()

    def _clip(self) -> str:
        spec = self.world.clip.model_dump() | {"resolution": self.world.data.resolution}
        return self.add(Node("clip", spec, self.pictures.images, label="train CLIP"))
