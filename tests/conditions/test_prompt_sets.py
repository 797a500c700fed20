"""Sets of prompts: which are used, in what order, what they are known by, and their node."""

import hashlib
import json

import pytest

from w2s.conditions.prompt_sets import (
    COCO_1K,
    build,
    captions_of,
    identities,
    read_prompts,
    text_hash,
)
from w2s.conditions.prompts import prompt_samples
from w2s.data.csv_files import write_csv
from w2s.errors import UserError
from w2s.job import Job
from w2s.sampling.noise import initial_noise

LINES = [f"prompt {i}" for i in range(12)]


@pytest.fixture
def chosen(tmp_path):
    """The texts used of these lines."""

    def choose(lines, **rule):
        (tmp_path / "p.txt").write_text("\n".join(lines))
        return list(read_prompts(tmp_path / "p.txt", **rule).texts)

    return choose


def test_without_a_seed_the_first_prompts_are_used(chosen):
    assert chosen(LINES) == LINES
    assert chosen(LINES, count=5) == LINES[:5]
    assert chosen(LINES, count=12) == LINES


def test_a_seed_puts_prompts_into_the_documented_order(chosen):
    want = sorted(LINES, key=lambda t: hashlib.sha256(f"3 {text_hash(t)} 0".encode()).digest())
    assert chosen(LINES, seed=3) == want
    assert chosen(LINES, seed=3, count=4) == want[:4]
    assert chosen(LINES, seed=4) != want
    assert sorted(chosen(LINES, seed=4)) == sorted(LINES)


def test_more_prompts_in_the_file_leave_the_order_of_the_others(chosen):
    before = chosen(LINES, seed=0)
    after = chosen(["new", *reversed(LINES), "newer", LINES[3]], seed=0)
    assert [text for text in after if text in before and after.count(text) == 1] == [
        text for text in before if text != LINES[3]
    ]


def test_more_are_not_asked_for_than_there_are(chosen):
    with pytest.raises(UserError, match=r"13 prompts are asked for and .*p\.txt holds 12: lower"):
        chosen(LINES, count=13)


def test_coco_images_are_chosen_by_the_hash_of_their_numbers(tmp_path):
    images = [7, 1_000_000, *range(20, 1300)]
    entries = [{"id": i, "image_id": n, "caption": f"{n}"} for i, n in enumerate(images)]
    path = tmp_path / "captions.json"
    path.write_text(json.dumps({"annotations": entries}))
    found = read_prompts(path, **COCO_1K)
    want = sorted(images, key=lambda image: hashlib.sha256(f"0 {image}".encode()).digest())[:1000]
    assert found.texts == tuple(map(str, want))
    assert found.left_out == {"beyond the count": 282}


def test_equal_prompts_are_told_apart_by_their_count():
    assert [copy for _, copy in identities(["a", "b", "a", "a", "b"])] == [0, 0, 1, 2, 1]
    assert text_hash("é") == hashlib.sha256("é".encode()).hexdigest()[:32]
    assert text_hash("é") != text_hash("e\u0301")


def test_images_are_known_by_seed_text_copy_and_number():
    samples = prompt_samples(["a", "b", "a"], [3, 8], 2)
    a, b = text_hash("a"), text_hash("b")
    one_seed = [(a, 0, 0), (a, 0, 1), (b, 0, 0), (b, 0, 1), (a, 1, 0), (a, 1, 1)]
    assert samples == [(seed, *image) for seed in (3, 8) for image in one_seed]
    assert len(set(samples)) == 12


@pytest.mark.parametrize(
    "changed",
    [
        ["a", "b", "a"],  # dropped at the end
        ["b", "a", "new", "a", "c"],  # reordered and added
        ["c", "b", "a", "a"],
        ["a"],
    ],
)
def test_changing_prompts_changes_no_other_noise(changed):
    before = dict(zip(*noise(["a", "b", "a", "c"]), strict=True))
    after = dict(zip(*noise(changed), strict=True))
    shared = before.keys() & after.keys()
    assert len(shared) == 4 * sum(min(changed.count(t), "abac".count(t)) for t in "abc")
    assert all(before[sample] == after[sample] for sample in shared)
    assert len(set(after.values())) == len(after)


def noise(texts):
    samples = prompt_samples(texts, [0, 1], per_prompt=2)
    return samples, [row.numpy().tobytes() for row in initial_noise(samples, (2, 3, 3))]


def test_a_node_holds_the_texts_their_hash_and_what_was_left_out(tmp_path):
    (tmp_path / "owls.txt").write_text("eine Eule\n\n🦉\nbeyond\n")
    spec = {"fingerprint": "abcd", "kind": "text", "count": 2, "seed": None}
    facts = build(Job("prompts", "k", spec, tmp_path, local={"path": str(tmp_path / "owls.txt")}))
    made = json.loads((tmp_path / "prompts.json").read_text())
    as_list = '["eine Eule", "🦉"]'
    assert made == {
        "texts": ["eine Eule", "🦉"],
        "sha256": hashlib.sha256(as_list.encode()).hexdigest(),
        "left_out": {"empty": 1, "beyond the count": 1},
        "fingerprint": "abcd",
        "file": "owls.txt",
    }
    assert facts["prompts"] == 2


@pytest.fixture
def index(tmp_path):
    """Seven images of four captions."""
    folder = tmp_path / "index"
    folder.mkdir()
    texts = ["red ring", "blue star", "red ring", "a heart", "blue star", "red ring", "cyan ring"]
    rows = [[f"{i}.png", text] for i, text in enumerate(texts)]
    write_csv(folder / "index.csv", ["file"], [[file] for file, _ in rows])
    write_csv(folder / "attributes.csv", ["file", "caption"], rows[::-1])
    return folder


def test_captions_of_a_data_set_come_once_each_in_alphabetical_order(index):
    every = captions_of(index)
    assert every.texts == ("a heart", "blue star", "cyan ring", "red ring")
    assert every.left_out == {"captions that another image has too": 3}
    assert captions_of(index, 2).texts == every.texts[:2]


def test_a_seed_orders_captions_as_it_orders_lines(index, tmp_path):
    (tmp_path / "p.txt").write_text("\n".join(captions_of(index).texts))
    for seed in range(4):
        lines = read_prompts(tmp_path / "p.txt", count=3, seed=seed)
        assert captions_of(index, 3, seed).texts == lines.texts


def test_more_captions_are_not_asked_for_than_there_are(index):
    with pytest.raises(UserError, match="5 prompts are asked for and the data set holds 4: lower"):
        captions_of(index, 5)


def test_a_data_set_without_captions_is_refused(index):
    (index / "attributes.csv").unlink()
    with pytest.raises(UserError, match=r"no attributes\.csv"):
        captions_of(index)


def test_the_node_of_a_data_sets_captions(index, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    facts = build(Job("prompts", "0", {"count": 2, "seed": None}, out, {"index": [index]}))
    written = json.loads((out / "prompts.json").read_text())
    assert written["texts"] == ["a heart", "blue star"]
    assert written["left_out"]["beyond the count"] == 2
    assert facts["prompts"] == 2
    assert facts["sha256"] == written["sha256"] == captions_of(index, 2).sha256
