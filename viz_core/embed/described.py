"""What the techniques over a whole set share: which pictures, described by which layer at which size."""

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

import numpy as np
from pydantic import Field

from viz_core.embed.features import Features, default_layer, default_size, extract
from viz_core.embed.mosaic import Board
from viz_core.embed.projection import waiting
from viz_core.embed.store import LOOK_SIDE
from viz_core.errors import ConvscopeError
from viz_core.images.datasets import open_dataset
from viz_core.images.picture_set import PictureSet
from viz_core.recipe import Recipe
from viz_core.technique import Step, Technique

SHEET = 640  # of what is watched, pixels a side
MOST_SHOWN = (SHEET // LOOK_SIDE) ** 2  # small pictures on it

T = TypeVar("T")
Describing = Generator[Step, bool | None, dict[str, Features]]


class OverSet(Technique):
    """A technique over the features of all pictures of a set."""

    dataset: str = Field("builtin", description="set of pictures", json_schema_extra={"advanced": True})
    size: int | None = Field(
        None,
        ge=32,
        le=1024,
        description="side of the pictures for the network, pixels; empty: half the network's own, 64 at least",
        json_schema_extra={"advanced": True},
    )

    def recipe(self) -> Recipe:
        """The recipe names the contents of the data set, too."""
        plain = super().recipe()
        return plain.model_copy(update={"picture": f"{plain.picture} {open_dataset(self.dataset).digest}"})

    def side(self) -> int:
        """The side at which the network sees the pictures of the set."""
        return self.size or default_size(self.network())

    def described(self, pictures: PictureSet, layers: Sequence[str], least: int = 1, flat: bool = False) -> Describing:
        """The features of the set by layer, to be watched as the pictures are read.

        Stop ends with a sentence, and what is described stays described. Raises ConvscopeError where fewer than `least`
        pictures can be read.
        """
        passing, board = extract(self.network(), pictures, layers, self.side(), flat), Board(SHEET)
        while True:
            try:
                done, total, read = next(passing)
            except StopIteration as end:
                features: dict[str, Features] = end.value
                break
            sheet = board.add(read) if len(read) else None  # the first yield comes before there is any
            if done < total and (yield Step(done, total, sheet)):
                raise ConvscopeError("embed_errors.stopped", done=done, total=total)
        count = len(features[layers[0]].pictures)
        if count < least:
            raise ConvscopeError("embed_errors.too_few", least=least, count=count)
        return features


class ByLayer(OverSet):
    """A technique over what one layer says of all pictures of a set."""

    layer: str | None = Field(
        None,
        description="layer that describes the pictures; empty: the last before the classes",
        json_schema_extra={"widget": "layer"},
    )

    flat: bool = Field(
        False,
        description="keep every position of the layer's maps instead of their mean",
        json_schema_extra={"advanced": True},
    )

    def chosen_layer(self) -> str:
        """The layer that describes the pictures."""
        network = self.network()
        return network.resolve_layer(self.layer or default_layer(network))


def rows_of(pictures: PictureSet, members: np.ndarray) -> list[dict[str, Any]]:
    """Which picture each point is: its number, title and label."""
    return [
        {"picture": int(index), "title": pictures.titles[index], "label": pictures.label(int(index))}
        for index in members
    ]


def skipped(pictures: PictureSet) -> list[dict[str, str]]:
    """The members of a set that could not be read, each with its sentence."""
    return [{"title": one.title, "reason": str(one.reason)} for one in pictures.skipped]


def gathered(features: Features) -> Step:
    """The pictures that were described, as many as there is room for, as a step to be watched."""
    return Step(0, 1, Board(SHEET).add(features.looks.pixels[:MOST_SHOWN]))


def meanwhile(work: Callable[[], T], step: Step) -> Generator[Step, bool | None, tuple[T | None, bool]]:
    """What a long piece of work returns, and False; after a Stop nothing and True."""
    working = waiting(work)
    while True:
        try:
            next(working)
        except StopIteration as end:
            return end.value, False
        if (yield step):
            return None, True
