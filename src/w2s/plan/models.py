"""The nodes of a study's networks: training runs and the weights taken from them."""

from __future__ import annotations

from collections.abc import Callable

from w2s.params.networks import network_config, snapshot_steps, source_of
from w2s.params.parts import Part
from w2s.plan.nodes import Node
from w2s.plan.pictures import Pictures


class Models:
    """Each method adds the nodes behind one name, once, and returns the key."""

    def __init__(self, part: Part, pictures: Pictures, add: Callable[[Node], str]):
        self.part, self.params, self.pictures, self.add = part, part.params, pictures, add
        self.trained: dict[tuple[str, int, int], str] = {}  # recipe, seed, steps: key

    def train(self, name: str, seed: int, steps: int | None = None) -> str:
        """A recipe's training node; `steps` cuts it short, for a trunk."""
        run = (name, seed, steps or self.params.training.recipes[name].steps)
        if run not in self.trained:
            self.trained[run] = self._train(*run)
        return self.trained[run]

    def _train(self, name: str, seed: int, steps: int) -> str:
        training, recipe = self.params.training, self.params.training.recipes[name]
        parents = {"latents": self.pictures.latents} | self.conditions()
        start = 0
        if recipe.trunk:
            trunk, start = recipe.trunk
            parents["trunk"] = (self.train(trunk, seed, start),)
        if recipe.weak:
            parents["weak"] = (self.weights(recipe.weak, seed),)
        shared = training.model_dump(mode="json", exclude={"seeds", "recipes", "snapshot_every"})
        network = self.network(recipe.model)
        spec = shared | {
            "model": network,
            "head_weight": recipe.head_loss,
            "objective": recipe.objective.model_dump(mode="json"),
            "conditional": recipe.conditional,
            "steps": steps,
            "start": start,
            "snapshots": snapshot_steps(start, steps, training.snapshot_every),
            "seed": seed,
        }
        if recipe.objective.version > 1:
            spec["objective_version"] = recipe.objective.version
        return self.add(Node("train", spec, parents, label=f"train {self.called(name)}"))

    def network(self, name: str) -> dict:
        """The configuration of a network under models, as it is trained."""
        return network_config(self.part, name)

    def called(self, name: str) -> str:
        """What a person calls a network."""
        return name

    def conditions(self) -> dict[str, tuple[str, ...]]:
        """Nodes that say what each image is trained under, by role; none for its class."""
        return {}

    def weights(self, name: str, seed: int) -> str:
        """The weights that a name stands for: a recipe's final average, a weak model, or given."""
        params = self.params
        if source_of(params, name) in params.pretrained:
            return self._from_elsewhere(name)
        default = params.sampling.ema
        if name in params.training.recipes:
            recipe, step, ema, part = name, None, default, "full"
        else:
            weak = params.weak[name]
            recipe, ema = weak.recipe, weak.ema or default
            step = weak.at(params.training.recipes[recipe].steps)
            part = weak.taken
        return self.taken(name, recipe, seed, step, ema, part)

    def taken(
        self, name: str, recipe: str, seed: int, step: int | None, ema: float, part: str | dict
    ) -> str:
        """Weights from a recipe's snapshots, the last ones where no step is named."""
        source, step = self._holding(recipe, seed, step)
        spec = {"step": step, "ema": ema, "part": part}
        return self.add(
            Node("weights", spec, {"train": (source,)}, label=f"extract {self.called(name)}")
        )

    def _from_elsewhere(self, name: str) -> str:
        """A pretrained network's weights, or what a weak model takes of them."""
        source, weak = source_of(self.params, name), self.params.weak.get(name)
        block = self.params.pretrained[source]
        spec = {
            "kind": "public" if block.is_checkpoint else "pretrained",
            "fingerprint": self.part.fingerprints[f"pretrained.{source}"],
            "network": self.part.networks[source],
        }
        local = {"path": block.path}
        whole = self.add(Node("weights", spec, local=local, label=f"read {source}"))
        if weak is None or weak.part == "full":
            return whole
        spec = {"part": weak.taken}
        return self.add(Node("weights", spec, {"whole": (whole,)}, label=f"extract {name}"))

    def _holding(self, recipe_name: str, seed: int, step: int | None) -> tuple[str, int]:
        """The training node whose snapshots reach a step: the recipe's own, or its trunk's."""
        recipe = self.params.training.recipes[recipe_name]
        step = step or recipe.steps
        if recipe.trunk:
            trunk, at = recipe.trunk
            if step <= at:
                return self.train(trunk, seed, at), step
        return self.train(recipe_name, seed), step
