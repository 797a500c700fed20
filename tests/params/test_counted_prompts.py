"""The number and hash of a file's prompts are right, and read once for each state of the file."""

import pytest

from w2s.conditions.prompt_sets import read_prompts
from w2s.errors import UserError
from w2s.params import prompts
from w2s.params.prompts import count_prompts


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.txt").write_text("a cat\n\na dog\nan owl\n")
    return tmp_path / "p.txt"


@pytest.fixture
def reads(monkeypatch):
    """Which files were read, in order."""
    seen = []

    def read(path, *rule):
        seen.append(path.name)
        return read_prompts(path, *rule)

    monkeypatch.setattr(prompts, "read_prompts", read)
    return seen


@pytest.mark.parametrize("rule", [{}, {"count": 2}, {"seed": 4}, {"count": 1, "seed": 0}])
def test_it_is_what_reading_gives(file, rule):
    used = read_prompts(file, **rule)
    for _ in range(2):
        assert count_prompts(file, **rule) == (len(used.texts), used.sha256[:32])


def test_a_file_is_read_once_until_it_changes(file, reads):
    first = count_prompts(file)
    assert count_prompts(file) == count_prompts(file, "text") == first
    assert reads == ["p.txt"]
    assert count_prompts(file, count=2) != first
    file.write_text("a cat\nmore\n")
    assert count_prompts(file) != first
    assert len(reads) == 3


def test_what_is_not_used_does_not_count(file):
    before = count_prompts(file, count=2)
    file.write_text("\n a cat\r\na dog\nanother\n")
    assert count_prompts(file, count=2) == before


def test_mistakes_are_told_every_time(file):
    for _ in range(2):
        with pytest.raises(UserError, match="4 prompts are asked for"):
            count_prompts(file, count=4)
