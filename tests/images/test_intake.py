import io
import resource
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from tests.images.hostile import OK, Upload, declared_png, photo, saved, uploads
from viz_core.errors import ConvscopeError
from viz_core.images.intake import KEPT_SIDE, Picture, load_image
from viz_core.texts import catalogue


def pixels(image: Image.Image, kind: str = "PNG", **options: object) -> np.ndarray:
    return load_image(saved(image, kind, **options)).pixels


def test_there_are_enough_hostile_uploads():
    assert sum(upload.expected != OK for upload in uploads()) >= 25
    assert len({upload.name for upload in uploads()}) == len(uploads())


@pytest.mark.parametrize("upload", uploads(), ids=lambda upload: upload.name)
def test_a_hostile_upload_gets_its_sentence_or_is_opened(upload: Upload):
    start = time.process_time()
    if upload.expected == OK:
        picture = load_image(upload.data)
        assert max(picture.pixels.shape[:2]) <= KEPT_SIDE
    else:
        with pytest.raises(ConvscopeError) as refused:
            load_image(upload.data)
        assert refused.value.key == upload.expected
        english, korean = refused.value.sentence("en"), refused.value.sentence("ko")
        assert english != korean
        assert not {"{", "}"} & set(english + korean)
        assert any("가" <= letter <= "힣" for letter in korean)
    assert time.process_time() - start < 5


def test_bombs_are_refused_before_they_are_unpacked():
    bomb = declared_png(20_000, 20_000, rows=20_000)  # 50 MB of bits, 400 MB as bytes
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    with pytest.raises(ConvscopeError, match="more pixels"):
        load_image(bomb)
    assert tracemalloc.get_traced_memory()[1] < 2e6
    tracemalloc.stop()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kilobytes


def test_many_large_pictures_at_once_are_decoded_two_at_a_time():
    large = saved(Image.new("RGB", (5000, 5000), "teal"), "PNG")  # 75 MB each when decoded
    load_image(large)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with ThreadPoolExecutor(5) as people:
        pictures = list(people.map(load_image, [large] * 5))
    assert len({picture.digest for picture in pictures}) == 1
    assert (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 330_000
    )  # kilobytes; five at once take 500 MB and more


def test_a_plain_picture_arrives_unchanged():
    assert np.array_equal(pixels(photo()), np.asarray(photo()))


def test_the_exif_turn_is_applied_for_all_eight_orientations():
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        file = saved(photo(), "PNG", exif=exif)
        upright = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
        assert np.array_equal(load_image(file).pixels, np.asarray(upright)), orientation


def test_transparent_pixels_are_white_and_half_transparent_ones_half_way_to_it():
    red = Image.new("RGBA", (8, 8), (200, 0, 0, 255))
    red.putpixel((0, 0), (0, 0, 0, 0))
    red.putpixel((1, 0), (200, 0, 0, 128))
    over_white = pixels(red)
    assert over_white[0, 0].tolist() == [255, 255, 255]
    assert over_white[1, 0].tolist() == [200, 0, 0]
    half = 128 / 255
    assert np.allclose(over_white[0, 1], np.array([200, 0, 0]) * half + 255 * (1 - half), atol=1)


def test_a_palette_with_a_transparent_entry_is_laid_over_white():
    picture = Image.new("P", (8, 8), 0)
    picture.putpalette([0, 0, 0, 0, 0, 255])
    picture.putpixel((3, 4), 1)
    shown = pixels(picture, transparency=0)
    assert shown[0, 0].tolist() == [255, 255, 255]
    assert shown[4, 3].tolist() == [0, 0, 255]


def test_sixteen_bits_keep_their_proportions():
    values = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    values[-1, -1] = 65535
    for kind in ("PNG", "TIFF"):
        shown = pixels(Image.fromarray(values), kind)[..., 0]
        assert np.abs(shown - values / 257).max() <= 0.51


def test_twelve_bits_in_sixteen_are_not_almost_black():
    values = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    assert np.abs(pixels(Image.fromarray(values))[..., 0] - values / 4095 * 255).max() <= 0.51


