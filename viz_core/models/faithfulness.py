"""Insertion and deletion (Petsiuk, Das & Saenko 2018): does the class go with the pixels a map holds for important?"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2.functional import gaussian_blur

from viz_core.models.graph import GraphModel

BLUR_SIDE, BLUR_SIGMA = 11, 5.0  # pixels, as in RISE


def stages(start: Tensor, end: Tensor, values: np.ndarray, steps: int) -> Iterator[Tensor]:
    """The picture `start` (1, 3, H, W) becoming `end`, the pixels with the greatest values of the map (H, W) first.

    `steps` + 1 pictures, the first is `start` and the last is `end`.
    """
    order = np.argsort(-values, axis=None, kind="stable")
    shown = start.clone()
    yield shown.clone()
    for part in np.array_split(order, steps):
        places = torch.from_numpy(part).to(start.device)
        shown.flatten(2)[:, :, places] = end.flatten(2)[:, :, places]
        yield shown.clone()


def deletion(x: Tensor, network: GraphModel, values: np.ndarray, steps: int) -> Iterator[Tensor]:
    """The picture losing its most important pixels to the network's mean colour."""
    return stages(x, network.mean.expand_as(x), values, steps)


def insertion(x: Tensor, network: GraphModel, values: np.ndarray, steps: int) -> Iterator[Tensor]:
    """The picture out of focus getting its most important pixels back."""
    return stages(gaussian_blur(x, [BLUR_SIDE, BLUR_SIDE], [BLUR_SIGMA, BLUR_SIGMA]), x, values, steps)


def area_under(curve: np.ndarray) -> float:
    """The area under a curve over [0, 1] by the trapezoidal rule; between 0 and 1 for probabilities."""
    return float((curve.sum() - (curve[0] + curve[-1]) / 2) / (len(curve) - 1))
