import socket

import numpy as np
import skimage.data
from sklearn.datasets import load_sample_image

from viz_core.images import samples
from viz_core.images.intake import load_image
from viz_core.texts import has_text


def test_every_sample_opens_without_a_network_and_has_a_name_in_both_languages(monkeypatch):
    def refuse(*_):
        raise OSError("no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    samples.sample.cache_clear()
    for name in samples.names():
        assert min(samples.sample(name).pixels.shape[:2]) >= 172
        assert has_text(f"samples.{name}", "en")
        assert has_text(f"samples.{name}", "ko")
        assert samples.title(name, "ko") != samples.title(name, "en")


def test_samples_are_the_packages_own_pictures():
    assert np.array_equal(samples.sample("astronaut").pixels, skimage.data.astronaut())
    assert np.array_equal(samples.sample("brick").pixels[..., 0], skimage.data.brick())
    assert np.array_equal(samples.sample("china").pixels, load_sample_image("china.jpg"))


def test_kinds_divide_the_samples_and_colour_photographs_come_first():
    kinds = [samples.names(kind) for kind in ("photo", "texture", "figure", "drawing")]
    assert sorted(sum(kinds, ())) == sorted(samples.names())
    assert samples.names()[:3] == ("coffee", "chelsea", "astronaut")
    for name in samples.names("photo")[:8]:
        assert samples.sample(name).pixels.std(axis=-1).mean() > 1, name  # coloured
    assert {"brick", "grass", "gravel"} <= set(samples.names("texture"))


def test_thumbnails_are_small_files_of_the_whole_picture():
    for name in samples.names():
        small = load_image(samples.thumbnail(name)).pixels
        assert max(small.shape[:2]) == 160
        height, width = samples.sample(name).pixels.shape[:2]
        assert abs(small.shape[1] / small.shape[0] - width / height) < 0.05
        assert len(samples.thumbnail(name)) < 16_000
