"""Files of prompts: what is used of each format, and the sentence for every other file."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2s.conditions.prompt_sets import read_prompts
from w2s.errors import UserError


@pytest.fixture
def written(tmp_path):
    """Writes a file of prompts and gives its path."""

    def write(content, name="prompts.txt"):
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


def coco(*entries):
    keys = ("id", "image_id", "caption")
    entries = [dict(zip(keys, entry, strict=True)) for entry in entries]
    return json.dumps({"images": [], "annotations": entries})


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ("a cat\na dog\n", ["a cat", "a dog"]),
        ("a cat\na dog", ["a cat", "a dog"]),
        ("a cat\r\na dog\r\n", ["a cat", "a dog"]),
        ("a cat\ra dog\r", ["a cat", "a dog"]),
        ("\ufeffa cat\n", ["a cat"]),
        ("  a  cat\t\n", ["a  cat"]),
        ("grüne Äpfel\n猫と犬\n🦉\n", ["grüne Äpfel", "猫と犬", "🦉"]),
        ("e\u0301\n\u00e9\n", ["e\u0301", "\u00e9"]),
        ("a\u2028b\x0bc\x85d\n", ["a\u2028b\x0bc\x85d"]),
        ("same\nother\nsame\n", ["same", "other", "same"]),
        ("x" * 100_000 + "\n", ["x" * 100_000]),
    ],
)
def test_a_line_of_a_text_file_is_a_prompt(written, content, texts):
    found = read_prompts(written(content))
    assert list(found.texts) == texts
    assert found.left_out == {}


def test_empty_lines_are_left_out_and_counted(written):
    found = read_prompts(written("\n a cat\n\n \t\na dog\n\n"))
    assert found.texts == ("a cat", "a dog")
    assert found.left_out == {"empty": 4}


@given(st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\r\n\0")))
def test_any_line_comes_back_without_the_white_space_at_its_ends(tmp_path_factory, line):
    path = tmp_path_factory.mktemp("any") / "prompts.txt"
    path.write_bytes(f"first\n{line}\n".encode())
    assert read_prompts(path).texts == ("first", *([line.strip()] if line.strip() else []))


@pytest.mark.parametrize("name", ["prompts.jsonl", "prompts.NDJSON"])
def test_json_lines_hold_a_prompt_or_a_caption(written, name):
    lines = [
        {"prompt": "a cat", "caption": "another", "seed": 3},
        {"caption": " two\nlines "},
        {"prompt": ""},
    ]
    found = read_prompts(written("\n".join(map(json.dumps, lines)) + "\n\n", name))
    assert found.texts == ("a cat", "two\nlines")
    assert found.left_out == {"empty": 2}


def test_of_coco_the_lowest_caption_of_each_image_is_used(written):
    entries = [(9, 5, "late"), (4, 30, "A bus. \n"), (2, 5, "A cat."), (1, 30, " "), (7, 30, "too")]
    found = read_prompts(written(coco(*entries), "captions_val2017.json"))
    assert found.texts == ("A cat.", "A bus.")
    assert found.left_out == {"empty": 1, "further captions of an image": 2}


def test_the_kind_can_be_said(written):
    path = written('{"prompt": "a cat"}\n', "prompts.txt")
    assert read_prompts(path, "jsonl").texts == ("a cat",)
    with pytest.raises(UserError, match=r"line 1 begins like JSON .* name it \.jsonl"):
        read_prompts(path)
    with pytest.raises(UserError, match="prompts of kind 'json': did you mean 'jsonl'"):
        read_prompts(path, "json")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("p.txt", "", "holds no prompt: write one"),
        ("p.txt", " \n\n", "holds no prompt: write one"),
        ("p.txt", b"a cat\na d\xe4g\n", "line 2 is not UTF-8; save the file as UTF-8"),
        ("p.txt", "a cat\n".encode("utf-16"), "line 1 is not UTF-8"),
        ("p.txt", "a cat\nb".encode("utf-16-le"), "line 1 holds a NUL character"),
        ("p.jsonl", "", "holds no prompt"),
        ("p.jsonl", '{"prompt": "a"}\n{"prompt": \n', "line 2 is not JSON"),
        ("p.jsonl", '{"text": "a"}\n', 'line 1 must be an object with a text under "prompt"'),
        ("p.jsonl", '{"prompt": 3}\n', "line 1 must be an object with a text"),
        ("p.jsonl", '\n["a"]\n', "line 2 must be an object with a text"),
        ("p.jsonl", r'{"prompt": "a\ud800"}', "holds half of a surrogate pair"),
        ("p.json", "{", "is not JSON"),
        ("p.json", "[" * 100_000, "is not JSON"),
        ("p.json", '["a", "b"]', "must be COCO's captions, an object with a list under \"ann"),
        ("p.json", '{"annotations": {}}', "must be COCO's captions"),
        ("p.json", '{"prompt": "a"}', "name a file with an object a line .jsonl"),
        ("p.json", '{"annotations": []}', "holds no prompt"),
        ("p.json", coco((1, 2, "a"), (2, "3", "b")), r"annotations\[1\] must have numbers"),
        ("p.json", coco((1, 2, None)), r"annotations\[0\] must have numbers .* a text under"),
        ("p.json", '{"annotations": [{"id": 1, "image_id": 2}]}', r"annotations\[0\] must have"),
        ("p.json", '{"annotations": [3]}', r"annotations\[0\] must have"),
    ],
)
def test_a_file_of_another_shape_is_a_sentence(written, name, content, words):
    with pytest.raises(UserError, match=words) as error:
        read_prompts(written(content, name))
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path):
    for path in (tmp_path / "absent.txt", tmp_path):
        with pytest.raises(UserError, match=r"the prompts .* cannot be read: "):
            read_prompts(path)
