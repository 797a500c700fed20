"""The JSON schema of a study's file; written from the types, like everything said about a key."""

import json

from w2s.params.pictures import PictureParams


def schema_text() -> str:
    """JSON schema (draft 2020-12) of scales/<scale>.yaml, with every key's documentation."""
    schema = PictureParams.model_json_schema(by_alias=True)
    for block in schema["$defs"].values():
        for key in block["properties"].values():
            if "const" in key:
                key.setdefault("description", "Tells this kind of block from others.")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2)
