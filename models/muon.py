"""Muon: an optimiser that makes every update of a weight matrix use all its directions equally.

The gradient of a matrix is usually dominated by a few directions. Muon replaces the (averaged) gradient by the nearest
orthogonal matrix and so moves along the rare ones too. Here it needs about half as many steps as AdamW.

Sources: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"; the factor that makes learning
rates comparable with AdamW's: Liu et al. 2025, "Muon is scalable for LLM training", equation 4.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from models import runtime

ITERATIONS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrix: Tensor) -> Tensor:
    """The matrix with all singular values moved near 1 (Newton-Schulz, 0.7 to 1.2), same shape; in bfloat16 where the
    hardware has it.
    """
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix).to(torch.bfloat16 if runtime.has_bfloat16(matrix.device.type) else torch.float32)
    x = x / (x.norm() + 1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum and decoupled weight decay; a convolution counts as a matrix `[out, in * h * w]`."""

    def __init__(
        self, parameters: Iterable[Tensor], lr: float, *, momentum: float = 0.95, weight_decay: float = 0.01
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Update every parameter from its gradient."""
        for group in self.param_groups:
            rate, momentum = group["lr"], group["momentum"]
            for weight in group["params"]:
                average = self.state[weight].setdefault("average", torch.zeros_like(weight))
                average.lerp_(weight.grad, 1 - momentum)
                update = orthogonalise(weight.grad.lerp(average, momentum).flatten(1))
                weight.mul_(1 - rate * group["weight_decay"])
                weight.add_(update.reshape(weight.shape).to(weight), alpha=-rate * 0.2 * max(update.shape) ** 0.5)
