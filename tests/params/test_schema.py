"""The JSON schema says of every key what it is, and accepts what the types accept."""

import json

import jsonschema
import pytest
from test_bad_parameters import BAD

from w2s.params.scales import part_files, read_part
from w2s.params.schema import schema_text
from w2s.params.settings import Settings

SCHEMA = json.loads(schema_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
SEEN_BY_SCHEMA = [  # mistakes within one key; what spans several is beyond a schema
    "text for a number",
    "half a step",
    "true for a number",
    "null for a block",
    "unknown block",
    "unknown key",
    "unused argument",
    "negative size",
    "no seeds",
    "no tables",
    "one beta",
    "three betas",
    "missing key",
    "missing block",
    "kind",
    "method",
    "objective",
    "part",
    "schedule",
    "column",
    "EMA length",
]


def blocks(schema: dict) -> dict[str, dict]:
    return {"top": schema, **schema["$defs"]}


@pytest.mark.parametrize("name", blocks(SCHEMA))
def test_every_key_is_described(name):
    for key, field in blocks(SCHEMA)[name].get("properties", {}).items():
        assert field.get("description", "").strip(), f"{name}.{key}"


def test_every_setting_is_described():
    schema = Settings.model_json_schema()
    for block in blocks(schema).values():
        for key, field in block["properties"].items():
            assert field.get("description"), key


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def parts(tmp_path, scale: str) -> dict[str, dict]:
    scales = tmp_path / "scales"
    files = part_files(scales, scale, "")
    return {name: read_part(scales, name, file).merged() for name, file in files.items()}


@pytest.mark.parametrize("scale", ["smoke", "mini", "paper"])
def test_every_scale_validates(study_folder, tmp_path, scale):
    for part in parts(tmp_path, scale).values():
        VALIDATOR.validate(part)


@pytest.mark.parametrize("what", SEEN_BY_SCHEMA)
def test_the_schema_refuses_what_the_types_refuse(study_folder, tmp_path, what):
    path, value, *_ = BAD[what]
    study_folder.edit(path, value)
    assert not VALIDATOR.is_valid(parts(tmp_path, "mini")["pictures"])
