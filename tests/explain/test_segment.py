"""GrabCut on pictures whose object is known, and the edges where there is nothing to cut."""

import cv2
import numpy as np
import pytest

from viz_core.explain.boxes import bounding_box, box_overlap, map_box, points_into, share_inside
from viz_core.explain.segment import cut_out, largest_part, segment


def disc(height: int = 60, width: int = 80, noise: float = 6) -> tuple[np.ndarray, np.ndarray]:
    """A red disc on a blue ground, and where it is."""
    rows, columns = np.mgrid[:height, :width]
    inside = (rows - 30) ** 2 + (columns - 25) ** 2 < 15**2
    colours = np.where(inside[..., None], (200, 40, 40), (30, 50, 180))
    return np.clip(colours + np.random.default_rng(0).normal(0, noise, colours.shape), 0, 255).astype(np.uint8), inside


def test_a_vague_map_is_enough_to_find_the_object():
    pixels, inside = disc()
    rows, columns = np.mgrid[:60, :80]
    vague = np.exp(-((rows - 33) ** 2 + (columns - 28) ** 2) / 300.0)
    found = segment(pixels, vague)
    assert (found & inside).sum() / (found | inside).sum() > 0.95
    assert box_overlap(bounding_box(found), (11, 16, 40, 45)) > 0.9


@pytest.mark.parametrize(
    "saliency",
    [
        np.zeros((60, 80)),
        np.full((60, 80), 3.0),
        np.full((60, 80), np.nan),
        np.eye(60, 80),
        np.ones((60, 80)) - np.eye(60, 80),
    ],
)
def test_nothing_to_go_by_is_an_empty_mask_not_an_error(saliency):
    found = segment(disc()[0], saliency)
    assert found.shape == (60, 80)
    assert found.dtype == bool
    assert bounding_box(np.zeros((4, 4), bool)) is None


@pytest.mark.parametrize(("foreground", "background"), [(0.5, 0.9), (0.999, 0.01), (0.95, 0.3)])
def test_any_thresholds_do(foreground, background):
    pixels, _ = disc(noise=0)
    noise = np.random.default_rng(1).random((60, 80))
    assert segment(pixels, noise, foreground, background).shape == (60, 80)


def test_the_same_map_gives_the_same_mask():
    pixels, _ = disc()
    noise = cv2.GaussianBlur(np.random.default_rng(2).random((60, 80)), (0, 0), 5)
    np.testing.assert_array_equal(segment(pixels, noise), segment(pixels, noise))


def test_boxes_and_parts_by_hand():
    assert box_overlap((0, 0, 2, 2), (1, 1, 3, 3)) == pytest.approx(1 / 7)
    assert box_overlap((0, 0, 2, 2), (0, 0, 2, 2)) == 1
    assert box_overlap((0, 0, 2, 2), (5, 5, 6, 6)) == box_overlap(None, (0, 0, 1, 1)) == 0
    mask = np.array([[1, 0, 0], [0, 0, 1], [0, 1, 1]], bool)
    assert largest_part(mask).tolist() == [[False] * 3, [False, False, True], [False, True, True]]
    assert bounding_box(largest_part(mask)) == (1, 1, 3, 3)
    paper = cut_out(np.zeros((3, 3, 3), np.uint8), mask)
    assert (paper[mask] == 0).all()
    assert (paper[~mask] == 255).all()


def test_a_map_and_a_box_by_hand():
    values = np.zeros((6, 8))
    values[2, 3], values[4, 6], values[0, 0] = 10, 6, 1
    assert points_into(values, (3, 2, 4, 3))
    assert not points_into(values, (4, 2, 8, 6))
    assert not points_into(np.ones((6, 8)), (0, 0, 8, 6))
    assert share_inside(values - 5 * (values == 1), (3, 2, 7, 5)) == 1
    assert share_inside(values, (5, 0, 8, 6)) == pytest.approx(6 / 17)
    assert map_box(values) == (3, 2, 7, 5)
    assert map_box(np.zeros((6, 8))) is None
