import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as tv

from viz_core.images import samples
from viz_core.images.intake import Picture
from viz_core.images.tensor import to_input, to_pixels, to_tensor


@pytest.mark.parametrize(
    ("height", "width", "expected"), [(300, 451, (64, 96)), (451, 300, (96, 64)), (8, 8, (64, 64))]
)
def test_the_short_side_is_scaled_to_size_and_the_shape_kept(height, width, expected):
    picture = Picture(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))
    tensor = to_input(picture, 64)
    assert tensor.shape == (1, 3, *expected)
    assert tensor.dtype == torch.float32
    assert tensor.min() >= 0
    assert tensor.max() <= 1


def test_scaling_agrees_with_torchvisions_antialiased_resize():
    picture = samples.sample("chelsea")
    chw = torch.from_numpy(picture.pixels.transpose(2, 0, 1).copy())[None].double() / 255
    expected = tv.resize(chw, [224, 337], interpolation=tv.InterpolationMode.BILINEAR, antialias=True)
    assert torch.allclose(to_input(picture, 224).double(), expected, rtol=0, atol=1e-6)


def test_long_pictures_keep_their_centre():
    pixels = np.zeros((10, 100, 3), np.uint8)
    pixels[:, 40:60] = 255  # exactly the central 2:1 part
    for turned in (pixels, pixels.transpose(1, 0, 2)):
        tensor = to_input(Picture(turned), 32)
        assert sorted(tensor.shape[2:]) == [32, 64]
        assert (tensor == 1).all()


def test_the_same_picture_gives_the_same_tensor_whatever_the_threads():
    picture, threads = samples.sample("coffee"), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = to_input(picture, 200)
        torch.set_num_threads(2)
        assert torch.equal(one, to_input(picture, 200))
    finally:
        torch.set_num_threads(threads)


def test_pixels_survive_the_way_there_and_back():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    assert np.array_equal(to_pixels(to_tensor(pixels)), pixels)
    assert np.array_equal(to_pixels(to_tensor(pixels)[0]), pixels)


def test_to_pixels_rounds_and_clips():
    values = torch.tensor([-1.0, 0.0, 0.4 / 255, 0.6 / 255, 254.5001 / 255, 1.0, 7.0, torch.nan, torch.inf, -torch.inf])
    shown = to_pixels(values.reshape(1, 1, 1, -1).expand(1, 3, 1, -1).requires_grad_())
    assert shown[0, :, 1].tolist() == [0, 0, 0, 1, 255, 255, 255, 0, 255, 0]
