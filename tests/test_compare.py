"""Pins: what can be pinned, one scale for all, differences, and the sheet."""

import numpy as np
import pytest

from viz_core.compare import LONGEST_SIDE, TILE, Pin, coloured, difference, limits, offers, pin, sheet
from viz_core.errors import ConvscopeError
from viz_core.explain.saliency import Saliency
from viz_core.images.render import heatmap
from viz_core.recipe import Recipe
from viz_core.technique import Result, finish

RECIPE = Recipe(technique="cam", parameters={}, weights="w", picture="p")


def made(values: np.ndarray) -> Pin:
    return Pin(RECIPE, "map", values)


def test_maps_and_pictures_of_a_result_are_offered_and_keep_their_recipe():
    result = finish(Saliency().run())
    assert {"array:map", "array:mask", "picture:overlay"} <= set(offers(result))
    assert "array:input" not in offers(result)
    taken = pin(result, "array:map")
    assert taken.recipe == result.recipe
    np.testing.assert_array_equal(taken.values, result.arrays["map"])
    assert not pin(result, "picture:overlay").is_map
    with pytest.raises(ConvscopeError):
        pin(result, "array:nothing")


def test_large_results_are_kept_small():
    arrays = {"map": np.zeros((100, 4 * LONGEST_SIDE), np.float32)}
    result = Result(RECIPE, arrays, {}, {}, {})
    assert pin(result, "array:map").values.shape == (25, LONGEST_SIDE)


def test_one_scale_gives_equal_numbers_equal_colours():
    low, high = made(np.array([[0.0, 1.0], [2.0, 1.0]])), made(np.array([[1.0, 4.0], [1.0, 1.0]]))
    joint = limits((low, high), joint=True)
    assert joint == [(0.0, 4.0), (0.0, 4.0)]
    np.testing.assert_array_equal(coloured(low, joint[0])[0, 1], coloured(high, joint[1])[0, 0])
    assert limits((low, high), joint=False) == [(0.0, 2.0), (1.0, 4.0)]
    assert limits((made(np.zeros((2, 2, 3), np.uint8)),), joint=True) == [None]


def test_differences_of_maps_and_of_pictures():
    first, second = made(np.zeros((2, 2), np.float32)), made(np.full((4, 4), 3.0, np.float32))
    np.testing.assert_array_equal(difference(first, second), np.full((4, 4), 3.0))
    black, white = made(np.zeros((3, 3, 3), np.uint8)), made(np.full((3, 3, 3), 255, np.uint8))
    np.testing.assert_allclose(difference(black, white), 1, atol=1e-6)
    with pytest.raises(ConvscopeError):
        difference(first, black)


def test_the_sheet_holds_every_map_in_its_colours():
    ramp = made(np.linspace(0, 1, 16, dtype=np.float32).reshape(4, 4))
    other = made(-ramp.values)
    page = sheet((ramp, other), ["one", "two", "difference"], True, [difference(ramp, other)])
    assert page.shape[1] > 3 * TILE
    strongest = heatmap(np.array([[1.0]]), signed=True, limits=(-1.0, 1.0))[0, 0]
    assert (page == strongest).all(axis=2).any()
