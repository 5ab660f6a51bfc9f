"""Projected gradient descent in a ball around the picture: the attack one trains against and measures with."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def l2_pgd(
    logits: Callable[[Tensor], Tensor],
    pictures: Tensor,
    labels: Tensor,
    radius: float,
    steps: int,
    generator: torch.Generator,
    step_size: float | None = None,
) -> Tensor:
    """Pictures [B, 3, H, W] in [0, 1] within L2 distance `radius` of the given ones, where the loss is high.

    Madry et al. 2018: random start in the ball, steps of 2.5 radius / steps along the normalised gradient, projection.
    """
    step_size = 2.5 * radius / steps if step_size is None else step_size
    noise = torch.randn(pictures.shape, generator=generator).to(pictures.device)
    share = torch.rand(len(pictures), 1, 1, 1, generator=generator).to(pictures.device)
    change = radius * share * _unit(noise)
    for _ in range(steps):
        moved = (pictures + change).clamp(0, 1).requires_grad_(True)
        (gradient,) = torch.autograd.grad(F.cross_entropy(logits(moved), labels), moved)
        change = _into_ball(moved.detach() - pictures + step_size * _unit(gradient), radius)
    return (pictures + change).clamp(0, 1)


def _norm(x: Tensor) -> Tensor:
    return x.flatten(1).norm(dim=1).clamp(min=1e-12)[:, None, None, None]


def _unit(x: Tensor) -> Tensor:
    return x / _norm(x)


def _into_ball(change: Tensor, radius: float) -> Tensor:
    return change * (radius / _norm(change)).clamp(max=1)
