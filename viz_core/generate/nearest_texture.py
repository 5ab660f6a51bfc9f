"""Texture from a sample by copying pixels whose neighbourhoods look alike: Efros & Leung 1999, Wei & Levoy 2000.

Both are generators that yield after every few pixels, so that the growth can be watched. Pictures are float32 arrays
(H, W, 3) in [0, 1]; `source` (H, W, 2) holds for each pixel the row and column of the sample it was copied from, -1 where
there is none yet.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from viz_core.generate.vector_tree import VectorTree

ERROR_MARGIN = 0.1  # Efros & Leung: candidates are at most this much worse than the best
SEED_SIDE = 3
LEAST_REACH = 2  # of Wei & Levoy at the coarser sizes
PARENTS = 5  # side of the window around the coarser self
BESIDE = np.array([(0, -1), (-1, -1), (-1, 0), (-1, 1)])  # what touches a pixel and comes before it in reading order
GAUSS_SHARE = 6.4  # window side over standard deviation of the Gaussian that weighs its pixels


@dataclass
class Growth:
    """A texture as far as it has grown: picture (H, W, 3), where each pixel comes from (H, W, 2), which are there (H, W)."""

    picture: np.ndarray
    source: np.ndarray
    known: np.ndarray

    @property
    def done(self) -> int:
        """How many pixels are there."""
        return int(self.known.sum())


def empty(height: int, width: int) -> Growth:
    """A texture with nothing in it yet."""
    return Growth(
        np.zeros((height, width, 3), np.float32), np.full((height, width, 2), -1), np.zeros((height, width), bool)
    )


def gaussian_window(side: int) -> np.ndarray:
    """Weights (side, side) that fall with the distance from the middle."""
    offsets = np.arange(side) - side // 2
    sigma = side / GAUSS_SHARE
    bell = np.exp(-(offsets**2) / (2 * sigma**2))
    return np.outer(bell, bell).astype(np.float32)


class Windows:
    """All windows of a sample that lie inside it, ready to be compared with a window known in part.

    The weighted squared distance is |w s|^2 - 2 w s p + w p^2: two matrix products with the sample's windows for each pixel.
    """

    def __init__(self, sample: np.ndarray, side: int) -> None:
        views = np.lib.stride_tricks.sliding_window_view(sample, (side, side), axis=(0, 1))  # (h, w, 3, side, side)
        self.shape = views.shape[:2]
        self.values = np.ascontiguousarray(views.transpose(0, 1, 3, 4, 2).reshape(-1, side * side * 3))
        self.squares = (views**2).sum(2).reshape(-1, side * side)
        self.half = side // 2

    def distances(self, window: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Mean weighted squared distance of each of the sample's windows to `window` (side, side, 3): (windows,)."""
        weighted = (window * weights[..., None]).reshape(-1)
        constant = float((weighted * window.reshape(-1)).sum())
        sums = self.squares @ weights.reshape(-1) - 2 * (self.values @ weighted) + constant
        return np.maximum(sums, 0) / weights.sum()

    def middle(self, index: int) -> tuple[int, int]:
        """Row and column in the sample of the pixel in the middle of a window."""
        row, column = divmod(index, self.shape[1])
        return row + self.half, column + self.half


