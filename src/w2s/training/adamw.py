"""AdamW whose whole state is named tensors."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw


class AdamW:
    """torch's fused AdamW over the parameters of `net` that need a gradient.

    Calls torch's functional form: the first use of a `torch.optim.Optimizer` imports
    torch._dynamo, which costs every training process more than torch itself.
    """

    def __init__(self, net: nn.Module, betas: tuple[float, float], weight_decay: float):
        named = [(name, p) for name, p in net.named_parameters() if p.requires_grad]
        self.names, self.parameters = (list(part) for part in zip(*named, strict=True))
        self.betas, self.weight_decay = betas, weight_decay
        self.means = [torch.zeros_like(p) for p in self.parameters]
        self.squares = [torch.zeros_like(p) for p in self.parameters]
        self.steps = [torch.zeros((), device=p.device) for p in self.parameters]

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """Update every parameter by its gradient, and drop the gradients."""
        gradients = [p.grad for p in self.parameters]
        adamw(
            self.parameters, gradients, self.means, self.squares, [], self.steps,
            fused=True, amsgrad=False, beta1=self.betas[0], beta2=self.betas[1], lr=lr,
            weight_decay=self.weight_decay, eps=1e-8, maximize=False,
        )  # fmt: skip
        for parameter in self.parameters:
            parameter.grad = None

    def tensors(self) -> dict[str, Tensor]:
        """Moments and step counts, as ``"adam/<what>/<parameter>"``."""
        parts = {"mean": self.means, "square": self.squares, "step": self.steps}
        return {
            f"adam/{what}/{name}": value
            for what, values in parts.items()
            for name, value in zip(self.names, values, strict=True)
        }

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Go on from what `tensors` gave; parameters without a record start afresh."""
        for name, value in self.tensors().items():
            if name in tensors:
                value.copy_(tensors[name])
