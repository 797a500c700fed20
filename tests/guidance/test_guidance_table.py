"""The page of methods is the one the code would write."""

from pathlib import Path

import pytest

from w2s.guidance.registry import METHODS
from w2s.guidance.table import page


def test_the_page_is_current():
    kept = Path(__file__).parents[2] / "docs" / "guidance.md"
    assert kept.read_text(encoding="utf-8") == page(), (
        "docs/guidance.md is out of date: python -m w2s.guidance.table > docs/guidance.md"
    )


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_says_what_it_is(name):
    method = METHODS[name]
    assert all((method.formula, method.needs, method.cost, method.source))
    arxiv = method.source.split(",")[0]
    assert arxiv in method.__doc__, "the docstring cites the same paper"
    assert "Cost:" in method.__doc__
    assert "State:" in method.__doc__
    assert page().count(f"| `{name}` |") == 1


def test_every_field_is_described():
    for name, method in METHODS.items():
        for field, info in method.model_fields.items():
            assert field == "method" or info.description, f"{name}.{field} has no description"
