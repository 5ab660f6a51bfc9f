"""Nearest neighbours: by what the last layer says of the pictures, and by their pixels."""

from collections.abc import Generator
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from viz_core.embed.described import ByLayer, gathered, skipped
from viz_core.embed.evidence import SHARPER, unit_patches
from viz_core.embed.features import Features, describe, pixel_vectors, shelves, small
from viz_core.embed.index import EXACT_UP_TO, ExactIndex, Index, build_graph
from viz_core.embed.milvus import MilvusIndex, MilvusStore, address
from viz_core.embed.search import precision, shared_units
from viz_core.embed.store import key_of
from viz_core.errors import ConvscopeError
from viz_core.images.datasets import open_dataset
from viz_core.images.picture_set import PictureSet, square
from viz_core.images.refs import open_image
from viz_core.images.render import grid
from viz_core.images.tensor import to_tensor
from viz_core.models.memory import Memory
from viz_core.tape import taped
from viz_core.technique import Run, Section, Step

TILE = 96
PRECISION_AT = 5
UNITS = 5  # that are told of each neighbour
EXAMPLES = 4  # pictures of the set that show what a unit answers to

_precisions: Memory[np.ndarray] = Memory(64)
_stores: Memory[MilvusStore] = Memory(8)


class Neighbours(ByLayer):
    """Find the pictures whose last-layer vectors are nearest, beside those whose pixels are nearest.

    Krizhevsky, Sutskever & Hinton 2012, section 6.1.
    """

    slug: ClassVar[str] = "neighbours"
    section: ClassVar[Section] = "embed"
    order: ClassVar[int] = 10
    icon: ClassVar[str] = "join_inner"
    live: ClassVar[bool] = True
    eager: ClassVar[bool] = True

    query: int | None = Field(
        None, ge=0, description="number of a picture of the set to start from; empty: the chosen picture"
    )
    k: int = Field(8, ge=1, le=24, description="how many neighbours to show")
    why: int = Field(1, ge=1, le=24, description="the neighbour to explain: 1 is the nearest")
    off: tuple[int, ...] = Field((), description="units of the layer that are switched off")

    @taped
    def run(self) -> Run:
        """Describe the set once, then search it twice: by features and by pixels."""
        network, pictures = self.network(), open_dataset(self.dataset)
        if self.query is not None and self.query >= len(pictures):
            raise ConvscopeError("embed_errors.no_such_picture", query=self.query, last=len(pictures) - 1)
        layer = self.chosen_layer()
        source = self.source(pictures)
        shown = square(source, TILE)
        features = (yield from self.described(pictures, [layer], flat=self.flat))[layer]
        yield gathered(features)
        width = self.units(layer)
        if self.off and max(self.off) >= width:
            raise ConvscopeError("recipe_errors.no_channel", layer=layer, channel=max(self.off), last=width - 1)
        seen = to_tensor(square(source, self.side()))
        queries = {
            "features": describe(network, seen, layer, self.flat)[0],
            "pixels": small(seen).transpose(0, 3, 1, 2).reshape(-1).astype(np.float32) / 255,
        }
        searched: dict[str, Index] = {
            "features": (yield from self.index(features, pictures, layer)),
            "pixels": ExactIndex(pixel_vectors(features.looks)),
        }
        arrays: dict[str, np.ndarray] = {}
        tables: dict[str, list[dict[str, Any]]] = {}
        sheets: dict[str, np.ndarray] = {"query": shown}
        for space, index in searched.items():
            found, far = self.others(index, queries[space], features)
            members = features.pictures[found]
            arrays |= {f"{space}_indices": members, f"{space}_distances": far}
            tables[space] = [
                self.row(pictures, int(member), float(distance)) for member, distance in zip(members, far, strict=True)
            ]
            if len(members):
                sheets[space] = grid([pictures.seen(int(member), TILE) for member in members], len(members), gap=3)
        found = np.searchsorted(features.pictures, arrays["features_indices"])
        self.tell_units(tables["features"], queries["features"], features.values[found], layer)
        tables["why"], reasons = self.reasons(pictures, layer, features, source, tables["features"])
        scores = {"layer": layer, "pictures": len(features.pictures), "skipped": len(pictures.skipped), "width": width}
        return self.result(
            arrays=arrays | self.precisions(pictures, layer, features),
            pictures=sheets | reasons,
            scores=scores | {"exact": isinstance(searched["features"], ExactIndex)},
            tables=tables | {"skipped": skipped(pictures)},
        )

    def units(self, layer: str) -> int:
        """How many units a layer has; each has as many numbers in a vector as its map has positions, if all are kept."""
        return self.network().layer(layer, (self.side(), self.side())).shape[0]

    def numbers_off(self, layer: str, width: int) -> list[int]:
        """The places in a vector of `width` numbers of the units that are switched off."""
        each = width // self.units(layer)
        return [unit * each + place for unit in self.off for place in range(each)]

    def source(self, pictures: PictureSet) -> np.ndarray:
        """The pixels of the query, whole: a member of the set or the picture chosen."""
        return (open_image(self.image) if self.query is None else pictures.read(self.query)).pixels

    def index(self, features: Features, pictures: PictureSet, layer: str) -> Generator[Step, bool | None, Index]:
        """Exact up to 100,000 pictures, and wherever units are off; above that a graph, built once; a data base if there is one."""
        if address() is not None and not self.off:
            return self.data_base(str(address()), features, pictures, layer)
        if len(features.pictures) <= EXACT_UP_TO or self.off:
            return ExactIndex(features.values, self.numbers_off(layer, features.values.shape[1]))
        file = shelves(self.network(), pictures, [layer], self.side(), self.flat)[layer].path
        building = build_graph(features.values, file.with_suffix(f".{pictures.digest}.hnsw"))
        while True:
            try:
                done, total = next(building)
            except StopIteration as end:
                return end.value
            if (yield Step(done, total)):
                return ExactIndex(features.values)

    def data_base(self, url: str, features: Features, pictures: PictureSet, layer: str) -> Index:
        """The data base of the settings, with this set in it."""
        owner = (self.network().digest, layer, self.side(), pictures.name, *(("flat",) if self.flat else ()))
        width = features.values.shape[1]
        store = _stores.get((url, width, *owner), lambda: MilvusStore(url, width, *owner))
        keys = [key_of(pictures.member_digest(int(member))) for member in features.pictures]
        store.add(keys, features.values)
        return MilvusIndex(store, keys)

    def others(self, index: Index, query: np.ndarray, features: Features) -> tuple[np.ndarray, np.ndarray]:
        """Places and distances of the k nearest that are not the picture asked about itself."""
        found, far = index.nearest(query, self.k + 1)
        other = features.pictures[found] != (-1 if self.query is None else self.query)
        return found[other][: self.k], far[other][: self.k]

    def row(self, pictures: PictureSet, member: int, distance: float) -> dict[str, Any]:
        """One neighbour: which, how far, and its label."""
        title, label = pictures.titles[member], pictures.label(member)
        return {"picture": member, "title": title, "label": label, "distance": distance}

    def tell_units(self, rows: list[dict[str, Any]], query: np.ndarray, vectors: np.ndarray, layer: str) -> None:
        """Add to each neighbour the units that carry the likeness, without those that are off."""
        on = np.ones(len(query))
        on[self.numbers_off(layer, len(query))] = 0
        for row, vector in zip(rows, vectors, strict=True):
            units, shares = shared_units(query * on, vector * on, UNITS, self.units(layer))
            row |= {"units": units.tolist(), "shares": shares.tolist()}

    def reasons(
        self, pictures: PictureSet, layer: str, features: Features, source: np.ndarray, rows: list[dict[str, Any]]
    ) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
        """The units that make the chosen neighbour one: each in the query, in the neighbour, and where it is strongest."""
        if not rows:
            return [], {}
        chosen = rows[min(self.why, len(rows)) - 1]
        side = SHARPER * self.side()
        told, strips = [], {}
        for number, (unit, share) in enumerate(zip(chosen["units"], chosen["shares"], strict=True)):
            each = features.values.shape[1] // self.units(layer)
            answers = features.values[:, unit * each : (unit + 1) * each].mean(axis=1, dtype=np.float32)
            strongest = np.argsort(-answers, kind="stable")[:EXAMPLES]
            members = [chosen["picture"], *(int(features.pictures[at]) for at in strongest)]
            shown = [square(source, side), *(pictures.seen(member, side) for member in members)]
            patches = unit_patches(self.network(), layer, self.side(), [(pixels, unit) for pixels in shown])
            told.append({"unit": unit, "share": share, "neighbour": chosen["picture"], "title": chosen["title"]})
            strips[f"why_{number}"] = grid(patches, len(patches), gap=3)
        return told, strips

    def precisions(self, pictures: PictureSet, layer: str, features: Features) -> dict[str, np.ndarray]:
        """Precision at 1 ... max(k, 5) by label in both spaces, where the set has labels and enough pictures."""
        most = max(self.k, PRECISION_AT)
        if pictures.label_of is None or len(features.pictures) <= most:
            return {}
        labels = [pictures.label_of[member] for member in features.pictures]
        network, off = self.network().digest, self.off
        on = np.ones(features.values.shape[1], np.float16)
        on[self.numbers_off(layer, len(on))] = 0
        key = (pictures.digest, self.side(), network, most)
        return {
            "precision_features": _precisions.get(
                (*key, layer, self.flat, off), lambda: precision(most, features.values * on, labels)
            ),
            "precision_pixels": _precisions.get(key, lambda: precision(most, pixel_vectors(features.looks), labels)),
        }
