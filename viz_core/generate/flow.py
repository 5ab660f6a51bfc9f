"""What moved between two frames of a film, and a change carried along with it (Farneback 2003)."""

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

PYRAMID_SCALE = 0.5
LEVELS = 3
WINDOW = 15
ITERATIONS = 3
NEIGHBOURS = 5
SMOOTHNESS = 1.2


def flow(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Where every pixel of `after` was in `before`, as a displacement (H, W, 2) in pixels (x, y); pictures (H, W, 3) uint8."""
    grey = [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) for pixels in (after, before)]
    return cv2.calcOpticalFlowFarneback(  # type: ignore[call-overload]  # the stub wants a flow to begin with
        *grey, None, PYRAMID_SCALE, LEVELS, WINDOW, ITERATIONS, NEIGHBOURS, SMOOTHNESS, 0
    )


def carried(change: Tensor, displacement: np.ndarray) -> Tensor:
    """A change of the frame before (1, 3, H, W), moved to where things are now; nothing comes in from outside."""
    height, width = change.shape[-2:]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    x = (columns + displacement[..., 0] + 0.5) * 2 / width - 1
    y = (rows + displacement[..., 1] + 0.5) * 2 / height - 1
    where = torch.from_numpy(np.stack([x, y], -1))[None].to(change)
    return grid_sample(change, where, mode="bilinear", padding_mode="zeros", align_corners=False)
