"""From numbers to pictures and files: heat maps, overlays, grids, colour bars; PNG, JPEG and GIF.

Maps are coloured with a perceptually uniform table (viridis); signed maps with a diverging one, white exactly at zero,
blue below, red above. Everything here is a pure function of its arguments.
"""

import io
import math
import struct
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from viz_core.errors import ConvscopeError

Limits = tuple[float, float]

GREY = 128  # of flat maps and of places without a number
MOST_SHEET_PIXELS = 64_000_000
MOST_FRAMES = 120
LONGEST_FRAME_SIDE = 512
LONGEST_RECIPE = 64 * 1024
RECIPE_CHUNK = "convscope"
PNG_EFFORT = 3  # of 9: 8 % larger files than with the usual 6, in a third of the time that people wait for them

# Every fifth colour of viridis (van der Walt & Smith, CC0); interpolated it is within 1/255 of the original.
_VIRIDIS = (
    "44015446085c471063481769481d6f482475472a7a46307e453781433d844142873f48893d4e8a3a538b38598c355e8d33638d31688e"
    "2e6d8e2c718e2a768e297b8e27808e25848e23898e218e8d20928c1f978b1e9c891fa18821a58524aa8328ae802eb37c35b7793dbc74"
    "46c06f50c46a5ac86465cb5e70cf577cd25089d54895d840a2da37b0dd2fbddf26cae11fd8e219e5e419f1e51dfde725"
)
# ColorBrewer's RdBu, reversed (Brewer 2002).
_BLUE_WHITE_RED = "0530612166ac4393c392c5ded1e5f0f7f7f7fddbc7f4a582d6604db2182b67001f"
INSET = 4  # of the numbers of a colour bar, pixels: pages round its corners
_SHADES = 257  # odd, so that zero has a colour of its own


def _table(colours: str) -> np.ndarray:
    points = np.frombuffer(bytes.fromhex(colours), np.uint8).reshape(-1, 3)
    at = np.linspace(0, len(points) - 1, _SHADES)
    mixed = [np.interp(at, np.arange(len(points)), points[:, channel]) for channel in range(3)]
    return np.rint(np.stack(mixed, axis=1)).astype(np.uint8)


SEQUENTIAL = _table(_VIRIDIS)
DIVERGING = _table(_BLUE_WHITE_RED)


def is_flat(values: np.ndarray) -> bool:
    """Whether all finite values are the same to single precision, so that a map of them shows nothing."""
    finite = np.asarray(values)[np.isfinite(values)]
    return finite.size == 0 or _is_narrow(float(finite.min()), float(finite.max()))


def _is_narrow(low: float, high: float) -> bool:
    return high - low <= 1e-6 * max(abs(low), abs(high))


def limits_of(*maps: np.ndarray, signed: bool = False) -> Limits:
    """One scale for comparisons: the least and greatest finite value over all maps; symmetric about zero if signed."""
    finite = [values[np.isfinite(values)] for values in map(np.asarray, maps)]
    low = min((float(values.min()) for values in finite if values.size), default=0.0)
    high = max((float(values.max()) for values in finite if values.size), default=0.0)
    return _symmetric((low, high)) if signed else (low, high)


def _symmetric(limits: Limits) -> Limits:
    bound = max(abs(limits[0]), abs(limits[1]))
    return -bound, bound


def normalise(values: np.ndarray, limits: Limits | None = None, signed: bool = False) -> np.ndarray:
    """Scale values of any shape to float32 in [0, 1] by the limits (None: their own); if signed, zero becomes 0.5.

    Infinite values take the ends, not-a-number stays. Without a range between the limits everything becomes 0.5.
    """
    low, high = limits_of(values) if limits is None else limits
    if signed:
        low, high = _symmetric((low, high))
    if _is_narrow(low, high):
        return np.full(np.shape(values), 0.5, np.float32)
    scaled = (np.asarray(values, np.float64) - low) / (high - low)
    return np.clip(scaled, 0, 1).astype(np.float32)


