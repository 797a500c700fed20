"""Which device a builder computes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from w2s.errors import UserError

if TYPE_CHECKING:
    import torch


def pick(device: str) -> torch.device:
    """The device asked for; "auto" is CUDA where there is one and the CPU elsewhere.

    Raises UserError for a name that torch does not know and for a CUDA device that is absent.
    """
    import torch

    present = torch.cuda.device_count()
    if device == "auto":
        return torch.device("cuda" if present else "cpu")
    try:
        picked = torch.device(device)
    except RuntimeError:
        raise UserError(f"device is {device!r}: use auto, cpu, cuda or cuda:<number>.") from None
    if picked.type == "cuda" and (picked.index or 0) >= present:
        raise UserError(
            f"device is {device!r}, but {present} CUDA devices are visible here: set "
            "execution.device, or --device of the command, to auto or cpu, or run where there is "
            "one."
        )
    return picked
