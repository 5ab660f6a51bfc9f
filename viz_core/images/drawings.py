"""Pictures drawn by code, each in a manner of its own: brush strokes, stained glass, ink lines, waves. Styles to give away."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw
from scipy.spatial import cKDTree

SIDE = 448
FINE = 2  # drawn this much larger, then reduced, so that edges are smooth

Colour = tuple[int, int, int]

NIGHT: tuple[Colour, ...] = ((16, 32, 88), (24, 60, 130), (46, 98, 176), (92, 150, 206), (160, 200, 224))
STARLIGHT: tuple[Colour, ...] = ((236, 200, 72), (250, 228, 130), (222, 160, 50))
PANES: tuple[Colour, ...] = (
    *((176, 30, 44), (226, 120, 36), (240, 196, 60), (60, 140, 80)),
    *((34, 90, 160), (90, 60, 140), (140, 196, 210)),
)
PAPER: Colour = (244, 238, 222)
INDIGO: tuple[Colour, ...] = ((18, 40, 84), (38, 84, 140), (120, 170, 200), (238, 232, 214))


def strokes() -> np.ndarray:
    """Short thick brush strokes that swirl around a few lights in a night sky."""
    random = np.random.default_rng(1)
    centres = random.uniform(0.1, 0.9, (6, 2)) * SIDE
    turns, reach = random.choice([-1, 1], 6), random.uniform(40, 90, 6)
    at = random.uniform(0, SIDE, (6500, 2))
    bright = _nearness(at, centres, reach).max(1) + random.normal(0, 0.12, len(at)) > 0.72
    dark_tint, light_tint = random.integers(len(NIGHT), size=len(at)), random.integers(len(STARLIGHT), size=len(at))
    tint = np.where(bright[:, None], np.array(STARLIGHT)[light_tint], np.array(NIGHT)[dark_tint])
    colours = np.clip(tint + random.normal(0, 8, tint.shape), 0, 255).astype(int)
    path = [at]
    for _ in range(9):
        away = (at[:, None] - centres) / reach[:, None]
        whirl = turns * _nearness(at, centres, reach)
        flow = (np.stack([-away[..., 1], away[..., 0]], -1) * whirl[..., None]).sum(1)
        flow += np.stack([np.full(len(at), 0.35), 0.12 * np.sin(at[:, 0] / 30)], -1)
        at = at + 2.4 * flow / (np.linalg.norm(flow, axis=1, keepdims=True) + 1e-9)
        path.append(at)
    canvas, draw = _paper(NIGHT[0])
    for points, colour, width in zip(np.stack(path, 1) * FINE, colours, random.integers(3, 6, len(at)), strict=True):
        draw.line([tuple(point) for point in points], tuple(colour), width=int(width) * FINE, joint="curve")
    return _reduced(canvas)


def glass() -> np.ndarray:
    """Panes of coloured glass between dark lead lines."""
    random = np.random.default_rng(2)
    seeds = random.uniform(0, SIDE, (260, 2))
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    places = np.stack([rows, columns], -1).reshape(-1, 2)
    distance, nearest = cKDTree(seeds).query(places, k=2)
    tint = np.array(PANES, float)[random.integers(0, len(PANES), len(seeds))] + random.normal(0, 10, (len(seeds), 3))
    shine = 1 + 0.012 * (places - seeds[nearest[:, 0]]) @ np.array([-0.7, -0.7])
    pixels = tint[nearest[:, 0]] * shine[:, None]
    pixels[distance[:, 1] - distance[:, 0] < 3.2] = (22, 20, 24)
    return np.clip(pixels, 0, 255).astype(np.uint8).reshape(SIDE, SIDE, 3)


def ink() -> np.ndarray:
    """Hatching with a pen: the darker the place, the more directions of lines lie on top of each other."""
    random = np.random.default_rng(3)
    frequencies = random.uniform(0.008, 0.03, (2, 4)) * random.choice([-1, 1], (2, 4))
    phases = random.uniform(0, 2 * np.pi, 4)
    canvas, draw = _paper(PAPER)
    for level, angle in enumerate((0.8, -0.7, 0.1, 1.57)):
        along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        u, v = (grid.reshape(-1, 1) for grid in np.meshgrid(np.arange(-SIDE, SIDE, 14.0), np.arange(-SIDE, SIDE, 5.0)))
        u, v = u + random.normal(0, 3, u.shape), v + random.normal(0, 0.5, v.shape)
        start = SIDE / 2 + along * u + across * v
        end = start + along * random.uniform(12, 20, u.shape) + across * random.normal(0, 0.6, u.shape)
        dark = np.sin(start @ frequencies + phases).mean(1) * 1.1 + 0.45 > 0.2 + 0.27 * level
        for line in np.hstack([start, end])[dark] * FINE:
            draw.line(tuple(line), (28, 26, 34), width=int(random.integers(3, 6)))
    return _reduced(canvas)


def waves() -> np.ndarray:
    """Overlapping ringed discs in indigo, as on old Japanese cloth (seigaiha)."""
    canvas, draw = _paper(INDIGO[3])
    radius = 40
    for row, y in enumerate(range(0, SIDE + 2 * radius, radius // 2)):
        for x in range(-radius, SIDE + 2 * radius, 2 * radius):
            for ring, size in enumerate(np.linspace(radius, 4, 8)):
                middle = np.array([x + (row % 2) * radius, y])
                box = [tuple((middle - size) * FINE), tuple((middle + size) * FINE)]
                draw.ellipse(box, fill=(INDIGO[3], INDIGO[row % 3])[ring % 2])
    return _reduced(canvas)


DRAWINGS: dict[str, Callable[[], np.ndarray]] = {"strokes": strokes, "glass": glass, "ink": ink, "waves": waves}


def _paper(colour: Colour) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    canvas = Image.new("RGB", (SIDE * FINE, SIDE * FINE), colour)
    return canvas, ImageDraw.Draw(canvas)


def _nearness(places: np.ndarray, centres: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """How near each place (N, 2) is to each centre (K, 2), falling like a bell: (N, K) in [0, 1]."""
    distance = ((places[:, None] - centres) ** 2).sum(2)
    return np.exp(-distance / (2 * reach**2))


def _reduced(canvas: Image.Image) -> np.ndarray:
    return np.asarray(canvas.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
