"""Networks on the accelerator only while they are used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def visiting(networks: Iterable[nn.Module | None], device: torch.device | None) -> Iterator[None]:
    """Have networks on a device within the block, and where they were after it, also by an error.

    None of a network is passed over; without a device all stay where they are.
    """
    homes = [(net, net.device) for net in networks if net is not None] if device else []
    try:
        for net, _ in homes:
            net.to(device)
        yield
    finally:
        for net, home in homes:
            net.to(home)
        if homes and device.type == "cuda":
            torch.cuda.empty_cache()
