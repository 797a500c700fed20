"""The nodes of a study's pictures: images, VAE, latents, and what samples are measured with."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from w2s.params.parts import Part
from w2s.plan.nodes import Node

HELD_OUT = "held-out images"
UNSEEN = 2**31  # added to the seed of held-out scenes: more than any study's own seed


class Pictures:
    """Each property adds the nodes of one stage, once, and holds their keys."""

    def __init__(self, part: Part, add: Callable[[Node], str]):
        self.part, self.params, self.add = part, part.params, add

    @cached_property
    def images(self) -> dict[str, tuple[str, ...]]:
        """The image index, and the rendered images if the data set is the toy's."""
        data = self.params.data
        if data.kind == "toy":
            return self._rendered(data.count, data.seed)
        return {"index": (self._part("rest") if data.held_out else self._indexed,)}

    @cached_property
    def held_out(self) -> dict[str, tuple[str, ...]]:
        """The same of images that nothing is trained on or compared with."""
        data, sampling = self.params.data, self.params.sampling
        if data.kind == "toy":
            turns = -(-len(sampling.seeds) * sampling.per_seed // data.classes)
            count = turns * data.classes  # as many of each class, and no class without images
            return self._rendered(count, data.seed + UNSEEN, f" {HELD_OUT}")
        return {"index": (self._part("held out"),)}

    def _rendered(self, count: int, seed: int, what: str = "") -> dict[str, tuple[str, ...]]:
        spec = self.params.data.model_dump(include={"resolution", "jitter"})
        label = f"render{what or ' images'}"
        images = (self.add(Node("images", spec | {"count": count, "seed": seed}, label=label)),)
        spec = {"source": "images", "on_bad_file": "refuse"}
        index = Node("index", spec, {"images": images}, label=f"index{what}" if what else "")
        return {"index": (self.add(index),), "images": images}

    @cached_property
    def _indexed(self) -> str:
        """The index of the whole folder."""
        found = self.part.data
        spec = {"source": found["fingerprint"], "on_bad_file": self.params.data.on_bad_file}
        if self.params.data.flat:
            spec["flat"] = True
        return self.add(Node("index", spec, local={"path": found["path"]}))

    def _part(self, part: str) -> str:
        """The index of the held-out images, or of the rest."""
        spec = {"part": part, "held_out": self.params.data.held_out}
        return self.add(Node("index", spec, {"whole": (self._indexed,)}, label=f"index {part}"))

    @property
    def folder(self) -> dict:
        """Where the images lie, for nodes that read them."""
        path = self.part.data["path"]
        return {"path": path} if path else {}

    @cached_property
    def vae(self) -> str:
        vae = self.params.vae
        if vae.kind == "diffusers":
            spec = {"kind": "diffusers", "fingerprint": self.part.fingerprints["vae"]}
            return self.add(Node("vae", spec, local={"path": vae.path}))
        spec = vae.model_dump(mode="json") | {"resolution": self.params.data.resolution}
        return self.add(Node("vae", spec, self.images, local=self.folder, label="train VAE"))

    @cached_property
    def latents(self) -> tuple[str, ...]:
        latents = self.params.latents
        spec = {
            "resolution": self.params.data.resolution,
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
        features, data = self.params.features, self.params.data
        if features.kind != "trained":
            spec = {"kind": features.kind, "fingerprint": self.part.fingerprints["features"]}
            if features.kind == "dinov2":
                spec |= {"width": features.width, "depth": features.depth}
            return self.add(Node("features", spec, local={"path": features.path}))
        heads = "attributes" if data.kind == "toy" else "class"
        spec = features.model_dump() | {"resolution": data.resolution, "heads": heads}
        return self.add(Node("features", spec, self.images, local=self.folder))

    @cached_property
    def reference(self) -> str:
        reference, metrics = self.params.reference, self.params.metrics
        spec = {
            "kind": reference.kind,
            "batch": metrics.batch,
            "neighbourhood": metrics.prc_neighbourhood,
        }
        parents = {"features": (self.features,)}
        if reference.kind == "adm":
            spec["fingerprint"] = self.part.fingerprints["reference"]
            return self.add(Node("reference", spec, parents, local={"path": reference.path}))
        spec |= reference.model_dump(include={"count", "seed"})
        spec["resolution"] = self.params.data.resolution
        return self.add(Node("reference", spec, parents | self.images, local=self.folder))

    def decoded(self, segments: tuple[str, ...], name: str, scaling: dict | None) -> str:
        """A sample set, whose shards end in these segments, as images with their features.

        scaling: shift and scale of its latents; None for those of the latents encoded here.
        """
        parents = {"segment": segments, "vae": (self.vae,), "features": (self.features,)}
        spec: dict = {"batch": self.params.metrics.batch}
        if scaling:
            spec["scaling"] = scaling
        else:
            parents["latents"] = self.latents
        return self.add(Node("decoded", spec, parents, label=f"decode {name}"))

    @cached_property
    def real_decoded(self) -> str:
        """Held-out real images, as many as samples, with their features."""
        sampling = self.params.sampling
        spec = {
            "batch": self.params.metrics.batch,
            "resolution": self.params.data.resolution,
            "per_seed": sampling.per_seed,
            "seeds": list(sampling.seeds),
        }
        parents = self.held_out | {"features": (self.features,)}
        decoded = Node("decoded", spec, parents, local=self.folder, label=f"decode {HELD_OUT}")
        return self.add(decoded)

    def metrics(self, decoded: str, name: str) -> str:
        """The metrics of a decoded sample set that has the network's features."""
        parents = {"decoded": (decoded,), "reference": (self.reference,)}
        spec = self.params.metrics.by(self.params.features.kind).read()
        return self.add(Node("metrics", spec, parents, label=f"evaluate {name}"))

    def metrics_of_images(self, decoded: str, name: str) -> str:
        """The same of one that has images alone, or features of another network."""
        settings, kind = self.params.metrics, self.params.features.kind
        parents = {"decoded": (decoded,), "features": (self.features,)}
        parents["reference"] = (self.reference,)
        spec = settings.read() | {"batch": settings.batch}
        label = f"evaluate {name}" + (f", {kind}" if kind == "dinov2" else "")
        return self.add(Node("metrics", spec, parents, label=label))
