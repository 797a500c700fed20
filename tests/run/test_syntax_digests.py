"""The digest of code is the same under every Python, and no two programs share one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from w2s.run.syntax import syntax_digest

SRC = Path(__file__).parents[2] / "src"
# What versions parse or print in different ways.
HARD = r'''
import math
w, x = 3, 1.5
plain = f"{x}", f"" f"{x}", "a" f"" "b", f"text alone"
joined = f"a{x!r:>{w}}b" "c" f"{x}" "d" 'e'
told = f"{x=}" f" and {x = :.2f} more"
spec = f"{x:}", f"{x:{w}.{w}f}", f"{x:{''}>{w}}", f"{x:%H}"
marks = f"{{{x}}} \N{BULLET} \x41", rf"\d{x}\{w}", f'{"nested" + f"{w}"}'
long = f"""
{x}
  {w}"""
values = b"x", 1j, ..., -1, None, True, 1, 1.0, 1e400, u"u", "\udc80"
starred = {**{}, "a": [*plain]}
def function(a, /, b=1, *c, d, e=2, **f) -> "text": return a
class Empty: pass
async def waits():
    async with a as b, c: yield await d
match w:
    case {"a": [1, *_], **rest} if rest: pass
    case None | Empty(x=3): pass
try: pass
except* ValueError as error: raise error from None
'''


def pythons() -> dict[str, str]:
    """The version of every Python on the PATH that can run the project, and where it is."""
    names = ["python3", *(f"python3.{minor}" for minor in range(11, 21))]
    folders = os.environ["PATH"].split(os.pathsep)
    files = {sys.executable} | {shutil.which(n, path=f) for n in names for f in folders}
    found = {}
    for file in sorted(files - {None}):
        ask = [file, "-c", "import sys; print(*sys.version_info[:3], sep='.')"]
        answer = subprocess.run(ask, capture_output=True, text=True)
        version = tuple(map(int, answer.stdout.split("."))) if answer.returncode == 0 else ()
        if version >= (3, 11):
            found[answer.stdout.strip()] = file
    return found


@pytest.mark.parametrize("python", pythons().values(), ids=pythons())
def test_every_python_gives_the_same_digests(python, tmp_path):
    (tmp_path / "hard.py").write_text(HARD, encoding="utf-8")
    files = [tmp_path / "hard.py", *sorted(SRC.rglob("*.py"))]
    command = [python, "-S", "-m", "w2s.run.syntax", *map(str, files)]
    environment = os.environ | {"PYTHONPATH": str(SRC), "PYTHONDONTWRITEBYTECODE": "1"}
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    here = [f"{syntax_digest({'': f.read_text(encoding='utf-8')})} {f}" for f in files]
    assert told.stdout.splitlines() == here


def test_the_digest_of_hard_code_is_the_one_of_all_pythons_tried():
    """Recorded once; equal under 3.11, 3.12, 3.13 and 3.14."""
    assert syntax_digest({"": HARD}) == "b57982c5c41c67a3"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("f'{x}'", "f'{y}'"),
        ("f'{x}'", "f'{x!r}'"),
        ("f'{x:2}'", "f'{x:3}'"),
        ("f'{x:}'", "f'{x:2}'"),
        ("f'a{x}'", "f'{x}a'"),
        ("f'{x}'", "'{x}'"),
        ("f'a'", "'a'"),
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = 1", "x = '1'"),
        ("x = 'None'", "x = None"),
        ("x = 'a'", "x = b'a'"),
        ("{'a': 1, **b}", "{**b, 'a': 1}"),
        ("def f(*, a, b=1): pass", "def f(*, a=1, b): pass"),
        ("def f(a, /): pass", "def f(a): pass"),
        ("def f(a): pass", "async def f(a): pass"),
        ("x[1:]", "x[:1]"),
        ("x[1::]", "x[::1]"),
        ("from . import a", "from .. import a"),
        ("a < b < c", "(a < b) < c"),
        ("a - (b - c)", "a - b - c"),
        ("global x", "nonlocal x"),
        ("if a: b\nelse: c", "if a:\n  b\nc"),
        ("for a in b: c\nelse: d", "for a in b: c\nd"),
    ],
)
def test_different_programs_have_different_digests(one, other):
    assert syntax_digest({"": one}) != syntax_digest({"": other})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("f'a' f'{x}' 'b'", 'f"a{x}b"'),
        ("'a' 'b'", "'ab'"),
        ("u'a'", "'a'"),
        ("(a, b)", "a, b"),
        ("x = (1)  # one", "x = 1"),
        ("def f():\n  'words'", "def f(): pass"),
    ],
)
def test_the_same_program_written_otherwise_has_the_same_digest(one, other):
    assert syntax_digest({"": f"z = 0\n{one}"}) == syntax_digest({"": f"z = 0\n{other}"})


def test_modules_count_by_name():
    assert syntax_digest({"a": "x"}) != syntax_digest({"b": "x"})
