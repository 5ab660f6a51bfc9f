"""The live view against a plain forward pass, frame by frame."""

import numpy as np
import pytest
import torch

from viz_core import models
from viz_core.images.intake import Picture
from viz_core.images.render import SEQUENTIAL
from viz_core.images.tensor import to_input
from viz_core.look.live import HEIGHT, LiveView, Watch, look, mosaic

LAYER = "features.1"


@pytest.fixture
def watch() -> Watch:
    return Watch(models.load("random:squeezenet1_1"), LAYER, maps=9)


def frame(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (48, 64, 3), np.uint8)


def test_maps_and_classes_are_those_of_the_plain_network(watch):
    maps, top = look(watch, frame(0))
    x = to_input(Picture(frame(0)), watch.network.input_size)
    np.testing.assert_allclose(maps, watch.network.activations(x, LAYER)[LAYER][0], rtol=1e-5, atol=1e-6)
    expected = watch.network.top(x, 5)
    assert [index for index, _, _ in top] == [index for index, _, _ in expected]
    assert [p for *_, p in top] == pytest.approx([p for *_, p in expected], rel=1e-4)


def test_a_picture_holds_the_frame_and_the_maps(watch):
    view = LiveView(watch)
    drawn = view.draw(frame(0))
    assert drawn.shape == (HEIGHT, 2 * 512 + 4, 3)
    assert (drawn[:, 516:] < 255).any(axis=(0, 2)).mean() > 0.9
    np.testing.assert_array_equal(view.frame, frame(0))
    assert view.rate == 0
    view.draw(frame(1))
    assert view.rate > 0


def test_a_frozen_frame_stands_still_while_the_gain_still_acts(watch):
    view = LiveView(watch)
    first = view.draw(frame(0))
    view.frozen = True
    np.testing.assert_array_equal(view.draw(frame(1))[:, :512], first[:, :512])
    view.watch = Watch(watch.network, LAYER, maps=9, gain=4.0)
    brighter = view.draw(frame(2))
    np.testing.assert_array_equal(brighter[:, :512], first[:, :512])
    assert brighter[:, 520:].astype(int).sum() != first[:, 520:].astype(int).sum()


def test_scales_do_not_fall_at_once(watch):
    view = LiveView(watch)
    maps, _ = look(watch, frame(0))
    strong = view._colours(watch, maps[:9])
    weak = view._colours(watch, maps[:9] / 10)
    assert (strong.reshape(-1, 3) == SEQUENTIAL[-1]).all(1).any()
    assert not (weak.reshape(-1, 3) == SEQUENTIAL[-1]).all(1).any()


def test_a_layer_without_positions_and_another_layer_in_mid_stream_can_be_watched(watch):
    view = LiveView(watch)
    view.draw(frame(0))
    for layer in ("flatten", "features.0"):
        view.watch = Watch(watch.network, layer, maps=7)
        assert view.draw(frame(1)).shape == (HEIGHT, 1028, 3)


def test_tiles_lie_row_by_row():
    tiles = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 40, 60, 3), np.uint8)
    sheet = mosaic(tiles)
    assert sheet.shape[1] == 3 * 60 + 3
    assert [sheet[5, 5 + 61 * column, 0] for column in range(3)] == [0, 1, 2]
    assert [sheet[46, 5 + 61 * column, 0] for column in range(3)] == [3, 4, 255]


def test_the_network_sees_the_whole_frame_at_its_own_size(watch):
    with torch.inference_mode():
        maps, _ = look(watch, np.zeros((30, 60, 3), np.uint8))
    assert maps.shape[2] > 1.9 * maps.shape[1]
