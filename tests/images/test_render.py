import io
import zlib

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.images.hostile import photo, png_chunk, saved
from viz_core.errors import ConvscopeError
from viz_core.images import render
from viz_core.images.intake import load_image

RAMP = np.linspace(-1, 1, 101)[None]


def lightness(colours: np.ndarray) -> np.ndarray:
    linear = (colours.astype(float) / 255) ** 2.2
    return np.cbrt(linear @ [0.2126, 0.7152, 0.0722])


def test_the_sequential_table_is_viridis():
    ours = render.heatmap(np.arange(256.0)[None])[0].astype(int)
    theirs = np.rint(matplotlib.colormaps["viridis"](np.arange(256))[:, :3] * 255)
    assert np.abs(ours - theirs).max() <= 2
    assert np.diff(lightness(ours)).min() > -0.001  # but for the rounding to 8 bits
    assert np.diff(lightness(ours)[::5]).std() < 0.0025  # even steps


def test_signed_maps_are_white_at_zero_blue_below_and_red_above():
    colours = render.heatmap(RAMP, signed=True)[0].astype(int)
    red, green, blue = colours[50]
    assert red == green == blue >= 240
    assert all(blue > red for red, _, blue in colours[:40])
    assert all(red > blue for red, _, blue in colours[61:])
    shade = lightness(colours)
    assert (np.diff(shade[:51]) >= 0).all()
    assert (np.diff(shade[50:]) <= 0).all()


def test_zero_is_in_the_middle_even_of_lopsided_maps():
    lopsided = np.array([[-1.0, 0.0, 9.0]])
    assert render.heatmap(lopsided, signed=True)[0, 1].tolist() == render.DIVERGING[128].tolist()
    assert render.normalise(lopsided, signed=True)[0, 1] == 0.5
    assert render.limits_of(lopsided, signed=True) == (-9, 9)


def test_one_scale_makes_equal_values_look_equal():
    first, second = np.array([[0.0, 1.0]]), np.array([[1.0, 3.0]])
    shared = render.limits_of(first, second)
    assert shared == (0, 3)
    assert (render.heatmap(first, limits=shared)[0, 1] == render.heatmap(second, limits=shared)[0, 0]).all()
    assert (render.heatmap(first)[0, 1] != render.heatmap(second)[0, 0]).any()


def test_flat_maps_are_known_and_grey():
    for flat in (np.zeros((4, 5)), np.full((4, 5), 7.5), np.full((4, 5), np.nan), np.array([[np.inf, 2.0, np.nan]])):
        assert render.is_flat(flat)
        assert (render.heatmap(flat) == render.GREY).all()
        assert (render.heatmap(flat, signed=True) == render.GREY).all()
    assert not render.is_flat(np.array([0.0, 1e-30]))
    assert (
        render.heatmap(np.full((2, 2), 0.5), limits=(0, 1)) != render.GREY
    ).any()  # on a shared scale it has a colour


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(width=32), min_size=1, max_size=12), st.booleans())
def test_odd_numbers_never_break_a_map(values, signed):
    shown = render.heatmap(np.array([values], np.float32), signed=signed)
    assert shown.shape == (1, len(values), 3)
    assert shown.dtype == np.uint8
    blended = render.overlay(np.full((6, 9, 3), 200, np.uint8), np.array([values], np.float32), 0.5, signed)
    assert blended.shape == (6, 9, 3)


def test_infinite_values_take_the_ends_and_missing_ones_are_grey():
    colours = render.heatmap(np.array([[-np.inf, 0.0, 1.0, np.inf, np.nan]]))[0]
    assert (colours[0] == colours[1]).all()
    assert (colours[2] == colours[3]).all()
    assert (colours[4] == render.GREY).all()


def test_the_overlay_mixes_picture_and_map():
    pixels, values = np.asarray(photo()), np.random.default_rng(0).random((8, 12))
    assert np.array_equal(render.overlay(pixels, values, alpha=0), pixels)
    alone = render.overlay(np.zeros_like(pixels), values, alpha=1)
    assert alone.shape == pixels.shape
    half = render.overlay(pixels, values, alpha=0.5).astype(int)
    assert np.abs(half - (pixels.astype(int) + alone) / 2).max() <= 1


def test_the_grid_places_every_tile():
    tiles = [np.full((3, 4, 3), index + 1, np.uint8) for index in range(5)]
    sheet = render.grid(tiles, columns=2, gap=1)
    assert sheet.shape == (3 * (3 + 1) + 1, 2 * (4 + 1) + 1, 3)
    for index in range(5):
        top, left = 1 + index // 2 * 4, 1 + index % 2 * 5
        assert (sheet[top : top + 3, left : left + 4] == index + 1).all()
    assert (sheet[0] == 255).all()
    assert (sheet[9:12, 6:10] == 255).all()  # the empty place
    assert render.grid(tiles[:1]).shape == (7, 8, 3)
    assert render.grid(np.stack(tiles), columns=99, gap=0).shape == (3, 20, 3)


def test_numbers_are_written_above_the_tiles_on_light_and_dark():
    tiles = [np.full((20, 30, 3), 77, np.uint8)] * 4
    for background in (255, 14):
        plain, numbered = (render.grid(tiles, 2, 4, numbers, background) for numbers in (None, ["0", "1", "8", "8"]))
        strip = (numbered.shape[0] - plain.shape[0]) // 2
        assert strip >= 10
        cells = [
            numbered[4 + row * (24 + strip) :, 4 + column * 34 :][:strip, :30]
            for row in range(2)
            for column in range(2)
        ]
        assert np.array_equal(cells[2], cells[3])
        assert not np.array_equal(cells[0], cells[1])
        assert abs(int(cells[0].min() if background == 255 else cells[0].max()) - background) > 150  # readable


