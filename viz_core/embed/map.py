"""The map: every picture a point, alike ones near each other."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from viz_core.embed.features import Features, default_layer, extract
from viz_core.embed.mosaic import assigned, mosaic, scattered
from viz_core.embed.projection import CHUNK, kept_neighbours, pca, tsne, umap, waiting
from viz_core.errors import ConvscopeError
from viz_core.images.datasets import open_dataset
from viz_core.images.picture_set import PictureSet
from viz_core.technique import Result, Run, Section, Step, Technique

SEEN = 64  # the side at which the network sees the pictures of a set, pixels
LEAST = 8
TILE = 20
CELL = 28
SHEET = 640


class Map(Technique):
    """Lay out the pictures of a set in two dimensions by what a layer says of them.

    PCA; t-SNE, van der Maaten & Hinton 2008; UMAP, McInnes, Healy & Melville 2018; the grid after Karpathy 2014.
    """

    slug: ClassVar[str] = "map"
    section: ClassVar[Section] = "embed"
    order: ClassVar[int] = 20
    icon: ClassVar[str] = "scatter_plot"
    live: ClassVar[bool] = True

    dataset: str = Field("builtin", description="pictures to lay out", json_schema_extra={"advanced": True})
    method: Literal["pca", "tsne", "umap"] = Field("tsne", description="how two dimensions are made of many")
    layer: str | None = Field(
        None,
        description="layer that describes the pictures; empty: the last before the classes",
        json_schema_extra={"widget": "layer"},
    )
    perplexity: float = Field(30.0, ge=2, le=200, description="t-SNE: how many neighbours count, about")
    exaggeration: float = Field(12.0, ge=1, le=32, description="t-SNE: pull between neighbours in the first quarter")
    steps: int = Field(300, ge=20, le=2000, description="t-SNE: steps", json_schema_extra={"step": 20})
    neighbours: int = Field(15, ge=2, le=100, description="UMAP: how many neighbours count")
    min_dist: float = Field(0.1, ge=0.0, le=0.99, description="UMAP: how close points may come")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of t-SNE and UMAP", json_schema_extra={"advanced": True})

    def run(self) -> Run:
        """Describe the pictures, show PCA at once, then let the map arrange itself; Stop keeps the map as it is."""
        network, pictures = self.network(), open_dataset(self.dataset)
        layer = network.resolve_layer(self.layer or default_layer(network))
        passing = extract(network, pictures, layer, SEEN)
        while True:
            try:
                done, total = next(passing)
            except StopIteration as end:
                features: Features = end.value
                break
            if (yield Step(done, total)):
                raise ConvscopeError("embed_errors.stopped", done=done, total=total)
        if len(features.values) < LEAST:
            raise ConvscopeError("embed_errors.too_few", least=LEAST, count=len(features.values))
        tiles = np.stack([pictures.seen(int(index), CELL) for index in features.pictures])
        small = tiles[:, :: CELL // TILE + 1, :: CELL // TILE + 1]
        points = pca(features.values)
        steps = self.steps // CHUNK if self.method == "tsne" else 1
        stop = yield Step(0, steps, scattered(points, small, SHEET))
        if not stop and self.method == "tsne":
            moving = tsne(features.values, self.perplexity, self.exaggeration, self.steps, self.seed)
            for number, points in enumerate(moving, start=1):
                if (yield Step(number, steps, scattered(points, small, SHEET))):
                    break
        elif not stop and self.method == "umap":
            points = yield from self.umap_points(features.values, points, scattered(points, small, SHEET))
        return self.finished(pictures, layer, features, points, tiles)

    def umap_points(self, vectors: np.ndarray, start: np.ndarray, preview: np.ndarray):
        """The UMAP, with the PCA to look at meanwhile; Stop keeps the PCA."""
        working = waiting(lambda: umap(vectors, self.neighbours, self.min_dist, self.seed))
        while True:
            try:
                next(working)
            except StopIteration as end:
                return end.value
            if (yield Step(0, 1, preview)):
                return start

    def finished(
        self, pictures: PictureSet, layer: str, features: Features, points: np.ndarray, tiles: np.ndarray
    ) -> Result:
        """The map with what each point is, how much of its neighbourhood survived, and the grid."""
        kept = kept_neighbours(features.values, points)
        cells, side = assigned(points)
        rows = [
            {"picture": int(index), "title": pictures.titles[index], "label": pictures.label(int(index))}
            for index in features.pictures
        ]
        return self.result(
            arrays={
                "map": points.astype(np.float32),
                "pictures": features.pictures,
                "kept": kept.astype(np.float32),
                "grid": features.pictures[cells].reshape(side, side),
            },
            pictures={"map": scattered(points, tiles, SHEET), "grid": mosaic(tiles, cells, side)},
            scores={"layer": layer, "points": len(points), "kept": float(kept.mean()), "side": side},
            tables={"points": rows},
        )
