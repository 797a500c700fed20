"""Digests of the code behind each kind of node and each guidance method.

A result belongs to a version of its kind.  Code that changes without its version being raised
would leave old results in the store under new code; the recorded digests let a test say so.
Comments, docstrings and formatting do not count.
"""

from __future__ import annotations

import ast
import json
import re
from importlib.util import find_spec
from pathlib import Path

from w2s.guidance.registry import METHODS
from w2s.plan.kinds import KINDS
from w2s.run.syntax import syntax_digest

RECORD = Path(__file__).with_name("code.json")
NAMED = re.compile(r"w2s(\.\w+)+:\w+")
INFRASTRUCTURE = tuple(
    f"w2s.{room}"
    for room in (
        *("errors", "strict", "keypaths", "sentences", "job", "device", "files"),
        *("params", "plan", "store", "run"),
    )
)


def current() -> dict[str, dict]:
    """Version and digest of every kind and every guidance method, as the code stands."""
    methods = {cls.__module__ for cls in METHODS.values()}
    out = {}
    for name, kind in KINDS.items():
        modules = closure(kind.builder.partition(":")[0], leave_out=methods)
        out[name] = {"version": kind.version, "digest": code_digest(modules)}
    for name, cls in METHODS.items():
        modules = closure(cls.__module__, leave_out=methods - {cls.__module__})
        out[f"guidance.{name}"] = {"version": cls.version, "digest": code_digest(modules)}
    return out


def changed() -> list[str]:
    """Kinds and methods whose code is not the recorded one, as sentences."""
    recorded = json.loads(RECORD.read_text())
    return [
        f"the code behind {name} is not what was recorded for version {now['version']}: if its "
        "results change raise the version, then run `w2s record-code`"
        for name, now in current().items()
        if recorded.get(name) != now
    ]


def record() -> str:
    """Record the code as it stands; says what changed."""
    sentences = changed() if RECORD.exists() else ["recorded for the first time"]
    RECORD.write_text(json.dumps(current(), indent=1) + "\n")
    return "\n".join(sentences) or "nothing changed"


def closure(module: str, leave_out: set[str]) -> list[str]:
    """The project's modules that a module rests on, itself included, infrastructure excluded."""
    found, todo = set(), [module]
    while todo:
        name = todo.pop()
        if name in found or name in leave_out or name.startswith(INFRASTRUCTURE):
            continue
        found.add(name)
        todo += [m for m in _imports(ast.parse(_source(name))) if m.startswith("w2s.")]
    return sorted(found)


def code_digest(modules: list[str]) -> str:
    """Digest of the modules' syntax without docstrings."""
    return syntax_digest({name: _source(name) for name in modules})


def _source(module: str) -> str:
    return Path(find_spec(module).origin).read_text(encoding="utf-8")


def _imports(tree: ast.Module):
    """Modules that a tree imports, or names as "module:function" for others to import."""
    for item in ast.walk(tree):
        if isinstance(item, ast.ImportFrom) and item.module:
            yield item.module
            yield from (
                f"{item.module}.{a.name}" for a in item.names if _is_module(item.module, a.name)
            )
        elif isinstance(item, ast.Import):
            yield from (a.name for a in item.names)
        elif isinstance(item, ast.Constant) and NAMED.fullmatch(str(item.value)):
            yield item.value.partition(":")[0]


def _is_module(package: str, name: str) -> bool:
    return (
        package.startswith("w2s")
        and find_spec(package).submodule_search_locations is not None
        and (find_spec(f"{package}.{name}") is not None)
    )
