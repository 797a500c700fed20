"""A digest of Python source that is the same under every Python, from 3.11 on.

`ast.unparse` and `ast.dump` are not: the one quotes f-strings otherwise since 3.12, the other
omits empty fields since 3.13, and nodes gain fields with each version.  So the tree is written
down here: for each node its type and the fields that say something.  This module needs the
standard library alone, so that any interpreter can run it: `python -m w2s.run.syntax FILE...`.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from pathlib import Path

SILENT = {"ctx", "kind", "type_comment", "type_ignores"}  # follow from the rest, or say nothing


def syntax_digest(sources: dict[str, str]) -> str:
    """First 16 hexadecimal digits of the SHA-256 of some modules' syntax, by name.

    Comments, layout and docstrings do not count; the order of the modules does.
    """
    trees = [[name, plain(undocumented(ast.parse(text)))] for name, text in sources.items()]
    return hashlib.sha256(json.dumps(trees).encode()).hexdigest()[:16]


def plain(item) -> list | str:
    """A syntax tree as lists and strings: no field that is empty, f-strings in one form.

    A field that only newer versions know is empty in all source that older ones can read.
    """
    if isinstance(item, list):
        return [plain(one) for one in item]
    if not isinstance(item, ast.AST):
        return ascii(item)  # names and constants; their repr would follow the tables of Unicode
    fields = {
        name: value
        for name in sorted(set(item._fields) - SILENT)
        if (value := getattr(item, name, None)) is not None and value != []
    }
    if isinstance(item, ast.JoinedStr):
        fields = {"values": _joined(item.values)}
    return [type(item).__name__, *([name, plain(value)] for name, value in fields.items())]


def undocumented(tree: ast.Module) -> ast.Module:
    """The tree without docstrings (string statements anywhere are documentation)."""
    for item in ast.walk(tree):
        body = getattr(item, "body", None)
        if isinstance(body, list):
            item.body = [s for s in body if not _is_text(s)] or [ast.Pass()]
    return tree


def _joined(parts: list[ast.expr]) -> list[ast.expr]:
    """The parts of an f-string with each stretch of text whole: versions cut it differently."""
    whole: list[ast.expr] = []
    for part in parts:
        if isinstance(part, ast.Constant) and whole and isinstance(whole[-1], ast.Constant):
            whole[-1] = ast.Constant(whole[-1].value + part.value)
        elif not (isinstance(part, ast.Constant) and part.value == ""):
            whole.append(part)
    return whole


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


if __name__ == "__main__":
    for file in sys.argv[1:]:
        print(syntax_digest({"": Path(file).read_text(encoding="utf-8")}), file)
