"""The reference page of all parameters, written from the types that check them."""

from __future__ import annotations

import json

from w2s.params.claims import ClaimsFile
from w2s.params.kinds import PART_KINDS
from w2s.params.settings import Settings

HEAD = """# Parameters

Written by `w2s keys > docs/parameters.md` from the types that check the files; `w2s schema` prints
the same as a JSON schema. A name in angle brackets is yours to choose; `[]` stands for each entry
of a list. A scale's file may begin with `base:`, another scale that its keys are laid over; where
each file is a part, `base: <scale>` is the part of the same name and `base: <scale>/<part>` any.
Guidance methods have a page of their own: [guidance.md](guidance.md).
"""


def reference_text() -> str:
    """The page, as Markdown: a table for params.yaml, one for each kind of part, one for claims."""
    parts, files = [HEAD], "`scales/<scale>.yaml` or `scales/<scale>/<part>.yaml`"
    tables = [("`params.yaml`", Settings)]
    tables += [(f"{files}, `part: {name}`", kind.params) for name, kind in PART_KINDS.items()]
    tables.append(("`claims/<scale>.yaml` or `claims/<scale>/<part>.yaml`", ClaimsFile))
    for title, model in tables:
        schema = model.model_json_schema(by_alias=True)
        lines = [f"## {title}", "", "| key | type | default | meaning |", "| --- " * 4 + "|"]
        parts.append("\n".join([*lines, *_rows(schema, schema["$defs"], "")]) + "\n")
    return "\n".join(parts)


def _rows(schema: dict, defs: dict, path: str):
    """A table line for each key of an object, and for the keys below it."""
    for name, field in schema.get("properties", {}).items():
        if path.startswith("guidance") and name not in ("window", "steps", "blend"):
            continue
        yield from _field(field, defs, f"{path}{name}", name not in schema.get("required", ()))


def _field(field: dict, defs: dict, path: str, optional: bool):
    options = [_resolved(option, defs) for option in _options(field)]
    default = "optional" if optional else ""
    if "default" in field and not isinstance(field["default"], dict):
        default = f"`{json.dumps(field['default'])}`".replace('"', "")
    kinds = " or ".join(dict.fromkeys(_type(option, defs) for option in options))
    meaning = field.get("description", "").replace("\n", " ").replace("|", "\\|")
    yield f"| `{path}` | {kinds} | {default} | {meaning} |"
    seen: set[str] = set()
    for option in options:
        for line in _below(option, defs, path):
            if line not in seen:
                seen.add(line)
                yield line


def _options(field: dict) -> list[dict]:
    """What a field may be, unions inside of unions laid open."""
    inner = field.get("oneOf", field.get("anyOf"))
    return [field] if inner is None else [end for option in inner for end in _options(option)]


def _below(option: dict, defs: dict, path: str):
    """Lines for what an option holds: an object's keys, a mapping's values, a list's entries."""
    inner = option.get("additionalProperties")
    if "properties" in option:
        yield from _rows(option, defs, f"{path}.")
    elif isinstance(inner, dict):
        yield from _inside(inner, defs, f"{path}.<name>")
    elif isinstance(items := option.get("items"), dict) and _is_object(items, defs):
        yield from _inside(items, defs, f"{path}[]")


def _inside(field: dict, defs: dict, path: str):
    for option in field.get("oneOf", field.get("anyOf", [field])):
        yield from _below(_resolved(option, defs), defs, path)


def _is_object(field: dict, defs: dict) -> bool:
    options = field.get("oneOf", [field])
    return any("properties" in _resolved(option, defs) for option in options)


def _resolved(field: dict, defs: dict) -> dict:
    return defs[field["$ref"].rpartition("/")[2]] if "$ref" in field else field


def _type(field: dict, defs: dict) -> str:
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field.get("type") == "array":
        return "list"
    limits = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {field[name]:g}" for name, sign in limits.items() if name in field]
    name = {"object": "block", "number": "number", "integer": "integer"}.get(field.get("type"))
    return " ".join([name or field.get("type", "value"), ", ".join(bounds)]).strip()