def test_a_sheet_is_bounded():
    with pytest.raises(ConvscopeError, match="do not fit"):
        render.grid([np.zeros((5000, 5000, 3), np.uint8)] * 4)


def test_filters_have_grey_at_zero_and_use_their_range():
    filters = np.random.default_rng(0).normal(size=(4, 3, 5, 7))
    filters[1] *= 0.1
    filters[2] = 0
    each, joint = render.filter_tiles(filters), render.filter_tiles(filters, joint=True)
    assert [tile.shape for tile in each] == [(5, 7, 3)] * 4
    assert np.abs(each[0] - (127.5 + 127.5 * np.moveaxis(filters[0], 0, -1) / np.abs(filters[0]).max())).max() <= 0.51
    assert np.abs(joint[1] - (127.5 + 127.5 * np.moveaxis(filters[1], 0, -1) / np.abs(filters).max())).max() <= 0.51
    assert each[1].std() > 5 * joint[1].std()
    assert set(each[2].flat) == {128}
    grey = render.filter_tiles(filters[:, 0])
    assert grey[0].shape == (5, 7, 3)
    assert (grey[0][..., 0] == grey[0][..., 2]).all()


def test_map_tiles_are_on_their_own_or_one_scale():
    maps = np.stack([RAMP.repeat(3, 0), 2 * RAMP.repeat(3, 0)])
    own, one = render.map_tiles(maps, signed=True), render.map_tiles(maps, signed=True, joint=True)
    assert np.array_equal(own[0], own[1])
    assert not np.array_equal(one[0], one[1])
    assert np.array_equal(one[1], own[1])


def test_the_colour_bar_shows_the_colours_of_the_map():
    bar = render.colour_bar(signed=True, limits=(-1, 3), width=201)
    assert np.array_equal(bar[0], render.heatmap(np.linspace(-3, 3, 201)[None], signed=True)[0])
    assert (bar[12:] < 100).any()  # numbers
    assert bar.shape[1] == 201


def test_scaling_helpers():
    pixels = np.asarray(photo(96, 64))
    assert render.fit(pixels, 48).shape == (32, 48, 3)
    assert render.resize(pixels, (10, 20)).shape == (10, 20, 3)
    assert np.array_equal(render.enlarge(pixels, 3)[::3, ::3], pixels)
    assert set(render.resize(np.array([[[0] * 3, [255] * 3]], np.uint8), (4, 8), sharp=True).flat) == {0, 255}


RECIPE = '{"technique": "occlusion", "title": "가림 지도"}'


def test_a_png_carries_its_recipe_and_the_same_bytes_every_time():
    pixels = np.asarray(photo())
    file = render.encode_png(pixels, RECIPE)
    assert file == render.encode_png(pixels, RECIPE)
    assert render.read_recipe(file) == RECIPE
    assert Image.open(io.BytesIO(file)).text["convscope"] == RECIPE
    assert np.array_equal(load_image(file).pixels, pixels)
    assert render.read_recipe(render.encode_png(pixels)) is None


def test_recipes_are_read_with_care():
    plain = saved(photo(), "PNG")
    body = b"convscope\0\0\0\0\0"
    packed = b"convscope\0\1\0\0\0" + zlib.compress(bytes(50 * 2**20))
    for chunk in (png_chunk(b"iTXt", body + bytes(70_000)), png_chunk(b"iTXt", packed), b"\xff\xff\xff\xffiTXt" + body):
        assert render.read_recipe(plain[:33] + chunk + plain[33:]) is None
    good = render.encode_png(np.asarray(photo()), RECIPE)
    assert render.read_recipe(good.replace(b"occlusion", b"occlusiom")) is None  # the check sum is wrong now
    assert render.read_recipe(saved(photo(), "JPEG")) is None
    assert render.read_recipe(b"") is None


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2000), st.binary(min_size=1, max_size=6))
def test_a_changed_png_never_breaks_the_reader(at, new):
    data = bytearray(render.encode_png(np.asarray(photo(16, 16)), RECIPE))
    data[at : at + len(new)] = new
    found = render.read_recipe(bytes(data))
    assert found is None or isinstance(found, str)


def test_jpeg_and_gif_are_the_pictures_they_were():
    pixels = np.asarray(photo())
    assert np.abs(load_image(render.encode_jpeg(pixels, 95)).pixels.astype(int) - pixels).mean() < 4
    frames = [np.full((20, 30, 3), level, np.uint8) for level in (0, 120, 240)]
    film = Image.open(io.BytesIO(render.encode_gif(frames, ms=80)))
    assert film.n_frames == 3
    assert film.info["duration"] == 80
    assert film.info["loop"] == 0
    for index, level in enumerate((0, 120, 240)):
        film.seek(index)
        assert np.abs(np.asarray(film.convert("RGB")).astype(int) - level).max() <= 8
    assert render.encode_gif(frames, 80) == render.encode_gif(frames, 80)


def test_a_gif_is_bounded_in_frames_and_size_and_keeps_the_last():
    frames = [np.full((40, 1024, 3), index, np.uint8) for index in range(250)]
    film = Image.open(io.BytesIO(render.encode_gif(frames, ms=40)))
    assert film.n_frames == render.MOST_FRAMES
    assert film.size == (512, 20)
    film.seek(film.n_frames - 1)
    assert np.abs(np.asarray(film.convert("RGB")).astype(int) - 249).max() <= 8
