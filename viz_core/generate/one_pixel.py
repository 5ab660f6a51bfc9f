"""One pixel that changes the class, found by differential evolution without any gradient (Su et al. 2017)."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from viz_core.models.graph import GraphModel

MUTATION = 0.5
AT_ONCE = 16


class Generation(NamedTuple):
    """The best picture (1, 3, H, W) of a generation and its worth: the logarithm of a probability, to be made large."""

    picture: Tensor
    worth: float


def one_pixel(
    network: GraphModel, x: Tensor, target: int, away: bool, people: int, generations: int, generator: torch.Generator
) -> Iterator[Generation]:
    """Evolve `people` pixels (row, column, red, green, blue) for the picture x (1, 3, H, W), yielding every generation.

    The probability of class `target` grows, or shrinks if `away`. A child is one parent plus half the difference of two
    others, and replaces the parent it competes with if it is better; there is no crossover.
    """
    place = torch.rand(people, 5, generator=generator)
    worth = _worth(network, x, place, target, away)
    for _ in range(generations):
        first, second, third = (torch.randperm(people, generator=generator) for _ in range(3))
        child = (place[first] + MUTATION * (place[second] - place[third])).clamp(0, 1)
        child_worth = _worth(network, x, child, target, away)
        better = child_worth > worth
        place = torch.where(better[:, None], child, place)
        worth = torch.where(better, child_worth, worth)
        best = int(worth.argmax())
        yield Generation(_painted(x, place[best : best + 1]), float(worth[best]))


@torch.no_grad()
def _worth(network: GraphModel, x: Tensor, place: Tensor, target: int, away: bool) -> Tensor:
    values = [network(_painted(x, part)).log_softmax(1)[:, target].cpu() for part in place.split(AT_ONCE)]
    return -torch.cat(values) if away else torch.cat(values)


def _painted(x: Tensor, place: Tensor) -> Tensor:
    """The picture with one pixel painted over, once for each row of `place` (N, 5) in [0, 1]."""
    pictures = x.repeat(len(place), 1, 1, 1)
    height, width = x.shape[-2:]
    row = (place[:, 0] * height).long().clamp(max=height - 1)
    column = (place[:, 1] * width).long().clamp(max=width - 1)
    levels = (place[:, 2:] * 255).round() / 255
    pictures[torch.arange(len(place)), :, row, column] = levels.to(x.device)
    return pictures