def heatmap(values: np.ndarray, signed: bool = False, limits: Limits | None = None) -> np.ndarray:
    """Colour a map: values (..., H, W) to pixels (..., H, W, 3) uint8; grey if flat, and where there is no number."""
    values = np.asarray(values)
    low, high = limits_of(values) if limits is None else limits
    if _is_narrow(low, high):
        return np.full((*values.shape, 3), GREY, np.uint8)
    unit = normalise(values, (low, high), signed)
    missing = np.isnan(unit)
    shades = np.rint(np.where(missing, 0, unit) * (_SHADES - 1)).astype(np.intp)
    colours = (DIVERGING if signed else SEQUENTIAL)[shades]
    colours[missing] = GREY
    return colours


def map_tiles(maps: np.ndarray, signed: bool = False, joint: bool = False) -> list[np.ndarray]:
    """Colour each of the maps (N, H, W) on its own scale, or all on one if `joint`."""
    limits = limits_of(maps, signed=signed) if joint else None
    return [heatmap(values, signed, limits) for values in maps]


def filter_tiles(filters: np.ndarray, joint: bool = False) -> list[np.ndarray]:
    """Show filters (N, 3, h, w) in RGB, or (N, h, w) in grey, as tiles (h, w, 3) uint8.

    Zero is mid-grey; the strongest weight of each filter, or of all if `joint`, is full black or white.
    """
    rgb = np.moveaxis(filters, 1, -1) if filters.ndim == 4 else np.repeat(filters[..., None], 3, axis=-1)
    limits = limits_of(filters, signed=True) if joint else None
    return [np.rint(np.nan_to_num(normalise(one, limits, True), nan=0.5) * 255).astype(np.uint8) for one in rgb]


def overlay(
    pixels: np.ndarray, values: np.ndarray, alpha: float = 0.5, signed: bool = False, limits: Limits | None = None
) -> np.ndarray:
    """Lay a coloured map (h, w), scaled to the picture (H, W, 3) uint8, over it; the map weighs `alpha` in [0, 1]."""
    height, width = pixels.shape[:2]
    limits = limits_of(values) if limits is None else limits
    finite = np.nan_to_num(np.asarray(values, np.float32), nan=limits[0], posinf=limits[1], neginf=limits[0])
    smooth = np.asarray(Image.fromarray(finite).resize((width, height), Image.Resampling.BILINEAR))
    colours = heatmap(smooth, signed, limits)
    return np.asarray(Image.blend(Image.fromarray(pixels), Image.fromarray(colours), alpha))


def resize(pixels: np.ndarray, size: tuple[int, int], sharp: bool = False) -> np.ndarray:
    """Scale pixels (H, W, 3) to size (height, width): antialiased bilinear, or nearest neighbour if `sharp`."""
    if pixels.shape[:2] == size:
        return pixels
    method = Image.Resampling.NEAREST if sharp else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(pixels).resize((size[1], size[0]), method))


def fit(pixels: np.ndarray, side: int, sharp: bool = False) -> np.ndarray:
    """Scale pixels (H, W, 3) so that the long side is `side` pixels."""
    factor = side / max(pixels.shape[:2])
    return resize(pixels, (max(1, round(pixels.shape[0] * factor)), max(1, round(pixels.shape[1] * factor))), sharp)


