"""Rectangles on pictures: (top, left, bottom, right) in pixels, half open; they may reach beyond the picture."""

import numpy as np

Box = tuple[int, int, int, int]

OUTSIDE = 200  # grey of what lies beyond the picture
RED = (228, 26, 28)


def inside(box: Box, height: int, width: int) -> Box:
    """The part of a box that lies within a picture of `height` x `width` pixels; empty boxes stay empty."""
    top, left, bottom, right = box
    top, left = min(max(top, 0), height), min(max(left, 0), width)
    return top, left, max(top, min(bottom, height)), max(left, min(right, width))


def cut(pixels: np.ndarray, box: Box) -> np.ndarray:
    """The pixels (bottom - top, right - left, 3) uint8 within a box, light grey where it lies beyond the picture."""
    top, left, bottom, right = box
    patch = np.full((bottom - top, right - left, 3), OUTSIDE, np.uint8)
    y0, x0, y1, x1 = inside(box, *pixels.shape[:2])
    patch[y0 - top : y1 - top, x0 - left : x1 - left] = pixels[y0:y1, x0:x1]
    return patch


def outlined(pixels: np.ndarray, box: Box, colour: tuple[int, int, int] = RED) -> np.ndarray:
    """A copy of the pixels (H, W, 3) uint8 with the box framed; sides beyond the picture lie on its border."""
    height, width = pixels.shape[:2]
    line = max(2, round(max(height, width) / 120))
    top, left, bottom, right = inside(box, height, width)
    framed = pixels.copy()
    if bottom > top and right > left:
        for side in (np.s_[top : top + line], np.s_[max(top, bottom - line) : bottom]):
            framed[side, left:right] = colour
        for side in (np.s_[left : left + line], np.s_[max(left, right - line) : right]):
            framed[top:bottom, side] = colour
    return framed
