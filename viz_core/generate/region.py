"""A mask painted with a brush, stroke by stroke."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

FULL = 255
SOFTNESS = 0.15  # of the brush: how wide its edge is
SUBPIXEL = 4  # bits


class Stroke(NamedTuple):
    """A line through points (x, y) with a round brush of this diameter, all as shares of the picture's width.

    `erase` takes away what earlier strokes have painted.
    """

    points: tuple[tuple[float, float], ...]
    brush: float
    erase: bool = False


def strokes_mask(shape: tuple[int, int], strokes: Sequence[Stroke]) -> np.ndarray:
    """White strokes with soft edges on black, (H, W, 3) uint8, for a picture of this height and width."""
    mask: np.ndarray = np.zeros(shape, np.float32)
    for stroke in strokes:
        painted = _painted(shape, stroke).astype(np.float32) / FULL
        mask = mask * (1 - painted) if stroke.erase else np.maximum(mask, painted)
    return np.repeat(np.rint(FULL * mask).astype(np.uint8)[..., None], 3, axis=2)


def _painted(shape: tuple[int, int], stroke: Stroke) -> np.ndarray:
    """One stroke alone, (H, W) uint8."""
    canvas, width = np.zeros(shape, np.uint8), shape[1]
    thickness = max(1, round(stroke.brush * width))
    points = np.rint(np.array(stroke.points) * width * 2**SUBPIXEL).astype(np.int32)
    points = np.concatenate([points, points[-1:]])  # a touch is a line, too
    cv2.polylines(canvas, [points], False, FULL, thickness, cv2.LINE_AA, SUBPIXEL)
    return cv2.GaussianBlur(canvas, (0, 0), max(0.5, SOFTNESS * thickness))
