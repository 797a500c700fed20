"""Held-out images and the rest: together the whole index, and nothing twice."""

import pytest

from w2s.data.csv_files import read_csv
from w2s.data.split import split
from w2s.errors import UserError
from w2s.job import Job


@pytest.fixture
def part_of(tmp_path):
    """The rows of one part of an index."""

    def build(whole, part, held_out):
        out = tmp_path / f"{part} {held_out}"
        out.mkdir()
        facts = split(
            Job("index", "k", {"part": part, "held_out": held_out}, out, {"whole": [whole]})
        )
        rows = read_csv(out / "index.csv")
        assert facts["images"] == len(rows)
        return out, rows

    return build


def test_the_parts_are_the_whole(folder, build_index, part_of):
    (folder / "attributes.csv").write_text("file,caption\ncat/0.png,a cat\n")
    whole = build_index(folder)
    (held, out), (kept, rest) = part_of(whole, "held out", 2), part_of(whole, "rest", 2)
    rows = read_csv(whole / "index.csv")
    assert len(out) == 2
    assert [row for row in rows if row in out] == out
    assert [row for row in rows if row not in out] == rest
    for place in (held, kept):
        for name in ("classes.json", "attributes.csv", "skipped.csv"):
            assert (place / name).read_bytes() == (whole / name).read_bytes()


def test_the_choice_is_the_same_every_time_and_grows(folder, build_index, part_of):
    whole = build_index(folder)
    (_, two), (_, three) = part_of(whole, "held out", 2), part_of(whole, "held out", 3)
    assert [row for row in three if row in two] == two


@pytest.mark.parametrize("held_out", [5, 6, 99])
def test_a_class_with_nothing_to_learn_from_is_refused(folder, build_index, part_of, held_out):
    with pytest.raises(UserError, match=r"of 6 images are held out.*: lower data\.held_out"):
        part_of(build_index(folder), "rest", held_out)
