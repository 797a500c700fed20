"""YAML files laid over each other, and which of them set a key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from w2s.errors import UserError
from w2s.keypaths import KeyPath, holds, spelled, written


@dataclass(frozen=True)
class Layers:
    """Mappings by the name of where they come from, the lowest first."""

    stack: tuple[tuple[str, dict], ...]

    def merged(self) -> dict:
        """All of them as one mapping."""
        out: dict = {}
        for _, data in self.stack:
            out = merge(out, data)
        return out

    def where(self, path: KeyPath) -> str:
        """'file: key.path' of a key, the file being the last one that sets it or its block."""
        path = written(path, self.merged())
        for length in range(len(path), 0, -1):
            for name, data in reversed(self.stack):
                if holds(data, path[:length]):
                    return f"{name}: {spelled(path)}"
        return f"{self.stack[-1][0]}: {spelled(path)}"


def merge(below: dict, above: dict) -> dict:
    """Lay one mapping over another, block by block; a block that names another kind replaces."""
    out = dict(below)
    for key, value in above.items():
        old = below.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        same = both and ("kind" not in value or value["kind"] == old.get("kind"))
        out[key] = merge(old, value) if same else value
    return out


def read_yaml(path: Path) -> dict:
    """The keys and values of a file.

    Raises:
        UserError: the file cannot be read, or is no YAML, or repeats a key.
    """
    data = read_any(path)
    if not isinstance(data, dict):
        raise UserError(f"{path}: must hold keys and values, such as 'scale: mini'")
    return data


def read_any(path: Path):
    """Whatever a YAML file holds.

    Raises:
        UserError: the file cannot be read, or is no YAML, or repeats a key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); put it back") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: is not UTF-8 text; save it as that") from None
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        where = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{path}: not valid YAML{where}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """YAML 1.2's floats (1e-4 is a number) and no silently repeated keys."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name in seen:
                what = f"the key '{name}' appears twice in one block"
                raise yaml.constructor.ConstructorError(None, None, what, key.start_mark)
            seen |= {name} - {None}
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
    list("-+0123456789."),
)
