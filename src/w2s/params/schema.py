"""The JSON schema of a part's file; written from the types, like everything said about a key."""

import json
from typing import Union

from pydantic import TypeAdapter

from w2s.params.kinds import PART_KINDS


def schema_text() -> str:
    """JSON schema (draft 2020-12) of a part's file, with every key's documentation."""
    kinds = Union[tuple(kind.params for kind in PART_KINDS.values())]  # noqa: UP007
    schema = TypeAdapter(kinds).json_schema(by_alias=True)
    for block in schema["$defs"].values():
        for key in block["properties"].values():
            if "const" in key:
                key.setdefault("description", "Tells this kind of block from others.")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2)
