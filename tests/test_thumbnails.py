"""Thumbnails: every room has one, and they are what they say."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from pages.ui.navigation import rooms
from viz_core.registry import techniques
from viz_core.thumbnails import HEIGHT, WIDTH, make, shrink, thumbnail


@pytest.mark.parametrize("kind", rooms(), ids=lambda kind: kind.slug)
def test_every_room_has_a_small_picture(kind):
    picture = thumbnail(kind.slug)
    assert len(picture) < 40_000
    assert Image.open(BytesIO(picture)).size == (WIDTH, HEIGHT)


def test_one_is_made_from_what_a_technique_shows():
    made = np.asarray(Image.open(BytesIO(make(techniques()["filters"]))).convert("RGB"), float)
    assert made.std() > 20


def test_strips_are_stacked_and_the_middle_is_kept():
    strip = np.zeros((50, 400, 3), np.uint8)
    strip[:, 200:] = 255
    stacked = np.asarray(Image.open(BytesIO(shrink(strip))).convert("L"))
    assert stacked[: HEIGHT // 2 - 8].mean() < 10
    assert stacked[HEIGHT // 2 + 8 :].mean() > 245