def enlarge(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Repeat every pixel of (H, W, 3) `factor` times in both directions."""
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def grid(
    tiles: Sequence[np.ndarray] | np.ndarray,
    columns: int | None = None,
    gap: int = 2,
    numbers: Sequence[object] | None = None,
    background: int = 255,
) -> np.ndarray:
    """Set tiles (h, w, 3) uint8 out in rows with gaps of `gap` pixels; `numbers` are written above them.

    Cells are as large as the largest tile; about as many columns as rows unless `columns` says otherwise. Raises
    ConvscopeError if the sheet would have more than 64 million pixels.
    """
    columns = min(columns or math.ceil(math.sqrt(len(tiles))), len(tiles))
    rows = math.ceil(len(tiles) / columns)
    labels = [_label(str(number)) for number in numbers] if numbers is not None else []
    strip = max((label.shape[0] for label in labels), default=0)
    height = max(tile.shape[0] for tile in tiles) + strip + gap
    width = max(*(tile.shape[1] for tile in tiles), *(label.shape[1] for label in labels), 1) + gap
    size = (rows * height + gap, columns * width + gap)
    if size[0] * size[1] > MOST_SHEET_PIXELS:
        raise ConvscopeError("image_errors.grid_too_large", width=size[1], height=size[0])
    sheet = np.full((*size, 3), background, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = gap + index // columns * height, gap + index % columns * width
        if index < len(labels):
            _paste(sheet, _on(labels[index], background), top, left)
        _paste(sheet, tile, top + strip, left)
    return sheet


def _paste(sheet: np.ndarray, tile: np.ndarray, top: int, left: int) -> None:
    sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile


def _on(label: np.ndarray, background: int) -> np.ndarray:
    ink = 0 if background > 127 else 255
    return (background + (ink - background) * (label[..., None] / 255.0)).round().astype(np.uint8)


@lru_cache(maxsize=4096)
def _label(words: str, size: int = 11) -> np.ndarray:
    """How much ink each pixel of a line of small type gets, (h, w) uint8."""
    font = ImageFont.load_default(size)
    _, _, right, _ = font.getbbox(words)
    line = Image.new("L", (max(1, math.ceil(right)), size + 3))
    ImageDraw.Draw(line).text((0, 0), words, fill=255, font=font)
    return np.asarray(line)


def colour_bar(signed: bool = False, limits: Limits = (0.0, 1.0), width: int = 256) -> np.ndarray:
    """The colours from least to greatest, numbers at the ends and the middle: pixels (H, width, 3) uint8."""
    low, high = _symmetric(limits) if signed else limits
    colours = np.tile(heatmap(np.linspace(low, high, width)[None], signed, (low, high)), (12, 1, 1))
    numbers = [_on(_label(f"{value:.3g}"), 255) for value in (low, (low + high) / 2, high)]
    scale = np.full((numbers[0].shape[0] + 2, width, 3), 255, np.uint8)
    for number, at in zip(numbers, (0.0, 0.5, 1.0), strict=True):
        _paste(scale, number, 2, INSET + round((width - 2 * INSET - number.shape[1]) * at))
    return np.concatenate([colours, scale])


def encode_png(pixels: np.ndarray, recipe: str | None = None) -> bytes:
    """A PNG file of the pixels; the recipe travels inside as text. The same input gives the same bytes."""
    notes = PngInfo()
    if recipe is not None:
        notes.add_itxt(RECIPE_CHUNK, recipe)
    return _encode(Image.fromarray(pixels), format="PNG", pnginfo=notes, compress_level=PNG_EFFORT)


def encode_jpeg(pixels: np.ndarray, quality: int = 85) -> bytes:
    """A JPEG file of the pixels."""
    return _encode(Image.fromarray(pixels), format="JPEG", quality=quality)


def encode_gif(frames: Sequence[np.ndarray], ms: int) -> bytes:
    """An endless GIF of the frames, `ms` milliseconds each: at most 120, evenly chosen, at most 512 pixels a side."""
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), MOST_FRAMES)).round().astype(int))
    pictures = [_gif_frame(frames[index]) for index in chosen]
    return _encode(pictures[0], format="GIF", save_all=True, append_images=pictures[1:], duration=ms, loop=0)


def _gif_frame(pixels: np.ndarray) -> Image.Image:
    small = fit(pixels, LONGEST_FRAME_SIDE) if max(pixels.shape[:2]) > LONGEST_FRAME_SIDE else pixels
    return Image.fromarray(small).quantize(256, Image.Quantize.FASTOCTREE)


def _encode(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, **options)
    return file.getvalue()


def read_recipe(png: bytes) -> str | None:
    """The recipe that `encode_png` put into a PNG file, or None. Decodes no pixels and at most 64 KiB of text."""
    if not png.startswith(b"\x89PNG\r\n\x1a\n"):
        return None
    keyword = RECIPE_CHUNK.encode() + b"\0\0\0\0\0"  # not compressed, no language, no translated keyword
    at = 8
    while at + 12 <= len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        body = at + 8
        if kind == b"iTXt" and png.startswith(keyword, body):
            return _recipe_text(png, body, length, len(keyword))
        at = body + length + 4
    return None


def _recipe_text(png: bytes, body: int, length: int, skip: int) -> str | None:
    end = body + length
    if length - skip > LONGEST_RECIPE or end + 4 > len(png):
        return None
    if zlib.crc32(png[body - 4 : end]) != struct.unpack_from(">I", png, end)[0]:
        return None
    return png[body + skip : end].decode("utf-8", errors="replace")
