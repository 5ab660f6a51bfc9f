"""The Gram matrix of a layer, taken apart: which two channels are active together, and where."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from viz_core.generate.style_statistics import gram
from viz_core.models.graph import GraphModel

MAP_SIDE = 32


@dataclass(frozen=True)
class GramView:
    """Activations (C, H, W) of a layer and their Gram matrix (C, C)."""

    maps: np.ndarray
    matrix: np.ndarray

    def small_maps(self) -> np.ndarray:
        """The maps, where they are large averaged down to about `MAP_SIDE` places along their shorter side: (C, h, w).

        They are for the eye: entries of the matrix are means over the places of the whole maps' products.
        """
        factor = max(1, min(self.maps.shape[1:]) // MAP_SIDE)
        return avg_pool2d(torch.from_numpy(self.maps), factor).numpy()

    def compressed(self) -> np.ndarray:
        """The square root of the matrix's sizes with their signs, so that weak pairs can be seen beside strong ones."""
        return np.sign(self.matrix) * np.sqrt(np.abs(self.matrix))


@torch.inference_mode()
def gram_view(network: GraphModel, picture: Tensor, layer: str) -> GramView:
    """The Gram matrix of one layer for a picture (1, 3, H, W)."""
    features = network.activations(picture, layer)[layer]
    return GramView(features[0].cpu().numpy(), gram(features)[0].cpu().numpy())
