import numpy as np
import pytest

from viz_core.images.stimuli import blob, checks, cross, dots, edge, grating, ring, stimuli

SIDE = 200
PIXEL = 2 / SIDE
AT = (np.arange(SIDE) + 0.5) * PIXEL - 1


def share(cover) -> np.ndarray:
    return cover(AT[None, :], AT[:, None], PIXEL)


def test_there_are_hundreds_all_different_and_always_the_same():
    pictures = [stimulus.draw(64) for stimulus in stimuli()]
    assert len(pictures) > 500
    assert len({picture.digest for picture in pictures}) > 0.98 * len(pictures)  # a full-size disc is a ring for nobody
    assert pictures == [stimulus.draw(64) for stimulus in stimuli()]
    assert pictures[0].pixels.shape == (64, 64, 3)


@pytest.mark.parametrize("cycles", [2, 8, 20])
def test_a_grating_has_its_frequency_and_direction(cycles):
    spectrum = np.abs(np.fft.fft2(share(grating(0, cycles)) - 0.5))
    assert np.unravel_index(spectrum[:, : SIDE // 2].argmax(), spectrum[:, : SIDE // 2].shape) == (0, cycles)
    turned = np.abs(np.fft.fft2(share(grating(90, cycles)) - 0.5))
    assert np.unravel_index(turned[: SIDE // 2].argmax(), turned[: SIDE // 2].shape) == (cycles, 0)


def test_areas_are_those_of_the_figures():
    area = PIXEL**2
    assert abs(share(ring(0.5, 0.2)).sum() * area - np.pi * (0.6**2 - 0.4**2)) < 0.002
    assert abs(share(dots(4, 0.6)).sum() * area - 16 * np.pi * 0.15**2) < 0.005
    assert abs(share(cross(30, 0.3)).sum() * area - (2 * 1.6 * 0.3 - 0.3**2)) < 0.002
    assert abs(share(edge(0, 0.4)).mean() - 0.3) < 1e-6
    assert abs(share(edge(180, 0.4)).mean() - 0.3) < 1e-6
    assert abs(share(blob(0, 0, 0.1)).sum() * area - 2 * np.pi * 0.1**2) < 1e-4
    assert abs(share(checks(4, 0)).mean() - 0.5) < 1e-6


def test_checks_alternate():
    board = share(checks(4, 0))
    cells = board[25::50, 25::50]
    assert np.array_equal(np.rint(cells), np.indices((4, 4)).sum(0) % 2 == 0)
    assert set(np.rint(cells[0])) == {0, 1}
