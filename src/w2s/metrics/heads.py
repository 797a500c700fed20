"""What the feature network predicts, and how that names a class.

Each head predicts one attribute.  A class is named by the values of some heads (shape and colour
in the toy world, the class itself elsewhere), so its probability is the product of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from w2s.errors import UserError

ATTRIBUTES = ("shape", "colour", "texture", "background", "size")
NAMING = ("shape", "colour")


@dataclass(frozen=True)
class Heads:
    """The heads' values in output order, and the values that name each class in label order."""

    values: dict[str, list[str]]
    classes: dict[str, dict[str, str]]

    @property
    def sizes(self) -> dict[str, int]:
        """Outputs of each head; their logits lie side by side in this order."""
        return {head: len(values) for head, values in self.values.items()}

    def class_probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Probability of each class (n, classes), float64, from the heads' logits (n, sum)."""
        edges = np.cumsum(list(self.sizes.values()))[:-1]
        parts = dict(zip(self.values, np.split(logits.astype(np.float64), edges, 1), strict=True))
        result = np.ones((len(logits), len(self.classes)))
        for head in next(iter(self.classes.values())):
            columns = [self.values[head].index(named[head]) for named in self.classes.values()]
            exponent = np.exp(parts[head] - parts[head].max(1, keepdims=True))
            result *= (exponent / exponent.sum(1, keepdims=True))[:, columns]
        return result

    def judge(self, logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
        """Accuracy and confidence: how often, and how surely, the asked-for class is seen.

        Accuracy is the share of images whose most probable class is their label; confidence the
        mean probability of the label.  Raises UserError for labels that are no class (the null
        class of unconditional samples).
        """
        if labels.min() < 0 or labels.max() >= len(self.classes):
            raise UserError(
                f"labels run from {labels.min()} to {labels.max()}, but there are "
                f"{len(self.classes)} classes: unconditional samples have neither accuracy nor "
                "confidence, so take both out of metrics."
            )
        probability = self.class_probabilities(logits)
        accuracy = np.mean(probability.argmax(1) == labels)
        return float(accuracy), float(probability[np.arange(len(labels)), labels].mean())


def read_heads(network: dict) -> Heads | None:
    """The heads in a feature network's config.json; None where it knows none of the classes."""
    return Heads(network["heads"], network["classes"]) if "heads" in network else None


def class_heads(classes: list[str]) -> Heads:
    """One head that predicts the class."""
    return Heads({"class": list(classes)}, {name: {"class": name} for name in classes})


def attribute_heads(classes: list[str], attributes: list[dict[str, str]]) -> Heads:
    """One head per attribute of the toy world, from the rows of its attributes.csv.

    Raises UserError where the naming attributes do not tell the classes apart.
    """
    values = {head: sorted({row[head] for row in attributes}) for head in ATTRIBUTES}
    named: dict[str, set] = {name: set() for name in classes}
    for row in attributes:
        named[row["class"]].add(tuple(row[head] for head in NAMING))
    distinct = set().union(*named.values())
    if any(len(names) != 1 for names in named.values()) or len(distinct) != len(classes):
        raise UserError(
            "attributes.csv does not give each class its own shape and colour: "
            "set the feature network's heads to class."
        )
    return Heads(
        values,
        {name: dict(zip(NAMING, *names, strict=True)) for name, names in named.items()},
    )
