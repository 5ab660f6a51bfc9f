"""Histograms of oriented gradients, differentiable: not only convolutional networks can be fooled.

Dalal & Triggs 2005; the conventions are scikit-image's: cells of 8 x 8 pixels, blocks of 2 x 2 cells, 9 orientations.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from viz_core.generate.objective import Objective, View

CELL = 8
BLOCK = 2
ORIENTATIONS = 9
EPSILON = 1e-5
CLIP = 0.2


def hog(x: Tensor, smooth: bool = False) -> Tensor:
    """The features of pictures (N, 3, H, W): (N, rows, columns, 2, 2, 9), one block for each 2 x 2 cells, L2-Hys normalised.

    Votes go to one orientation; if `smooth` they are shared between the two nearest, so that gradients can turn edges.
    """
    votes = _votes(*_gradients(x), smooth)
    cells = F.avg_pool2d(votes, CELL)
    blocks = cells.unfold(2, BLOCK, 1).unfold(3, BLOCK, 1).permute(0, 2, 3, 4, 5, 1)
    return _unit(_unit(blocks).clamp(max=CLIP))


def _gradients(x: Tensor) -> tuple[Tensor, Tensor]:
    """Differences down and right (N, H, W) of the colour that changes most at each pixel; nothing at the border."""
    down, right = torch.zeros_like(x), torch.zeros_like(x)
    down[:, :, 1:-1] = x[:, :, 2:] - x[:, :, :-2]
    right[..., 1:-1] = x[..., 2:] - x[..., :-2]
    strongest = (down.square() + right.square()).argmax(1, keepdim=True)
    return down.gather(1, strongest)[:, 0], right.gather(1, strongest)[:, 0]


def _votes(down: Tensor, right: Tensor, smooth: bool) -> Tensor:
    """The strength of every pixel's gradient in the bin of its orientation: (N, 9, H, W)."""
    strength = (down.square() + right.square() + 1e-12).sqrt()
    at = torch.atan2(down, right + 1e-12 * (right == 0)) % math.pi * (ORIENTATIONS / math.pi)
    bins = torch.arange(ORIENTATIONS, device=down.device).view(1, -1, 1, 1)
    if smooth:
        away = (at[:, None] - bins - 0.5 + ORIENTATIONS / 2) % ORIENTATIONS - ORIENTATIONS / 2
        return strength[:, None] * (1 - away.abs()).clamp(min=0)
    return strength[:, None] * (at.floor().clamp(max=ORIENTATIONS - 1)[:, None] == bins)


def _unit(blocks: Tensor) -> Tensor:
    return blocks / (blocks.square().sum((3, 4, 5), keepdim=True) + EPSILON**2).sqrt()


@dataclass(frozen=True, eq=False)
class HogMatch(Objective):
    """How far the features of the picture are from given ones: |h - h0|^2 / |h0|^2."""

    target: Tensor
    least = 1e-3

    def __call__(self, view: View) -> Tensor:
        difference = hog(view.picture, smooth=True) - self.target
        return difference.flatten(1).square().sum(1) / self.target.square().sum()

    @property
    def name(self) -> str:
        return "distance in HOG"
