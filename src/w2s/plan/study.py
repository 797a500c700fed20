"""The plan: from checked parameters to nodes and published files.  Pure, and without torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from w2s.params.load import Params
from w2s.params.networks import network_config, part_config, snapshot_steps
from w2s.plan.nodes import Node
from w2s.plan.published import Group, groups
from w2s.plan.samples import SampleSet, add_sample_sets
from w2s.plan.sweep import sweep_group, swept
from w2s.training.check import check


@dataclass
class Plan:
    """All nodes by key, parents before children; all published files; every row's samples."""

    scale: str
    nodes: dict[str, Node] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    sets: dict[tuple[str, str, int], SampleSet] = field(default_factory=dict)  # table, row, seed
    index: str = ""  # key of the image index, which names the classes

    def add(self, node: Node) -> str:
        """Take a node in, once; returns its key."""
        self.nodes.setdefault(node.key, node)
        return node.key

    def joined(self, other: Plan) -> Plan:
        """Both plans as one; what they have in common is there once."""
        return Plan(
            self.scale,
            self.nodes | other.nodes,
            self.groups | other.groups,
            self.sets | other.sets,
            self.index,
        )


def plan(params: Params) -> Plan:
    """Everything the study consists of."""
    planned = _Planner(params).run()
    planned.groups.update(groups(params, planned))
    return planned


def plan_sweep(params: Params) -> Plan:
    """The sweep of guidance weights with all that it rests on; empty where the study has none."""
    if params.study.sweep is None:
        return Plan(params.scale)
    other = swept(params)
    planned = _Planner(other).run()
    group = sweep_group(other, planned)
    planned.groups[group.name] = group
    return planned


class _Planner:
    """One planning run; each method adds the nodes of one stage and returns their keys."""

    def __init__(self, params: Params):
        self.params, self.study = params, params.study
        self.plan = Plan(params.scale)
        self.trained: dict[tuple[str, int, int], str] = {}  # recipe, seed, steps: key

    def run(self) -> Plan:
        (self.plan.index,) = self.images["index"]
        self.plan.sets.update(add_sample_sets(self))
        return self.plan

    @cached_property
    def images(self) -> dict[str, tuple[str, ...]]:
        """The image index, and the rendered images if the data set is the toy's."""
        data, found = self.study.data, self.params.data
        if data.kind == "toy":
            spec = data.model_dump(include={"count", "resolution", "jitter", "seed"})
            images = (self.plan.add(Node("images", spec, label="render images")),)
            index = Node("index", {"source": "images", "on_bad_file": "refuse"}, {"images": images})
            return {"index": (self.plan.add(index),), "images": images}
        spec = {"source": found["fingerprint"], "on_bad_file": data.on_bad_file}
        return {"index": (self.plan.add(Node("index", spec, local={"path": found["path"]})),)}

    @property
    def folder(self) -> dict:
        """Where the images lie, for nodes that read them."""
        path = self.params.data["path"]
        return {"path": path} if path else {}

    @cached_property
    def vae(self) -> str:
        vae = self.study.vae
        if vae.kind == "diffusers":
            spec = {"kind": "diffusers", "fingerprint": self.params.fingerprints["vae"]}
            return self.plan.add(Node("vae", spec, local={"path": vae.path}))
        spec = vae.model_dump(mode="json") | {"resolution": self.study.data.resolution}
        return self.plan.add(Node("vae", spec, self.images, local=self.folder, label="train VAE"))

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
            self.plan.add(Node("latents", spec | {"shard": i}, parents, local=self.folder))
            for i in range(latents.shards)
        )

    @cached_property
    def features(self) -> str:
        features, data = self.study.features, self.study.data
        if features.kind == "inception-v3-compat":
            spec = {"kind": features.kind, "fingerprint": self.params.fingerprints["features"]}
            return self.plan.add(Node("features", spec, local={"path": features.path}))
        heads = "attributes" if data.kind == "toy" else "class"
        spec = features.model_dump() | {"resolution": data.resolution, "heads": heads}
        return self.plan.add(Node("features", spec, self.images, local=self.folder))

    @cached_property
    def reference(self) -> str:
        spec = self.study.reference.model_dump() | {"resolution": self.study.data.resolution}
        spec["settings"] = self.metric_settings
        parents = self.images | {"features": (self.features,)}
        return self.plan.add(Node("reference", spec, parents, local=self.folder))

    @property
    def metric_settings(self) -> dict:
        return self.study.metrics.model_dump(mode="json")

    def network_of(self, name: str) -> tuple[dict, bool]:
        """The network that a recipe or weak model leaves, and whether it sees labels."""
        weak = self.study.weak.get(name)
        recipe = self.study.training.recipes[weak.recipe if weak else name]
        config = network_config(self.params, recipe.model)
        return (part_config(config, weak.part) if weak else config), recipe.conditional

    def train(self, name: str, seed: int, steps: int | None = None) -> str:
        """A recipe's training node; `steps` cuts it short, for a trunk."""
        run = (name, seed, steps or self.study.training.recipes[name].steps)
        if run not in self.trained:
            self.trained[run] = self._train(*run)
        return self.trained[run]

    def _train(self, name: str, seed: int, steps: int) -> str:
        training, recipe = self.study.training, self.study.training.recipes[name]
        parents: dict[str, tuple[str, ...]] = {"latents": self.latents}
        start = 0
        if recipe.trunk:
            trunk, start = recipe.trunk
            parents["trunk"] = (self.train(trunk, seed, start),)
        if recipe.weak:
            parents["weak"] = (self.weights(recipe.weak, seed),)
        shared = training.model_dump(mode="json", exclude={"seeds", "recipes", "snapshot_every"})
        network = network_config(self.params, recipe.model)
        spec = shared | {
            "model": network,
            "head_weight": training.head_weight if network["head_at"] else 0.0,
            "objective": recipe.objective.model_dump(mode="json"),
            "conditional": recipe.conditional,
            "steps": steps,
            "start": start,
            "snapshots": snapshot_steps(start, steps, training.snapshot_every),
            "seed": seed,
        }
        if recipe.objective.version > 1:
            spec["objective_version"] = recipe.objective.version
        with self.params.at("training", "recipes", name):
            check(spec)
        return self.plan.add(Node("train", spec, parents, label=f"train {name}"))

    def weights(self, name: str, seed: int) -> str:
        """The weights that a name stands for: a weak model, or a recipe's final average."""
        study = self.study
        default = study.sampling.ema
        if name in study.training.recipes:
            recipe, step, ema, part = name, None, default, "full"
        else:
            weak = study.weak[name]
            recipe, ema = weak.recipe, weak.ema or default
            step = weak.at(study.training.recipes[recipe].steps)
            part = weak.part if isinstance(weak.part, str) else weak.part.model_dump()
        source, step = self._holding(recipe, seed, step)
        spec = {"step": step, "ema": ema, "part": part}
        return self.plan.add(Node("weights", spec, {"train": (source,)}, label=f"extract {name}"))

    def _holding(self, recipe_name: str, seed: int, step: int | None) -> tuple[str, int]:
        """The training node whose snapshots reach a step: the recipe's own, or its trunk's."""
        recipe = self.study.training.recipes[recipe_name]
        step = step or recipe.steps
        if recipe.trunk:
            trunk, at = recipe.trunk
            if step <= at:
                return self.train(trunk, seed, at), step
        return self.train(recipe_name, seed), step
