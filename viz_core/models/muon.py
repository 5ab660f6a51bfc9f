"""Muon: momentum whose step is the nearest orthogonal matrix, for the kernels of a convolutional network."""

from collections.abc import Iterable

import torch
from torch import Tensor

from viz_core.models.precision import bfloat16_pays


class Muon(torch.optim.Optimizer):
    """Orthogonalised Nesterov momentum, Jordan et al. 2024.

    Kernels [out, ...] are kept at norm sqrt(out), which the batch norm behind them makes free to choose; `lr` is then
    roughly the share of that norm moved in one step.
    """

    def __init__(self, kernels: Iterable[Tensor], lr: float = 0.0, momentum: float = 0.6) -> None:
        super().__init__(kernels, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]  # without torch's closure
        """One step of every kernel that has a gradient."""
        for group in self.param_groups:
            for kernel in group["params"]:
                velocity = self.state[kernel].setdefault("velocity", torch.zeros_like(kernel))
                velocity.mul_(group["momentum"]).add_(kernel.grad)
                push = kernel.grad + group["momentum"] * velocity
                kernel.mul_(len(kernel) ** 0.5 / kernel.norm())
                kernel.sub_(group["lr"] * orthogonal(push.flatten(1)).view_as(kernel))


def orthogonal(matrix: Tensor, steps: int = 3) -> Tensor:
    """Roughly U V' of the matrix U S V', by a Newton-Schulz iteration, in bfloat16 where the device multiplies that fast."""
    x = matrix.to(torch.bfloat16 if bfloat16_pays(matrix.device) else matrix.dtype) / (matrix.norm() + 1e-7)
    wide = x if x.shape[0] <= x.shape[1] else x.T
    for _ in range(steps):
        a = wide @ wide.T
        wide = 3.4445 * wide + (-4.7750 * a + 2.0315 * a @ a) @ wide
    return (wide if x.shape[0] <= x.shape[1] else wide.T).to(matrix.dtype)