def test_floats_are_scaled_by_range_and_odd_values_take_the_ends():
    unit = np.linspace(0, 0.5, 64, dtype=np.float32).reshape(8, 8)
    assert np.abs(pixels(Image.fromarray(unit), "TIFF")[..., 0] - unit * 255).max() <= 0.51
    signed = np.linspace(-3, 5, 64, dtype=np.float32).reshape(8, 8)
    assert np.abs(pixels(Image.fromarray(signed), "TIFF")[..., 0] - (signed + 3) / 8 * 255).max() <= 0.51
    odd = unit.copy()
    odd[0, :3] = np.nan, np.inf, -np.inf
    assert pixels(Image.fromarray(odd), "TIFF")[0, :3, 0].tolist() == [0, 255, 0]


def test_ink_colours_become_screen_colours():
    cyan = Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    assert np.abs(pixels(cyan, "TIFF")[0, 0].astype(int) - [0, 255, 255]).max() <= 2
    assert np.abs(pixels(cyan, "JPEG")[0, 0].astype(int) - [0, 255, 255]).max() <= 4


def test_the_first_frame_stands_for_an_animation():
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "lime")]
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        first = pixels(frames[0], kind, save_all=True, append_images=frames[1:])
        assert np.abs(first[0, 0].astype(int) - [255, 0, 0]).max() <= 3, kind


def test_large_pictures_are_kept_at_a_bounded_size_with_their_shape():
    big = photo(640, 480).resize((4000, 3000))
    for kind in ("JPEG", "PNG", "TIFF"):
        shown = pixels(big, kind, compression="tiff_lzw") if kind == "TIFF" else pixels(big, kind)
        assert shown.shape == (1536, KEPT_SIDE, 3)
        small = np.asarray(Image.fromarray(shown).resize((64, 48))).astype(int)
        assert np.abs(small - np.asarray(big.resize((64, 48), reducing_gap=3))).mean() < 4, kind
    floats = Image.fromarray(np.tile(np.linspace(0, 1, 5000, dtype=np.float32), (50, 1)))
    assert pixels(floats, "TIFF").shape == (round(50 * KEPT_SIDE / 5000), KEPT_SIDE, 3)


def test_a_jpeg_is_decoded_small_where_that_is_enough():
    big = photo(640, 480).resize((1600, 1200))
    small = load_image(saved(big, "JPEG"), enough=100).pixels
    assert small.shape == (150, 200, 3)
    assert np.abs(small.astype(int) - np.asarray(big.resize((200, 150), reducing_gap=3))).mean() < 4
    assert load_image(saved(big, "JPEG"), enough=1000).pixels.shape == (1200, 1600, 3)


def test_a_picture_is_a_value():
    array = np.asarray(photo()).copy()
    one = Picture(array)
    array[:] = 0
    assert one == Picture(np.asarray(photo()))
    assert one.pixels.max() > 0
    with pytest.raises(ValueError, match="read-only"):
        one.pixels[0] = 1
    assert one != Picture(one.pixels.transpose(1, 0, 2))  # the shape counts
    assert Picture(np.zeros((4, 6, 3), np.uint8)) != Picture(np.zeros((6, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        Picture(np.zeros((4, 4, 3), np.float32))


def test_the_sentences_exist_in_both_languages():
    for namespace in ("image_errors.", "samples."):
        keys = [{key for key in catalogue(lang) if key.startswith(namespace)} for lang in ("en", "ko")]
        assert keys[0] == keys[1]
        assert keys[0]


def opens_or_explains(data: bytes) -> bool:
    """Whether the bytes became a picture, or else a sentence in each language; anything else raised ends the test."""
    try:
        return load_image(data).pixels.dtype == np.uint8
    except ConvscopeError as refused:
        return all(refused.sentence(lang) for lang in ("en", "ko"))


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"II*\0", b"GIF89a", b"BM"]),
)
def test_random_bytes_never_raise_anything_else(data: bytes, start: bytes):
    assert opens_or_explains(start + data)


SEEDS = [saved(photo(), kind) for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 10**6), st.binary(min_size=1, max_size=8)), max_size=6),
    st.integers(0, 10**6),
)
def test_mutated_pictures_never_raise_anything_else(seed: bytes, changes: list[tuple[int, bytes]], cut: int):
    data = bytearray(seed)
    for at, new in changes:
        start = at % len(data) if at % 3 else at % 64  # headers are where it hurts
        data[start : start + len(new)] = new
    assert opens_or_explains(bytes(data) if cut % 2 else bytes(data[: cut % len(data) + 1]))
