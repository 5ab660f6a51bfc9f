"""A learnt style over one camera frame after another."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from viz_core.camera import Mirror
from viz_core.generate.style_files import TrainedStyle
from viz_core.images.intake import Picture
from viz_core.images.tensor import to_input, to_pixels
from viz_core.models.device import default_device


@dataclass(frozen=True)
class Brush:
    """What to paint with: a trained style, how much of each of its styles (1, styles), the paintings' short side in pixels."""

    trained: TrainedStyle
    shares: Tensor
    side: int


class StyleMirror(Mirror):
    """Paints every frame in one pass; `brush` may be changed at any time."""

    def __init__(self, brush: Brush) -> None:
        super().__init__()
        self.brush = brush

    @torch.inference_mode()
    def picture(self, frame: np.ndarray) -> np.ndarray:
        brush, device = self.brush, default_device()
        x = to_input(Picture(frame), brush.side).to(device)
        return to_pixels(brush.trained.network.to(device)(x, brush.shares.to(device)))
