"""The nodes of a study's pictures: images, VAE, latents, and what samples are measured with."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from w2s.params.parts import Part
from w2s.plan.nodes import Node


class Pictures:
    """Each property adds the nodes of one stage, once, and holds their keys."""

    def __init__(self, part: Part, add: Callable[[Node], str]):
        self.part, self.study, self.add = part, part.params, add

    @cached_property
    def images(self) -> dict[str, tuple[str, ...]]:
        """The image index, and the rendered images if the data set is the toy's."""
        data, found = self.study.data, self.part.data
        if data.kind == "toy":
            spec = data.model_dump(include={"count", "resolution", "jitter", "seed"})
            images = (self.add(Node("images", spec, label="render images")),)
            index = Node("index", {"source": "images", "on_bad_file": "refuse"}, {"images": images})
            return {"index": (self.add(index),), "images": images}
        spec = {"source": found["fingerprint"], "on_bad_file": data.on_bad_file}
        return {"index": (self.add(Node("index", spec, local={"path": found["path"]})),)}

    @property
    def folder(self) -> dict:
        """Where the images lie, for nodes that read them."""
        path = self.part.data["path"]
        return {"path": path} if path else {}

    @cached_property
    def vae(self) -> str:
        vae = self.study.vae
        if vae.kind == "diffusers":
            spec = {"kind": "diffusers", "fingerprint": self.part.fingerprints["vae"]}
            return self.add(Node("vae", spec, local={"path": vae.path}))
        spec = vae.model_dump(mode="json") | {"resolution": self.study.data.resolution}
        return self.add(Node("vae", spec, self.images, local=self.folder, label="train VAE"))

    @cached_property
    def latents(self) -> tuple[str, ...]:
        latents = self.study.latents
        spec = {
            "resolution": self.study.data.resolution,
            "flip": latents.flip,
            "batch": latents.batch,
            "of": latents.shards,
        }
        parents = self.images | {"vae": (self.vae,)}
        return tuple(
            self.add(Node("latents", spec | {"shard": i}, parents, local=self.folder))
            for i in range(latents.shards)
        )

    @cached_property
    def features(self) -> str:
        features, data = self.study.features, self.study.data
        if features.kind == "inception-v3-compat":
            spec = {"kind": features.kind, "fingerprint": self.part.fingerprints["features"]}
            return self.add(Node("features", spec, local={"path": features.path}))
        heads = "attributes" if data.kind == "toy" else "class"
        spec = features.model_dump() | {"resolution": data.resolution, "heads": heads}
        return self.add(Node("features", spec, self.images, local=self.folder))

    @cached_property
    def reference(self) -> str:
        spec = self.study.reference.model_dump() | {"resolution": self.study.data.resolution}
        spec["settings"] = self.metric_settings
        parents = self.images | {"features": (self.features,)}
        return self.add(Node("reference", spec, parents, local=self.folder))

    @property
    def metric_settings(self) -> dict:
        return self.study.metrics.model_dump(mode="json")

    def metrics(self, segments: tuple[str, ...], name: str) -> str:
        """The metrics of a sample set, whose shards end in these segments."""
        parents = {
            "segment": segments,
            "vae": (self.vae,),
            "latents": self.latents,
            "features": (self.features,),
            "reference": (self.reference,),
        }
        return self.add(Node("metrics", self.metric_settings, parents, label=f"evaluate {name}"))
