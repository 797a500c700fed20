"""A class is named by its attributes, and is seen where all of them are."""

import numpy as np
import pytest

from w2s.data.attributes import read_attributes
from w2s.errors import UserError
from w2s.metrics.heads import ATTRIBUTES, attribute_heads, class_heads


def _row(name, **attributes):
    return {"class": name, **dict.fromkeys(ATTRIBUTES, "any"), **attributes}


ROWS = [
    _row("blue ring", shape="ring", colour="blue"),
    _row("blue ring", shape="ring", colour="blue", texture="striped"),
    _row("red ring", shape="ring", colour="red"),
    _row("red star", shape="star", colour="red"),
]
CLASSES = ["blue ring", "red ring", "red star"]


def test_class_probability_is_the_product_of_the_naming_heads():
    heads = attribute_heads(CLASSES, ROWS)
    logits = np.random.default_rng(0).normal(size=(5, sum(heads.sizes.values())))
    shape, colour = (
        np.exp(part) / np.exp(part).sum(1, keepdims=True)
        for part in (logits[:, :2], logits[:, 2:4])
    )
    expected = np.stack(
        [shape[:, 0] * colour[:, 0], shape[:, 0] * colour[:, 1], shape[:, 1] * colour[:, 1]], 1
    )
    np.testing.assert_allclose(heads.class_probabilities(logits), expected, rtol=1e-12)


def test_texture_has_a_head_but_names_no_class():
    heads = attribute_heads(CLASSES, ROWS)
    assert heads.values["texture"] == ["any", "striped"]
    assert heads.classes["red star"] == {"shape": "star", "colour": "red"}


def test_accuracy_and_confidence_by_hand():
    heads = class_heads(["a", "b"])
    logits = np.log([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    accuracy, confidence = heads.judge(logits, np.array([0, 1, 1]))
    assert accuracy == pytest.approx(2 / 3)
    assert confidence == pytest.approx((0.9 + 0.8 + 0.4) / 3)


def test_large_logits_do_not_overflow():
    assert class_heads(["a", "b"]).judge(np.array([[1e4, 0]]), np.array([0])) == (1.0, 1.0)


def test_labels_of_unconditional_samples_are_refused():
    with pytest.raises(UserError, match="take both out of metrics"):
        class_heads(["a", "b"]).judge(np.zeros((1, 2)), np.array([2]))


@pytest.mark.parametrize(
    "rows",
    [
        [*ROWS, _row("red ring", shape="star", colour="red")],
        [*ROWS[:-1], _row("red star", shape="ring", colour="red")],
    ],
)
def test_attributes_that_do_not_name_the_classes_are_refused(rows):
    with pytest.raises(UserError, match="set the feature network's heads to class"):
        attribute_heads(CLASSES, rows)


def test_a_data_set_without_attributes_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"no attributes\.csv"):
        read_attributes(tmp_path)
