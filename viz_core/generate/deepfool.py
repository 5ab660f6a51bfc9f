"""DeepFool: the shortest way over the nearest boundary, as if the network were linear (Moosavi-Dezfooli et al. 2016)."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from viz_core.models.graph import GraphModel

OVERSHOOT = 0.02
CANDIDATES = 10
A_LITTLE = 1e-4  # added to every step, so that it does not end on the boundary itself


class Crossing(NamedTuple):
    """Where DeepFool is: the picture (1, 3, H, W), and whether the network sees another class than at first."""

    picture: Tensor
    fooled: bool


def deepfool(
    network: GraphModel, x: Tensor, steps: int = 50, overshoot: float = OVERSHOOT, candidates: int = CANDIDATES
) -> Iterator[Crossing]:
    """Walk from one picture x (1, 3, H, W) in [0, 1] over the nearest boundary, yielding every place on the way.

    Only the `candidates` likeliest classes are tried. The first crossing yielded is the picture itself.
    """
    with torch.no_grad():
        classes = network(x)[0].argsort(descending=True)[:candidates]
    place, change = x, torch.zeros_like(x)
    for _ in range(steps):
        slopes, heights, fooled = _against_first(network, place, classes)
        yield Crossing(place, fooled)
        if fooled:
            return
        lengths = slopes.flatten(1).norm(dim=1) + 1e-8
        distances = heights.abs() / lengths
        nearest = int(distances.argmin())
        change = change + (distances[nearest] + A_LITTLE) / lengths[nearest] * slopes[nearest]
        place = (x + (1 + overshoot) * change).clamp(0, 1)
    with torch.no_grad():
        yield Crossing(place, int(network(place).argmax()) != int(classes[0]))


def _against_first(network: GraphModel, x: Tensor, classes: Tensor) -> tuple[Tensor, Tensor, bool]:
    """How far every other class is below the first, (K - 1,), and the gradients of that, (K - 1, 3, H, W)."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        logits = network(x)[0]
        heights = logits[classes[1:]] - logits[classes[0]]
        slopes = [torch.autograd.grad(height, x, retain_graph=True)[0][0] for height in heights]
    return torch.stack(slopes), heights.detach(), int(logits.argmax()) != int(classes[0])
