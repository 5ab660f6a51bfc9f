"""Nearest neighbours: by what the last layer says of the pictures, and by their pixels."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from viz_core.embed.features import PIXEL_SIDE, default_layer, describe, extract, pixel_vectors
from viz_core.embed.search import nearest, precision_at, shared_units
from viz_core.errors import ConvscopeError
from viz_core.images.datasets import open_dataset
from viz_core.images.picture_set import PictureSet, square
from viz_core.images.refs import open_image
from viz_core.images.render import grid
from viz_core.images.tensor import to_tensor
from viz_core.technique import Run, Section, Step, Technique

TILE = 96
SEEN = 64  # the side at which the network sees the pictures of a set, pixels
PRECISION_AT = 5
UNITS = 5


class Neighbours(Technique):
    """Find the pictures whose last-layer vectors are nearest, beside those whose pixels are nearest.

    Krizhevsky, Sutskever & Hinton 2012, section 6.1.
    """

    slug: ClassVar[str] = "neighbours"
    section: ClassVar[Section] = "embed"
    order: ClassVar[int] = 10
    icon: ClassVar[str] = "join_inner"
    live: ClassVar[bool] = True
    eager: ClassVar[bool] = True

    dataset: str = Field("builtin", description="pictures to search", json_schema_extra={"advanced": True})
    layer: str | None = Field(
        None,
        description="layer that describes the pictures; empty: the last before the classes",
        json_schema_extra={"widget": "layer"},
    )
    query: int | None = Field(
        None, ge=0, description="number of a picture of the set to start from; empty: the chosen picture"
    )
    k: int = Field(8, ge=1, le=24, description="how many neighbours to show")

    def run(self) -> Run:
        """Describe the set once, then search it twice: by features and by pixels."""
        network, pictures = self.network(), open_dataset(self.dataset)
        if self.query is not None and self.query >= len(pictures):
            raise ConvscopeError("embed_errors.no_such_picture", query=self.query, last=len(pictures) - 1)
        layer = network.resolve_layer(self.layer or default_layer(network))
        shown = self.query_pixels(pictures)
        passing = extract(network, pictures, layer, SEEN)
        while True:
            try:
                done, total = next(passing)
            except StopIteration as end:
                features = end.value
                break
            if (yield Step(done, total, shown)):
                raise ConvscopeError("embed_errors.stopped", done=done, total=total)
        pixels = pixel_vectors(pictures, features.pictures)
        spaces = {"features": features.values, "pixels": pixels}
        queries = {
            "features": describe(network, to_tensor(square(self.source(pictures), SEEN)), layer)[0],
            "pixels": to_tensor(square(self.source(pictures), PIXEL_SIDE)).flatten().numpy(),
        }
        place = np.flatnonzero(features.pictures == self.query) if self.query is not None else np.array([], int)
        leave_out = int(place[0]) if place.size else None
        arrays: dict[str, np.ndarray] = {}
        tables: dict[str, list[dict[str, object]]] = {}
        sheets: dict[str, np.ndarray] = {}
        for space, vectors in spaces.items():
            found, far = nearest(queries[space], vectors, self.k, leave_out)
            members = features.pictures[found]
            arrays |= {f"{space}_indices": members, f"{space}_distances": far}
            tables[space] = [
                self.row(pictures, int(member), float(distance), vectors[at], queries[space], space)
                for member, distance, at in zip(members, far, found, strict=True)
            ]
            sheets[space] = grid([pictures.seen(int(member), TILE) for member in members], columns=len(members), gap=3)
        return self.result(
            arrays=arrays | {"grid": sheets["features"], "query": square(self.source(pictures), TILE)},
            pictures={"query": square(self.source(pictures), TILE), **sheets},
            scores={"layer": layer, "pictures": len(features.pictures), "skipped": len(pictures.skipped)}
            | self.precisions(pictures, features.pictures, spaces),
            tables=tables,
        )

    def source(self, pictures: PictureSet) -> np.ndarray:
        """The pixels of the query, whole: a member of the set or the picture chosen."""
        return (open_image(self.image) if self.query is None else pictures.read(self.query)).pixels

    def query_pixels(self, pictures: PictureSet) -> np.ndarray:
        """The query as a tile."""
        return square(self.source(pictures), TILE)

    def row(
        self, pictures: PictureSet, member: int, distance: float, vector: np.ndarray, query: np.ndarray, space: str
    ) -> dict[str, object]:
        """One neighbour: which, how far, its label, and in feature space the units that carry the likeness."""
        row: dict[str, object] = {
            "picture": member,
            "title": pictures.titles[member],
            "label": pictures.label(member),
            "distance": distance,
        }
        if space == "features":
            units, shares = shared_units(query, vector, UNITS)
            row |= {"units": units.tolist(), "shares": shares.tolist()}
        return row

    def precisions(self, pictures: PictureSet, members: np.ndarray, spaces: dict[str, np.ndarray]) -> dict[str, float]:
        """Precision at five by label in both spaces, where the set has labels and enough pictures."""
        if pictures.label_of is None or len(members) <= PRECISION_AT:
            return {}
        labels = [pictures.label_of[member] for member in members]
        return {f"precision_{space}": precision_at(PRECISION_AT, vectors, labels) for space, vectors in spaces.items()}
