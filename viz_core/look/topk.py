"""Running records of a pass over many pictures: the k strongest answers of every channel, and how its answers are spread.

Records of parts of a data set can be merged in any order and give what one pass over all of it gives; their size does
not grow with the number of pictures.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

NOTHING = -1  # the picture of a place that is still free
BINS = 64  # even, so that zero lies between two bins and halving keeps it there


@dataclass(frozen=True)
class TopK:
    """For every channel the k greatest values, each of another picture; greatest first, the earlier picture first among equals.

    values (k, C) float32, -inf where there is nothing yet; images (k, C) int64 number of the picture; places (k, C) int64
    number of the unit in its map, counted row by row.
    """

    values: np.ndarray
    images: np.ndarray
    places: np.ndarray

    @classmethod
    def empty(cls, k: int, channels: int) -> "TopK":
        """A record without any picture."""
        shape = (k, channels)
        return cls(np.full(shape, -np.inf, np.float32), np.full(shape, NOTHING), np.zeros(shape, np.int64))

    def add(self, values: np.ndarray, images: np.ndarray, places: np.ndarray) -> "TopK":
        """The record with more pictures (N, C) in it; `images` (N,) are their numbers, new to the record."""
        numbers = np.broadcast_to(images[:, None], values.shape)
        return self.merge(TopK(np.where(np.isnan(values), -np.inf, values), numbers, places))

    def merge(self, other: "TopK") -> "TopK":
        """The record of both; they must not share a picture."""
        values = np.concatenate([self.values, other.values])
        images = np.concatenate([self.images, other.images])
        places = np.concatenate([self.places, other.places])
        best = np.lexsort((images, -values), axis=0)[: len(self.values)]
        return TopK(*(np.take_along_axis(each, best, axis=0) for each in (values, images, places)))

    def of(self, channel: int) -> list[tuple[float, int, int]]:
        """Value, picture and place of each entry of one channel, free places left out."""
        rows = zip(self.values[:, channel], self.images[:, channel], self.places[:, channel], strict=True)
        return [(float(value), int(image), int(place)) for value, image, place in rows if image != NOTHING]


@dataclass(frozen=True)
class Tally:
    """For every channel a histogram of its values in 64 bins from -reach to reach, a power of two that grows as needed.

    counts (64, C) int64; reach (C,) float64, 0 where there has been no value other than zero.
    """

    counts: np.ndarray
    reach: np.ndarray

    @classmethod
    def empty(cls, channels: int) -> "Tally":
        """A histogram without values."""
        return cls(np.zeros((BINS, channels), np.int64), np.zeros(channels))

    def add(self, values: np.ndarray) -> "Tally":
        """The histogram with more values (N, C), finite ones, in it."""
        largest = np.abs(values).max(axis=0).astype(np.float64)
        needed = np.where(largest > 0, np.exp2(np.floor(np.log2(np.where(largest > 0, largest, 1))) + 1), 0)
        wide = self.widened(np.maximum(self.reach, needed))
        unit = values / np.where(wide.reach > 0, wide.reach, 1)
        bins = np.clip(((unit + 1) / 2 * BINS).astype(np.int64), 0, BINS - 1)
        counts = wide.counts.copy()
        np.add.at(counts, (bins, np.broadcast_to(np.arange(values.shape[1]), bins.shape)), 1)
        return Tally(counts, wide.reach)

    def merge(self, other: "Tally") -> "Tally":
        """The histogram of both."""
        reach = np.maximum(self.reach, other.reach)
        return Tally(self.widened(reach).counts + other.widened(reach).counts, reach)

    def widened(self, reach: np.ndarray) -> "Tally":
        """The same counts with at least this reach: two neighbouring bins become one for each doubling."""
        counts, present = self.counts, self.reach.copy()
        present[present == 0] = reach[present == 0]  # zeros stay in the bin that begins at zero
        while (narrow := present < reach).any():
            pairs = counts[:, narrow].reshape(BINS // 2, 2, -1).sum(axis=1)
            empty = np.zeros((BINS // 4, pairs.shape[1]), np.int64)
            counts = counts.copy()
            counts[:, narrow] = np.concatenate([empty, pairs, empty])
            present[narrow] *= 2
        return Tally(counts, present)

    def of(self, channel: int) -> tuple[np.ndarray, np.ndarray]:
        """Counts and edges of the bins of one channel, empty bins at the ends left out."""
        counts = self.counts[:, channel]
        filled = np.flatnonzero(counts)
        first, last = (filled[0], filled[-1]) if filled.size else (0, BINS - 1)
        edges = np.linspace(-1, 1, BINS + 1) * (self.reach[channel] or 1.0)
        return counts[first : last + 1], edges[first : last + 2]


@dataclass(frozen=True)
class Record:
    """What a pass keeps of one layer after the first `seen` pictures it visits, which it numbers from 0.

    most: the greatest value of each picture's map, the k greatest of them; least: the smallest value of each map, the k
    smallest of them, with their signs turned; tally: the greatest values of all pictures.
    """

    seen: int
    most: TopK
    least: TopK
    tally: Tally

    @classmethod
    def empty(cls, k: int, channels: int) -> "Record":
        """A record of no picture."""
        return cls(0, TopK.empty(k, channels), TopK.empty(k, channels), Tally.empty(channels))

    def add(
        self, numbers: np.ndarray, greatest: tuple[np.ndarray, np.ndarray], smallest: tuple[np.ndarray, np.ndarray]
    ) -> "Record":
        """The record with the next pictures (N,) in it, given the values and places (N, C) of their maps' extremes."""
        return Record(
            int(numbers[-1]) + 1,
            self.most.add(greatest[0], numbers, greatest[1]),
            self.least.add(-smallest[0], numbers, smallest[1]),
            self.tally.add(np.nan_to_num(greatest[0], posinf=0, neginf=0)),
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All numbers as named arrays."""
        return {
            "seen": np.array(self.seen),
            **{f"most_{name}": array for name, array in vars(self.most).items()},
            **{f"least_{name}": array for name, array in vars(self.least).items()},
            **{f"tally_{name}": array for name, array in vars(self.tally).items()},
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Record":
        """The record whose `to_arrays` these are; raises KeyError where one is missing."""
        most, least = (
            TopK(*(arrays[f"{of}_{name}"] for name in ("values", "images", "places"))) for of in ("most", "least")
        )
        return cls(int(arrays["seen"]), most, least, Tally(arrays["tally_counts"], arrays["tally_reach"]))
