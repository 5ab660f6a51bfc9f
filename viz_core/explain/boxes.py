"""How well a map agrees with a box drawn around the object: boxes are (left, top, right, bottom), half open, in pixels."""

import numpy as np

from viz_core.images.render import is_flat

Box = tuple[int, int, int, int]
BOX_LEVEL = 0.2  # of the greatest value, Selvaraju et al., 2017, use 0.15, Zhou et al., 2016, use 0.2


def bounding_box(mask: np.ndarray) -> Box | None:
    """The box around a mask (H, W) of bool; None around an empty one."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def box_overlap(first: Box | None, second: Box | None) -> float:
    """Intersection over union of two boxes; 0 without one of them."""
    if first is None or second is None:
        return 0.0
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(0, width) * max(0, height)
    areas = sum((right - left) * (bottom - top) for left, top, right, bottom in (first, second))
    return shared / (areas - shared) if areas > shared else 0.0


def points_into(values: np.ndarray, box: Box) -> bool:
    """Whether the greatest value of a map (H, W) lies in the box: the pointing game of Zhang et al., 2016."""
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    return bool(box[0] <= column < box[2] and box[1] <= row < box[3]) and not is_flat(values)


def share_inside(values: np.ndarray, box: Box) -> float:
    """How much of what a map (H, W) shows lies in the box: its positive values inside as a share of all, 0 to 1."""
    positive = np.maximum(values, 0)
    total = float(positive.sum())
    return float(positive[box[1] : box[3], box[0] : box[2]].sum()) / total if total > 0 else 0.0


def map_box(values: np.ndarray) -> Box | None:
    """The box around the places of a map (H, W) with at least a fifth of its greatest value; None for a flat map."""
    return None if is_flat(values) else bounding_box(values >= BOX_LEVEL * values.max())
