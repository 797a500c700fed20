"""docs/parameters.md is what the types say."""

from pathlib import Path

from w2s.params.reference import reference_text

PAGE = Path(__file__).parents[1] / "docs" / "parameters.md"


def test_the_page_is_current():
    hint = "run: w2s keys > docs/parameters.md"
    assert PAGE.read_text(encoding="utf-8") == reference_text(), hint


def test_every_key_has_a_meaning():
    lines = [line.split(" | ") for line in reference_text().splitlines() if line.startswith("| `")]
    assert len(lines) > 100
    silent = [line[0] for line in lines if line[-1].strip(" |") == ""]
    told_by_name = ("kind`", "name`")  # tags that tell the kinds of a block apart
    assert [key for key in silent if not key.endswith(told_by_name)] == []
