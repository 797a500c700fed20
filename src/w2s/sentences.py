"""Pydantic's errors as sentences for people: the key's path, and what is wrong there."""

from __future__ import annotations

import re

from w2s.keypaths import KeyPath
from w2s.strict import Unknown, nearest

BLOCK = "a block of keys and values"
WORDS = {  # pydantic's type of error: what the value must be, with the error's own context
    "bool_type": "true or false",
    "dict_type": BLOCK,
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
    "model_attributes_type": BLOCK,
    "model_type": BLOCK,
    "multiple_of": "a multiple of {multiple_of}",
    "string_type": "text",
    "tuple_type": "a list",
}


def sentences(errors: list[dict], data: dict) -> list[tuple[KeyPath, str]]:
    """One path and sentence per mistake in `data`.

    A value that fits no branch of a union has an error per branch: those that only say that it
    has another branch's shape give way to any other, and what is left at one path is joined.
    """
    found = [(_path(error, data), error) for error in errors]
    meant = {
        (*path[:-1], error["input"].meant)
        for path, error in found
        if error["type"] == "extra_forbidden"
    }
    found = [(p, e) for p, e in found if not (e["type"] == "missing" and p in meant)]
    telling = [path for path, error in found if not _is_shape(error)]
    said: dict[KeyPath, list[dict]] = {}
    for path, error in found:
        others = telling if _is_shape(error) else []
        if not any(_related(path, other) for other in others):
            said.setdefault(path, []).append(error)
    deepest = [p for p in said if not any(p == other[: len(p)] != other for other in said)]
    return [(path, _joined(said[path])) for path in deepest]


def _path(error: dict, data) -> KeyPath:
    """The path as the user wrote it, without the tags that unions add."""
    path, here = [], data
    for part in error["loc"]:
        if (isinstance(here, dict) and part in here) or (
            isinstance(here, list) and isinstance(part, int) and part < len(here)
        ):
            here = here[part]
            path.append(part)
    if error["type"] == "missing":
        path.append(error["loc"][-1])
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        path.append(error["ctx"]["discriminator"].strip("'").removesuffix("()"))
    return tuple(path)


def _is_shape(error: dict) -> bool:
    """Whether an error only says that the value is of another type than wanted."""
    kind, value = error["type"], error["input"]
    return kind.endswith("_type") or (kind == "literal_error" and isinstance(value, dict | tuple))


def _related(one: KeyPath, other: KeyPath) -> bool:
    length = min(len(one), len(other))
    return one[:length] == other[:length]


def _joined(errors: list[dict]) -> str:
    """What is wrong at one path."""
    wanted = [_wanted(error) for error in errors if error["type"] in WORDS]
    if not wanted:
        return _other(errors[0])
    name = "is a name and must be" if errors[0]["loc"][-1] == "[key]" else "must be"
    near = _meant(errors)
    hint = f"; did you mean '{near}'?" if near else ""
    return f"{name} {' or '.join(dict.fromkeys(wanted))}, not {_shown(errors[0]['input'])}{hint}"


def _meant(errors: list[dict]) -> str | None:
    """The allowed text that a mistaken one most resembles."""
    given = errors[0]["input"]
    texts = [e["ctx"]["expected"] for e in errors if e["type"] == "literal_error"]
    valid = [name for text in texts for name in re.findall(r"'([^']*)'", text)]
    return nearest(given, valid) if isinstance(given, str) else None


def _wanted(error: dict) -> str:
    return WORDS[error["type"]].format(**error.get("ctx", {}))


def _other(error: dict) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        unknown: Unknown = error["input"]
        if unknown.meant:
            return f"unknown key; did you mean '{unknown.meant}'?"
        return f"unknown key; valid keys are {', '.join(sorted(unknown.valid))}"
    if kind == "union_tag_not_found":
        return "is missing"
    if kind == "union_tag_invalid":
        near = nearest(context["tag"], context["expected_tags"].replace("'", "").split(", "))
        hint = f"; did you mean '{near}'?" if near else ""
        return f"must be one of {context['expected_tags']}, not '{context['tag']}'{hint}"
    if kind == "too_short":
        count = context["min_length"]
        return f"must have at least {count} {'entry' if count == 1 else 'entries'}"
    if kind == "too_long":
        return f"must have at most {context['max_length']} entries"
    if kind == "string_too_short":
        return "must not be empty"
    return error["msg"].removeprefix("Value error, ")


def _shown(value) -> str:
    if isinstance(value, dict):
        return "a block"
    if isinstance(value, tuple | list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)
