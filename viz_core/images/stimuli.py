"""Stimuli as vision research draws them: gratings, edges, crosses, dots, rings, checks, blobs and plain colours.

Each is a function of the plane, x and y in [-1, 1], with edges one pixel wide, so that it can be drawn at any size.
"""

import colorsys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from viz_core.images.intake import Picture

Colour = tuple[float, float, float]
Cover = Callable[[np.ndarray, np.ndarray, float], np.ndarray]  # x, y, size of a pixel -> share of the second colour

BLACK, WHITE, GREY = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.5, 0.5, 0.5)
RED, GREEN, BLUE, YELLOW = (0.85, 0.1, 0.1), (0.1, 0.65, 0.2), (0.1, 0.2, 0.8), (0.95, 0.85, 0.1)
PAIRS: tuple[tuple[Colour, Colour], ...] = ((BLACK, WHITE), (WHITE, BLACK), (RED, GREEN), (BLUE, YELLOW), (GREY, RED))


@dataclass(frozen=True)
class Stimulus:
    """One drawing: its kind, its parameters in words, the two colours, and how much the second covers each place."""

    kind: str
    title: str
    colours: tuple[Colour, Colour]
    cover: Cover = field(compare=False, repr=False)

    def draw(self, side: int) -> Picture:
        """The stimulus as a picture of side × side pixels."""
        pixel = 2 / side
        at = (np.arange(side, dtype=np.float32) + 0.5) * pixel - 1
        share = np.broadcast_to(self.cover(at[None, :], at[:, None], pixel), (side, side))[..., None]
        first, second = (np.array(colour, np.float32) for colour in self.colours)
        return Picture(np.rint((first + (second - first) * share) * 255).astype(np.uint8))


def _inside(distance: np.ndarray, pixel: float) -> np.ndarray:
    """1 where the signed distance to an edge is positive, 0 where negative, a ramp of one pixel between."""
    return np.clip(distance / pixel + 0.5, 0, 1)


def _along(x: np.ndarray, y: np.ndarray, degrees: float) -> np.ndarray:
    radians = np.deg2rad(degrees)
    return x * np.float32(np.cos(radians)) + y * np.float32(np.sin(radians))


def grating(degrees: float, cycles: float) -> Cover:
    """A sine wave of `cycles` periods over the width, running in the direction `degrees`."""
    return lambda x, y, _: 0.5 + 0.5 * np.cos(np.pi * cycles * _along(x, y, degrees))


def edge(degrees: float, offset: float) -> Cover:
    """A straight edge at right angles to the direction `degrees`, `offset` from the centre."""
    return lambda x, y, pixel: _inside(_along(x, y, degrees) - offset, pixel)


def cross(degrees: float, width: float) -> Cover:
    """Two bars of this width that cross at the centre."""

    def cover(x: np.ndarray, y: np.ndarray, pixel: float) -> np.ndarray:
        across, down = np.abs(_along(x, y, degrees)), np.abs(_along(x, y, degrees + 90))
        bars = np.maximum(width / 2 - across, width / 2 - down)
        return _inside(np.minimum(bars, 0.8 - np.maximum(across, down)), pixel)

    return cover


def dots(count: int, fill: float) -> Cover:
    """count × count discs whose diameter is the share `fill` of their distance."""
    spacing = 2 / count

    def cover(x: np.ndarray, y: np.ndarray, pixel: float) -> np.ndarray:
        dx, dy = ((at + 1) % spacing - spacing / 2 for at in (x, y))
        return _inside(fill * spacing / 2 - np.hypot(dx, dy), pixel)

    return cover


def ring(radius: float, width: float) -> Cover:
    """A circle of this radius, drawn with a line of this width."""
    return lambda x, y, pixel: _inside(width / 2 - np.abs(np.hypot(x, y) - radius), pixel)


def checks(count: int, degrees: float) -> Cover:
    """A board of about count × count squares, turned by `degrees`."""

    def wave(along: np.ndarray, pixel: float) -> np.ndarray:
        place = (along + 1) * count / 2
        to_edge = 0.5 - np.abs(place % 1 - 0.5)
        return np.where(np.floor(place) % 2 == 0, 1, -1) * np.clip(to_edge * 2 / count / pixel * 2, 0, 1)

    return lambda x, y, pixel: 0.5 + 0.5 * wave(_along(x, y, degrees), pixel) * wave(_along(x, y, degrees + 90), pixel)


def blob(across: float, down: float, sigma: float) -> Cover:
    """A Gaussian spot with its centre at (across, down)."""
    return lambda x, y, _: np.exp(-((x - across) ** 2 + (y - down) ** 2) / (2 * sigma**2))


def plain() -> Cover:
    """The second colour everywhere."""
    return lambda x, y, _: np.ones((1, 1), np.float32)


def _drawn() -> Iterator[Stimulus]:
    for number, degrees in enumerate(range(0, 180, 15)):
        for cycles in (2, 4, 8, 12, 20):
            for pair in (PAIRS[0], PAIRS[2 + number % 3]):
                yield Stimulus("gratings", f"{degrees}°, {cycles} cycles", pair, grating(degrees, cycles))
    for number in range(16):
        turn = number * 22.5
        for offset in (-0.4, 0.0, 0.4):
            for pair in (PAIRS[0], PAIRS[2 + number % 3]):
                yield Stimulus("edges", f"{turn:g}°, at {offset:g}", pair, edge(turn, offset))
    for degrees in range(0, 90, 15):
        for width in (0.06, 0.15, 0.3, 0.5):
            for pair in PAIRS[:3]:
                yield Stimulus("crosses", f"{degrees}°, width {width:g}", pair, cross(degrees, width))
    for count in (1, 2, 4, 7, 11):
        for fill in (0.35, 0.6, 0.9):
            for pair in PAIRS:
                yield Stimulus("dots", f"{count} × {count}, fill {fill:g}", pair, dots(count, fill))
    for radius in (0.2, 0.35, 0.5, 0.7, 0.85):
        for width in (0.05, 0.12, 0.25):
            for pair in PAIRS:
                yield Stimulus("rings", f"radius {radius:g}, width {width:g}", pair, ring(radius, width))
    for count in (2, 3, 5, 8, 12, 20):
        for degrees in (0, 30, 45):
            for pair in (PAIRS[0], *PAIRS[2:]):
                yield Stimulus("checks", f"{count} × {count}, {degrees}°", pair, checks(count, degrees))
    for sigma in (0.08, 0.15, 0.3, 0.5):
        for across in (-0.5, 0.0, 0.5):
            for down in (-0.5, 0.0, 0.5):
                for pair in PAIRS[:2]:
                    yield Stimulus(
                        "blobs", f"sigma {sigma:g} at ({across:g}, {down:g})", pair, blob(across, down, sigma)
                    )
    for hue in range(12):
        for lightness in (0.3, 0.5, 0.7):
            for saturation in (0.5, 1.0):
                colour = colorsys.hls_to_rgb(hue / 12, lightness, saturation)
                title = f"hue {hue * 30}°, lightness {lightness:g}, saturation {saturation:g}"
                yield Stimulus("colours", title, (BLACK, colour), plain())
    for level in (0.0, 0.25, 0.5, 0.75, 1.0):
        yield Stimulus("colours", f"grey {level:g}", (BLACK, (level, level, level)), plain())


@cache
def stimuli() -> tuple[Stimulus, ...]:
    """All the stimuli of the built-in set, always in the same order."""
    return tuple(_drawn())
