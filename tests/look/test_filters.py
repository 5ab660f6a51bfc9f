"""Filters against the weights of torchvision's own module and pixel arithmetic by hand."""

import numpy as np
import pytest
import torch
import torchvision

from viz_core.errors import ConvscopeError
from viz_core.look.filters import GAP, Filters
from viz_core.technique import finish


def torchvision_weights(name: str, module: str, seed: int = 0) -> np.ndarray:
    torch.manual_seed(seed)
    return torchvision.models.get_model(name, weights=None).get_submodule(module).weight.detach().numpy()


@pytest.mark.parametrize(
    ("name", "first", "shape"),
    [
        ("alexnet", "features.0", (64, 3, 11, 11)),
        ("resnet18", "conv1", (64, 3, 7, 7)),
        ("densenet121", "features.conv0", (64, 3, 7, 7)),
    ],
)
def test_first_layer_is_drawn_in_colour(name, first, shape):
    result = finish(Filters(model=f"random:{name}").run())
    weights = torchvision_weights(name, first)
    assert result.arrays["weights"].shape == shape
    np.testing.assert_array_equal(result.arrays["weights"], weights)
    side = shape[-1]
    for index in (0, 9, 63):
        top, left = GAP + index // 8 * (side + GAP), GAP + index % 8 * (side + GAP)
        tile = result.arrays["grid"][top : top + side, left : left + side]
        kernel = weights[index].transpose(1, 2, 0)
        np.testing.assert_allclose(tile, 0.5 + 0.5 * kernel / np.abs(kernel).max(), atol=1.01 / 255)
        np.testing.assert_array_equal(result.arrays["values"][top : top + side, left : left + side], kernel)


def test_joint_contrast_keeps_the_ratio_between_filters():
    result = finish(Filters(model="random:alexnet", normalise="joint").run())
    weights = result.arrays["weights"]
    tile = result.arrays["grid"][GAP : GAP + 11, GAP : GAP + 11]
    np.testing.assert_allclose(tile, 0.5 + 0.5 * weights[0].transpose(1, 2, 0) / np.abs(weights).max(), atol=1.01 / 255)


def test_a_deeper_layer_is_drawn_a_row_for_each_filter():
    result = finish(Filters(model="random:alexnet", layer="features.3", first=10, count=4, first_input=2).run())
    weights = torchvision_weights("alexnet", "features.3")
    assert result.scores["columns"] == 62
    top, left = GAP + 2 * (5 + GAP), GAP + 3 * (5 + GAP)
    np.testing.assert_array_equal(result.arrays["values"][top : top + 5, left : left + 5, 0], weights[12, 5])


def test_a_page_beyond_the_last_filter_shows_the_last():
    result = finish(Filters(model="random:alexnet", layer="features.3", first=10_000).run())
    assert result.arrays["values"].shape[0] == 5 + 2 * GAP


def test_an_unknown_layer_is_told_in_a_sentence():
    with pytest.raises(ConvscopeError, match=r"features\.999"):
        finish(Filters(model="random:alexnet", layer="features.999").run())
