"""A mask from a few ellipses drawn over a picture."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Box = tuple[int, int, int, int]
SOFTNESS = 0.01  # of the longer side: how wide the edge is


def ellipses_mask(shape: tuple[int, int], boxes: Sequence[Box]) -> np.ndarray:
    """White ellipses with soft edges on black, (H, W, 3) uint8; each fills its box (left, top, right, bottom) in pixels."""
    mask = Image.new("L", (shape[1], shape[0]))
    draw = ImageDraw.Draw(mask)
    for box in boxes:
        draw.ellipse(box, fill=255)
    soft = np.asarray(mask.filter(ImageFilter.GaussianBlur(SOFTNESS * max(shape))))
    return np.repeat(soft[..., None], 3, axis=2)
