"""A device that is absent or unknown is refused in one sentence."""

import pytest
import torch

from w2s.device import pick
from w2s.errors import UserError


@pytest.mark.parametrize(("present", "device"), [(0, "cpu"), (2, "cuda")])
def test_auto_takes_cuda_where_there_is_one(monkeypatch, present, device):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: present)
    assert pick("auto") == torch.device(device)


@pytest.mark.parametrize(("present", "asked"), [(0, "cuda"), (2, "cuda:2")])
def test_absent_cuda_is_refused(monkeypatch, present, asked):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: present)
    with pytest.raises(UserError, match=f"'{asked}', but {present} CUDA devices are visible"):
        pick(asked)


def test_named_devices_are_taken_as_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert pick("cuda:1") == torch.device("cuda", 1)
    assert pick("cpu") == torch.device("cpu")


def test_an_unknown_device_is_refused():
    with pytest.raises(UserError, match="use auto, cpu, cuda"):
        pick("gpu")
