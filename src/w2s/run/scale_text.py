"""Single values of a YAML file put in the place of others, every other byte staying as it is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

import yaml

from w2s.keypaths import KeyPath, spelled


class NotThere(Exception):
    """A value has no place of its own in the file; the message says why."""


def replaced(text: str, values: Mapping[KeyPath, object]) -> str:
    """The text of a YAML file with other values at some paths.

    A value that stands there already keeps its spelling.

    Raises:
        NotThere: a path is not in the file, or what is there is shared by an anchor or spread over
            several lines.
    """
    root = yaml.compose(text, yaml.SafeLoader)
    uses = Counter(_nodes(root))
    cuts = []
    for path, value in values.items():
        node = _at(root, path, uses)
        if _value(text[node.start_mark.index : node.end_mark.index]) != _plain(value):
            cuts.append((node.start_mark.index, node.end_mark.index, _spelled(value)))
    for start, end, new in sorted(cuts, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _at(node: yaml.Node, path: KeyPath, uses: Counter) -> yaml.Node:
    for place, key in enumerate(path):
        within = spelled(path[: place + 1])
        if isinstance(node, yaml.SequenceNode) and isinstance(key, int):
            found = node.value[key : key + 1]
        elif isinstance(node, yaml.MappingNode) and key == 0:
            found = [node]  # one block stands where a list may stand
        elif isinstance(node, yaml.MappingNode):
            found = [value for name, value in node.value if name.value == key]
        else:
            found = []
        if not found:
            raise NotThere(f"{within} is not written there")
        (node,) = found
        if uses[id(node)] > 1:
            raise NotThere(f"{within} is shared by an anchor")
    if isinstance(node, yaml.MappingNode) or getattr(node, "flow_style", True) is False:
        raise NotThere(f"{spelled(path)} is spread over several lines")
    return node


def _nodes(node: yaml.Node):
    """The identity of every node, as often as it is used."""
    yield id(node)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _nodes(key)
            yield from _nodes(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _nodes(value)


def _value(text: str):
    return yaml.load(text, yaml.SafeLoader)


def _plain(value):
    return list(value) if isinstance(value, tuple) else value


def _spelled(value) -> str:
    """A value as YAML has it in one line."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_spelled, value))}]"
    if isinstance(value, str):
        return value if _value(value) == value else json.dumps(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
