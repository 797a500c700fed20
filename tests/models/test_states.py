"""States of any backbone: streams may be absent, and what all samples share is handed on."""

from typing import NamedTuple

import torch

from w2s.models.states import joined, packed, rows, split


class State(NamedTuple):
    image: torch.Tensor
    text: torch.Tensor | None
    size: tuple[int, int]


def state(seed, text=True):
    rng = torch.Generator().manual_seed(seed)
    image = torch.randn(2, 3, 4, generator=rng)
    return State(image, torch.randn(2, 5, generator=rng) if text else None, (6, 8))


def test_joining_and_splitting_are_inverse():
    for text in (True, False):
        one, other = state(0, text), state(1, text)
        whole = joined([one, other])
        assert whole.size == (6, 8)
        assert whole.image.shape == (4, 3, 4)
        for part, before in zip(split(whole, 2), (one, other), strict=True):
            assert torch.equal(part.image, before.image)
            assert part.size == before.size
            assert part.text is None if before.text is None else torch.equal(part.text, before.text)


def test_rows_are_picked_and_cut_off_from_the_gradient():
    whole = state(0)
    whole.image.requires_grad_()
    part = rows(whole._replace(text=None), torch.tensor([1]))
    assert torch.equal(part.image, whole.image[1:])
    assert not part.image.requires_grad
    assert (part.text, part.size) == (None, (6, 8))


def test_packed_tensors_are_contiguous_and_equal():
    turned = state(0)._replace(image=torch.randn(2, 4, 3).transpose(1, 2))
    made = packed(turned)
    assert made.image.is_contiguous()
    assert torch.equal(made.image, turned.image)