def efros_leung(
    sample: np.ndarray, height: int, width: int, side: int, random: np.random.Generator, every: int = 64
) -> Iterator[Growth]:
    """Grow outwards from a piece of the sample, the pixel with most neighbours first; yields after `every` pixels.

    Each pixel is copied from one of the places whose surroundings match what is there already best, within a tenth, chosen
    at random. Efros & Leung 1999.
    """
    windows, weights = Windows(sample, side), gaussian_window(side)
    half, grown = side // 2, empty(height + side - 1, width + side - 1)  # with a border that stays empty
    top, left = (int(random.integers(0, length - SEED_SIDE + 1)) for length in sample.shape[:2])
    middle = (half + (height - SEED_SIDE) // 2, half + (width - SEED_SIDE) // 2)
    for row, column in np.ndindex(SEED_SIDE, SEED_SIDE):
        _put(grown, (middle[0] + row, middle[1] + column), sample, (top + row, left + column))
    inside = np.zeros_like(grown.known)
    inside[half : half + height, half : half + width] = True
    count = 0
    while True:
        ring = frontier(grown.known, inside, random)
        if not len(ring):
            break
        for row, column in ring:
            window = (slice(row - half, row + half + 1), slice(column - half, column + half + 1))
            distances = windows.distances(grown.picture[window], weights * grown.known[window])
            near = np.flatnonzero(distances <= distances.min() * (1 + ERROR_MARGIN))
            chosen = int(near[random.integers(len(near))])
            _put(grown, (row, column), sample, windows.middle(chosen))
            count += 1
            if count % every == 0:
                yield _inner(grown, half, height, width)
    yield _inner(grown, half, height, width)


def frontier(known: np.ndarray, inside: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The empty pixels next to known ones as rows and columns (n, 2), most known neighbours first, ties in random order."""
    padded = np.pad(known, 1).astype(int)
    height, width = known.shape
    around = (padded[1 + y : 1 + y + height, 1 + x : 1 + x + width] for y in (-1, 0, 1) for x in (-1, 0, 1))
    neighbours = sum(around, start=np.zeros(known.shape, int))
    ring = np.argwhere(inside & ~known & (neighbours > 0))
    ring = ring[random.permutation(len(ring))]
    return ring[np.argsort(-neighbours[ring[:, 0], ring[:, 1]], kind="stable")]


def _put(grown: Growth, at: tuple[int, int], sample: np.ndarray, source: tuple[int, int]) -> None:
    grown.picture[at], grown.source[at], grown.known[at] = sample[source], source, True


def _inner(grown: Growth, half: int, height: int, width: int) -> Growth:
    window = (slice(half, half + height), slice(half, half + width))
    return Growth(grown.picture[window], grown.source[window], grown.known[window])


def pyramid(picture: np.ndarray, levels: int) -> list[np.ndarray]:
    """The picture and its halvings, each the mean of two by two pixels: finest first."""
    layers = [picture]
    for _ in range(levels - 1):
        last = layers[-1]
        rows, columns = last.shape[0] // 2 * 2, last.shape[1] // 2 * 2
        even = last[:rows, :columns]
        layers.append((even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4)
    return layers


def causal_offsets(side: int) -> np.ndarray:
    """The places before a pixel in reading order within a window: rows above and what is left of it, (n, 2)."""
    half = side // 2
    return np.array(
        [
            (row, column)
            for row in range(-half, 1)
            for column in range(-half, half + 1)
            if row < 0 or (row == 0 and column < 0)
        ]
    )


def square_offsets(side: int) -> np.ndarray:
    """All places of a window, (n, 2)."""
    half = side // 2
    return np.array([(row, column) for row in range(-half, half + 1) for column in range(-half, half + 1)])


def wei_levoy(
    sample: np.ndarray,
    height: int,
    width: int,
    side: int,
    levels: int,
    random: np.random.Generator,
    *,
    exact: bool = False,
    coherence: float = 0.0,
    every: int = 256,
) -> Iterator[Growth]:
    """From coarse to fine, in reading order: copy the pixel whose L-shaped past, and whose coarser self, look most alike.

    The texture begins as noise with the sample's colours and closes on itself at the borders. A tree finds the nearest
    neighbourhood (`exact`: all are tried). Yields the finest picture so far, enlarged, after `every` pixels. Wei & Levoy 2000.

    `coherence` lets a pixel go on where a neighbour was copied from (Ashikhmin 2001) even if it fits worse than the nearest:
    its squared distance may be 1 + coherence times as large, at a size half as large half as much more (Hertzmann et al. 2001).
    """
    scale = 2 ** (levels - 1)
    tall, wide = (-(-length // scale) * scale for length in (height, width))
    samples = pyramid(sample, levels)
    coarser: Growth | None = None
    for level in reversed(range(levels)):
        shape = (tall // 2**level, wide // 2**level)
        for grown in _wei_levoy_level(samples, level, shape, coarser, side, random, exact, coherence, every):
            yield _shown(grown, level, height, width)
        coarser = grown
    assert coarser is not None
    yield _shown(coarser, 0, height, width)


def reach_at(level: int, side: int) -> int:
    """How far a window of this side at the finest size reaches at a coarser one: half as far at each, but not below two pixels.

    A window as large as that on a coarse sample has next to no places to lie, and the few repeat themselves in streaks.
    """
    return min(side // 2, max(LEAST_REACH, side // 2 // 2**level))


def _wei_levoy_level(
    samples: list[np.ndarray],
    level: int,
    shape: tuple[int, int],
    coarser: Growth | None,
    side: int,
    random: np.random.Generator,
    exact: bool,
    coherence: float,
    every: int,
) -> Iterator[Growth]:
    """One level in reading order; yields the same Growth as it fills."""
    sample, reach = samples[level], reach_at(level, side)
    past, around = causal_offsets(2 * reach + 1), square_offsets(PARENTS)
    candidates = inner_places(sample.shape, reach, 0 if coarser is None else 2 * (PARENTS // 2))
    vectors = neighbourhoods(sample, candidates, past)
    if coarser is not None:
        vectors = np.hstack([vectors, neighbourhoods(samples[level + 1], candidates // 2, around)])
    tree, numbers = VectorTree(vectors, random), numbered(candidates, sample.shape)
    grown = empty(*shape)
    start = candidates[random.integers(len(candidates), size=shape)]
    grown.picture[:] = sample[start[..., 0], start[..., 1]]
    for count, (row, column) in enumerate(np.ndindex(shape), start=1):
        vector = neighbourhoods(grown.picture, np.array([(row, column)]), past)[0]
        if coarser is not None:
            above = neighbourhoods(coarser.picture, np.array([(row // 2, column // 2)]), around)[0]
            vector = np.concatenate([vector, above])
        found = tree.nearest_of_all(vector) if exact else tree.nearest(vector)
        if coherence:
            choice = np.array([found, *followers(grown, (row, column), numbers)])
            distances = ((vectors[choice] - vector) ** 2).sum(1)
            distances[0] *= 1 + coherence / 2**level
            found = int(choice[distances.argmin()])
        _put(grown, (row, column), sample, tuple(candidates[found]))
        if count % every == 0:
            yield grown
    yield grown


def numbered(places: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The number of each of the places (n, 2) in a map of this shape (H, W), -1 at all others."""
    numbers = np.full(shape[:2], -1)
    numbers[tuple(places.T)] = np.arange(len(places))
    return numbers


def followers(grown: Growth, at: tuple[int, int], numbers: np.ndarray) -> np.ndarray:
    """The numbers of the places that go on where the pixels beside this one were copied from, as far as they have one."""
    beside = (BESIDE + at) % grown.known.shape
    known = grown.known[tuple(beside.T)]
    places = grown.source[tuple(beside.T)][known] - BESIDE[known]
    places = places[((places >= 0) & (places < numbers.shape)).all(1)]
    found = numbers[tuple(places.T)]
    return found[found >= 0]


def neighbourhoods(picture: np.ndarray, places: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The colours at the offsets from each place, as vectors (places, offsets * 3); the picture closes on itself."""
    at = places[:, None] + offsets[None]
    return picture[at[..., 0] % picture.shape[0], at[..., 1] % picture.shape[1]].reshape(len(places), -1)


def inner_places(shape: tuple[int, ...], reach: int, margin: int) -> np.ndarray:
    """The places (n, 2) whose past, and so much all around them, lies inside the sample, which need not close on itself.

    All places where the sample is too small for any.
    """
    height, width = (length // 2 * 2 if margin else length for length in shape[:2])  # what has a coarser self
    beside = max(reach, margin)
    places = np.mgrid[beside : height - margin, beside : width - beside].reshape(2, -1).T
    return places if len(places) else np.mgrid[:height, :width].reshape(2, -1).T


def _shown(grown: Growth, level: int, height: int, width: int) -> Growth:
    """A level at the size of the finest, where it comes from in the finest sample's pixels."""
    factor = 2**level

    def enlarged(values: np.ndarray) -> np.ndarray:
        return values.repeat(factor, 0).repeat(factor, 1)[:height, :width]

    source = enlarged(grown.source)
    return Growth(enlarged(grown.picture), np.where(source < 0, -1, source * factor), enlarged(grown.known))
