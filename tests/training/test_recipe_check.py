"""Recipes whose parts do not fit are refused in a sentence that says what to change."""

import pytest
from tiny_run import MODEL, SPEC

from w2s.errors import UserError
from w2s.training.check import check


@pytest.mark.parametrize("name", ["none", "br", "ag", "slg"])
def test_recipes_that_fit(name):
    objective = {"name": name} | ({"skip": [1]} if name == "slg" else {})
    check(SPEC | {"objective": objective})
    check(SPEC | {"objective": objective, "conditional": False})


@pytest.mark.parametrize("name", ["mg", "sgg", "sgg_code"])
def test_the_null_branch_means_nothing_without_conditions(name):
    check(SPEC | {"objective": {"name": name}})
    with pytest.raises(UserError, match=f"'{name}'.*both are the same.*conditional: true"):
        check(SPEC | {"objective": {"name": name}, "conditional": False})


def windows(*away_from, **more):
    step = 1 / len(away_from)
    return {
        "name": "windows",
        "windows": [
            {"window": [i * step, (i + 1) * step], "away_from": what, "scale": 0.2} | more
            for i, what in enumerate(away_from)
        ],
    }


def test_windows_fit_like_the_objectives_they_spell():
    check(SPEC | {"objective": windows("head", "unconditional", weak_ema=True)})
    check(SPEC | {"objective": windows("unconditional"), "head_weight": 0.0})


NO_HEAD = {"model": MODEL | {"head_at": None}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"objective": {"name": "br"}, "head_weight": 0.0}, "which nothing trains.*head_weight"),
        ({"objective": {"name": "sgg"}, "head_weight": 0.0}, "which nothing trains"),
        ({"objective": windows("skipped", "head", skip=[1]), "head_weight": 0.0}, "nothing trains"),
        ({"objective": {"name": "slg", "skip": [3]}}, "skips block 3 .* are 0 to 2"),
        ({"objective": windows("unconditional", skip=[0, 3])}, "skips block 3 .* are 0 to 2"),
        ({"objective": {"name": "none"}} | NO_HEAD, "lacks: set its head_at"),
        ({"objective": {"name": "sgg_code"}, "head_weight": 0} | NO_HEAD, "set head_at"),
        ({"objective": {"name": "br"}} | NO_HEAD, "set head_at"),
        ({"objective": windows("unconditional"), "conditional": False}, "both are the same"),
    ],
)
def test_recipes_that_do_not(change, message):
    with pytest.raises(UserError, match=message):
        check(SPEC | change)
