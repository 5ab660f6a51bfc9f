"""The set that is always there: sample pictures in crops at several scales, handwritten digits, and drawn stimuli."""

import gzip
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from PIL import Image

from viz_core.images.intake import Picture
from viz_core.images.picture_set import PictureSet, digest_of
from viz_core.images.samples import names, package_folder, sample
from viz_core.images.stimuli import Stimulus, stimuli

SCALES = (1, 2, 3, 4)  # side of the crops: the short side of the picture divided by these
SMALLEST_CROP = 64
DIGITS_OF_EACH = 40
DIGIT_SIDE = 64
STIMULUS_SIDE = 128


@dataclass(frozen=True)
class _Member:
    label: str
    title: str
    make: Callable[[], Picture]


@cache
def builtin() -> PictureSet:
    """About two thousand pictures, made when they are read."""
    pictures = (*names("photo"), *names("texture"), *names("figure"))
    return _as_set("builtin", (*_crops(pictures), *_digits(), *(_stimulus(one) for one in stimuli())))


@cache
def photographs() -> PictureSet:
    """The crops of photographs alone: no drawing outshines them."""
    return _as_set("photographs", tuple(_crops(names("photo"))))


def _as_set(name: str, members: tuple[_Member, ...]) -> PictureSet:
    digests = tuple(member.make().digest for member in members)
    return PictureSet(
        name=name,
        digest=digest_of(digests),
        titles=tuple(member.title for member in members),
        label_of=tuple(member.label for member in members),
        load=lambda index, _: members[index].make(),
        members=digests,
    )


def _crops(samples: Iterable[str]) -> Iterator[_Member]:
    for name in samples:
        height, width = sample(name).pixels.shape[:2]
        for scale in SCALES:
            side = min(height, width) // scale
            for top in _starts(height, side):
                for left in _starts(width, side):
                    if side >= SMALLEST_CROP:
                        title = f"{name} {side} px at ({left}, {top})"
                        yield _Member(name, title, partial(_crop, name, top, left, side))


def _starts(length: int, side: int) -> list[int]:
    """Where squares begin that lie side by side, spread evenly over the length; the middle one if there is but one."""
    count = math.floor(length / side)
    return [
        round((length - side) * (index + 0.5) / count if count == 1 else (length - side) * index / (count - 1))
        for index in range(count)
    ]


def _crop(name: str, top: int, left: int, side: int) -> Picture:
    return Picture(sample(name).pixels[top : top + side, left : left + side])


def _digits() -> Iterator[_Member]:
    table = _digit_table()
    for digit in range(10):
        for number, row in enumerate(np.flatnonzero(table[:, -1] == digit)[:DIGITS_OF_EACH]):
            yield _Member(f"digit-{digit}", f"digit {digit}, number {number}", partial(_digit, int(row)))


@cache
def _digit_table() -> np.ndarray:
    """scikit-learn's handwritten digits: 64 values from 0 to 16 and the digit in every row."""
    with gzip.open(package_folder("sklearn") / "datasets" / "data" / "digits.csv.gz", "rt") as file:
        return np.loadtxt(file, delimiter=",").astype(np.uint8)


def _digit(row: int) -> Picture:
    levels = np.rint(_digit_table()[row, :64].reshape(8, 8) * (255 / 16)).astype(np.uint8)
    large = Image.fromarray(levels).resize((DIGIT_SIDE, DIGIT_SIDE), Image.Resampling.BICUBIC)
    return Picture(np.asarray(large.convert("RGB")))


def _stimulus(stimulus: Stimulus) -> _Member:
    return _Member(stimulus.kind, stimulus.title, partial(stimulus.draw, STIMULUS_SIDE))
