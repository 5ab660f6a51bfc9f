"""Results pinned side by side: on one scale, with their differences, as one sheet with captions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from viz_core.errors import ConvscopeError
from viz_core.images.render import Limits, colour_bar, fit, heatmap, limits_of
from viz_core.recipe import Recipe
from viz_core.technique import Result

MOST_PINS = 4
LONGEST_SIDE = 1024  # of what is kept of a result, pixels
SMALLEST_SIDE = 2  # of an array that makes a map
TILE = 420
GAP = 16
CAPTION = 15
LINE = 20
INK, PAPER = 30, 255
HANGUL_FONTS = ("NotoSansCJK-Regular.ttc", "NanumGothic.ttf", "malgun.ttf", "AppleSDGothicNeo.ttc")


@dataclass(frozen=True)
class Pin:
    """One thing to compare: a map (H, W) float32 or a picture (H, W, 3) uint8 of a result, by name, with its recipe."""

    recipe: Recipe
    name: str
    values: np.ndarray

    @property
    def is_map(self) -> bool:
        """Whether it is numbers, which have a scale, and no picture."""
        return self.values.ndim == 2


def offers(result: Result) -> dict[str, np.ndarray]:
    """What can be pinned of a result: its maps by `array:<name>`, then its pictures by `picture:<name>`."""
    maps = {
        f"array:{name}": array
        for name, array in result.arrays.items()
        if array.ndim == 2 and min(array.shape) >= SMALLEST_SIDE and array.dtype.kind in "fiub"
    }
    return maps | {f"picture:{name}": pixels for name, pixels in result.pictures.items()}


def pin(result: Result, name: str) -> Pin:
    """Take a map or picture of a result down, small enough to be kept; raises ConvscopeError where there is none."""
    found = offers(result).get(name)
    if found is None:
        raise ConvscopeError("compare.errors.nothing", name=name)
    return Pin(result.recipe, name.partition(":")[2], _small(found))


def _small(values: np.ndarray) -> np.ndarray:
    values = values if values.ndim == 3 else np.asarray(values, np.float32)
    if max(values.shape[:2]) <= LONGEST_SIDE:
        return np.array(values)
    factor = LONGEST_SIDE / max(values.shape[:2])
    height, width = (max(1, round(side * factor)) for side in values.shape[:2])
    return scaled(values, (height, width))


def scaled(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A map or picture at another size (height, width), bilinear."""
    if values.shape[:2] == size:
        return values
    return np.asarray(Image.fromarray(values).resize((size[1], size[0]), Image.Resampling.BILINEAR))


def limits(pins: Sequence[Pin], joint: bool) -> list[Limits | None]:
    """The scale of each map: its own, or one for all maps if `joint`; None for pictures."""
    maps = [one.values for one in pins if one.is_map]
    common = limits_of(*maps)
    return [(common if joint else limits_of(one.values)) if one.is_map else None for one in pins]


def difference(first: Pin, second: Pin) -> np.ndarray:
    """The second less the first, (H, W) float32, at the larger one's size; of pictures their brightness in [0, 1].

    Raises ConvscopeError where one is a map and the other a picture.
    """
    if first.is_map != second.is_map:
        raise ConvscopeError("compare.errors.unlike")
    one, other = (_brightness(each.values) for each in (first, second))
    size = max(one.shape, other.shape, key=lambda shape: shape[0] * shape[1])
    return scaled(other, size) - scaled(one, size)


def arrays(pins: Sequence[Pin], differences: Sequence[np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
    """All pins by number and name, and the differences by the names given for them."""
    return {f"{place}_{one.name}": one.values for place, one in enumerate(pins, start=1)} | dict(
        zip(names, differences, strict=True)
    )


def _brightness(values: np.ndarray) -> np.ndarray:
    if values.ndim == 2:
        return values
    return (values @ np.array([0.299, 0.587, 0.114], np.float32) / 255).astype(np.float32)


def coloured(one: Pin, scale: Limits | None) -> np.ndarray:
    """A map in colours on a scale, diverging where it goes below zero; a picture as it is: (H, W, 3) uint8."""
    if scale is None:
        return one.values
    return heatmap(one.values, signed=scale[0] < 0, limits=scale)


def sheet(
    pins: Sequence[Pin], captions: Sequence[str], joint: bool, differences: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """All pins beside each other with captions and scales, then the differences: pixels (H, W, 3) uint8.

    `captions` are those of the pins, then those of the differences.
    """
    scales = limits(pins, joint)
    panels = [(coloured(one, scale), scale) for one, scale in zip(pins, scales, strict=True)]
    for values in differences:
        scale = limits_of(values, signed=True)
        panels.append((heatmap(values, signed=True, limits=scale), scale))
    cells = [_cell(pixels, scale, words) for (pixels, scale), words in zip(panels, captions, strict=True)]
    columns = 2 if len(cells) in (2, 4) else min(3, len(cells))
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    heights = [max(cell.shape[0] for cell in row) for row in rows]
    page = np.full((sum(heights) + GAP * (len(rows) + 1), columns * (TILE + GAP) + GAP, 3), PAPER, np.uint8)
    top = GAP
    for row, height in zip(rows, heights, strict=True):
        for place, cell in enumerate(row):
            left = GAP + place * (TILE + GAP)
            page[top : top + cell.shape[0], left : left + TILE] = cell
        top += height + GAP
    return page


def _cell(pixels: np.ndarray, scale: Limits | None, words: str) -> np.ndarray:
    """A panel with its caption above and its scale below, TILE pixels wide."""
    shown = fit(pixels, TILE, sharp=4 * max(pixels.shape[:2]) <= TILE)
    picture = np.full((shown.shape[0], TILE, 3), PAPER, np.uint8)
    picture[:, : shown.shape[1]] = shown
    parts = [caption(words, TILE), picture]
    if scale is not None:
        parts += [np.full((6, TILE, 3), PAPER, np.uint8), colour_bar(scale[0] < 0, scale, TILE)]
    return np.concatenate(parts)


def caption(words: str, width: int) -> np.ndarray:
    """Words in lines that fit a width in pixels: (H, width, 3) uint8."""
    font = font_for(words)
    lines, line = [], ""
    for word in words.split():
        longer = f"{line} {word}".strip()
        if line and font.getlength(longer) > width:
            lines.append(line)
            longer = word
        line = longer
    lines.append(line)
    strip = Image.new("L", (width, LINE * len(lines) + 4), PAPER)
    for number, words_of_line in enumerate(lines):
        ImageDraw.Draw(strip).text((0, LINE * number), words_of_line, fill=INK, font=font)
    return np.repeat(np.asarray(strip)[..., None], 3, axis=2)


def can_write(words: str) -> bool:
    """Whether there is a font for these words on this computer."""
    return words.isascii() or all(ord(letter) < 0x1100 for letter in words) or _hangul_font() is not None


def font_for(words: str) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font that has the letters of the words, as far as this computer has one."""
    hangul = None if all(ord(letter) < 0x1100 for letter in words) else _hangul_font()
    return hangul or ImageFont.load_default(CAPTION)


@cache
def _hangul_font() -> ImageFont.FreeTypeFont | None:
    for name in HANGUL_FONTS:
        try:
            return ImageFont.truetype(name, CAPTION)
        except OSError:
            continue
    return None
