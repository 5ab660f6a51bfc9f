"""The Gram matrix of a layer, taken apart: which two channels are active together, and where."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from viz_core.generate.style_statistics import gram
from viz_core.models.graph import GraphModel


@dataclass(frozen=True)
class GramView:
    """Activations (C, H, W) of a layer and their Gram matrix (C, C)."""

    maps: np.ndarray
    matrix: np.ndarray

    def product(self, first: int, second: int) -> np.ndarray:
        """Where two channels are active together: the product of their maps (H, W), whose mean is the matrix entry."""
        return self.maps[first] * self.maps[second]

    def compressed(self) -> np.ndarray:
        """The square root of the matrix's sizes with their signs, so that weak pairs can be seen beside strong ones."""
        return np.sign(self.matrix) * np.sqrt(np.abs(self.matrix))


@torch.inference_mode()
def gram_view(network: GraphModel, picture: Tensor, layer: str) -> GramView:
    """The Gram matrix of one layer for a picture (1, 3, H, W)."""
    features = network.activations(picture, layer)[layer]
    return GramView(features[0].cpu().numpy(), gram(features)[0].cpu().numpy())
