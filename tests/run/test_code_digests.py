"""Code that changes without its kind's version being raised is noticed; words about it are not."""

import importlib.util
import sys
import textwrap

import pytest

from w2s.guidance.registry import METHODS
from w2s.plan.kinds import KINDS
from w2s.run import code

SOURCE = '''
"""About the module."""
import math

def area(r):
    """About the function."""
    # a comment
    return math.pi * r**2

class Thing:
    """About the class."""
    size: int = 3
    """About the field."""
'''


@pytest.fixture
def digest_of(tmp_path, monkeypatch):
    """Digest of a module with this source."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def digest(source: str) -> str:
        (tmp_path / "digested_module.py").write_text(textwrap.dedent(source))
        importlib.invalidate_caches()
        return code.code_digest(["digested_module"])

    return digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# a comment", "# another one"),
        ("    # a comment\n", ""),
        ("About the function.", "Otherwise said."),
        ('    """About the function."""\n', ""),
        ('"""About the field."""', '"""Better said."""'),
        ("About the module.", "On the module."),
        ("math.pi * r**2", "math.pi * r ** 2"),
        ("math.pi * r**2", "(math.pi * r**2)"),
        ("def area", "\n\n\ndef area"),
    ],
)
def test_words_and_layout_change_nothing(digest_of, old, new):
    assert old in SOURCE
    assert digest_of(SOURCE.replace(old, new)) == digest_of(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("r**2", "r**3"),
        ("size: int = 3", "size: int = 4"),
        ("size: int = 3", "size: float = 3"),
        ("import math", "import cmath as math"),
        ("def area(r)", "def area(r=1)"),
        ("class Thing", "class Other"),
        ("return math", "yield math"),
    ],
)
def test_code_changes_the_digest(digest_of, old, new):
    assert old in SOURCE
    assert digest_of(SOURCE.replace(old, new)) != digest_of(SOURCE)


def test_the_recorded_digests_are_those_of_the_code():
    """When this fails: raise the version of what changed, then run `w2s record-code`."""
    assert code.changed() == []


def test_everything_that_makes_results_is_recorded():
    assert set(code.current()) == set(KINDS) | {f"guidance.{name}" for name in METHODS}


@pytest.mark.parametrize(
    ("kind", "modules"),
    [
        ("train", {"w2s.training.loop", "w2s.models.sit", "w2s.training.objectives.sgg"}),
        ("segment", {"w2s.sampling.segment", "w2s.sampling.solvers", "w2s.models.sit"}),
        ("decoded", {"w2s.metrics.decode", "w2s.metrics.extractors", "w2s.models.vae"}),
        ("metrics", {"w2s.metrics.evaluate", "w2s.metrics.scores"}),
        ("weights", {"w2s.weak.extract", "w2s.training.power"}),
        ("images", {"w2s.world.render", "w2s.world.scenes"}),
    ],
)
def test_a_kind_rests_on_the_modules_it_imports(kind, modules):
    methods = {cls.__module__ for cls in METHODS.values()}
    found = set(code.closure(KINDS[kind].builder.partition(":")[0], leave_out=methods))
    assert modules <= found
    assert not any(name.startswith(("w2s.plan", "w2s.params", "w2s.store")) for name in found)
    assert not found & methods  # a new method renames no other's samples


def test_a_change_is_named_and_recorded(tmp_path, monkeypatch):
    monkeypatch.setattr(code, "RECORD", tmp_path / "code.json")
    assert code.record() == "recorded for the first time"
    assert code.changed() == []
    old = code.current()
    monkeypatch.setattr(code, "current", lambda: old | {"vae": {"version": 1, "digest": "x"}})
    assert code.changed()[0].startswith(
        "the code behind vae is not what was recorded for version 1"
    )
    assert "behind vae" in code.record()
    assert code.record() == "nothing changed"


def test_reading_code_imports_none_of_it():
    before = set(sys.modules)
    code.current()
    assert not {"torch", "diffusers"} & (set(sys.modules) - before)
