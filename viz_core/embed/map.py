"""The map: every picture a point, alike ones near each other."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from viz_core.embed.described import SHEET, ByLayer, meanwhile, rows_of, skipped
from viz_core.embed.features import Features
from viz_core.embed.mosaic import assigned, mosaic, scattered
from viz_core.embed.projection import (
    KEPT_AT,
    Arranging,
    Graph,
    kept_neighbours,
    neighbours_for,
    plane,
    umap,
)
from viz_core.embed.search import neighbour_graph
from viz_core.images.datasets import open_dataset
from viz_core.images.picture_set import PictureSet
from viz_core.models.memory import Memory
from viz_core.tape import taped
from viz_core.technique import Result, Run, Section, Step

LEAST = 8
QUICK_CELLS = 1024  # of the grid after a Stop: assigned in half a second
SMALL = 2  # every second pixel of the small pictures, in maps that are watched
MOST_PAUSED = 8

_graphs: Memory[Graph] = Memory(4)
_paused: OrderedDict[str, Arranging] = OrderedDict()


class Map(ByLayer):
    """Lay out the pictures of a set in two dimensions by what a layer says of them.

    PCA; t-SNE, van der Maaten & Hinton 2008; UMAP, McInnes, Healy & Melville 2018; the grid after Karpathy 2014.
    """

    slug: ClassVar[str] = "map"
    section: ClassVar[Section] = "embed"
    order: ClassVar[int] = 20
    icon: ClassVar[str] = "scatter_plot"
    live: ClassVar[bool] = True

    method: Literal["pca", "tsne", "umap"] = Field("tsne", description="how two dimensions are made of many")
    perplexity: float = Field(30.0, ge=2, le=200, description="t-SNE: how many neighbours count, about")
    exaggeration: float = Field(12.0, ge=1, le=32, description="t-SNE: pull between neighbours in the first quarter")
    steps: int = Field(300, ge=20, le=2000, description="t-SNE: steps", json_schema_extra={"step": 20})
    neighbours: int = Field(15, ge=2, le=100, description="UMAP: how many neighbours count")
    min_dist: float = Field(0.1, ge=0.0, le=0.99, description="UMAP: how close points may come")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of UMAP", json_schema_extra={"advanced": True})

    @taped
    def run(self) -> Run:
        """Describe the pictures, show PCA at once, then let the map arrange itself.

        Stop keeps the map as it is; t-SNE goes on from there when the same map is asked for again.
        """
        pictures, layer = open_dataset(self.dataset), self.chosen_layer()
        features = (yield from self.described(pictures, [layer], least=LEAST, flat=self.flat))[layer]
        tiles = features.looks.pixels[:, ::SMALL, ::SMALL]
        points = plane(features.values)
        steps = self.steps if self.method == "tsne" else 1
        stop = yield Step(0, steps, scattered(points, tiles, SHEET))
        make = self.graph_maker(features, pictures, layer)
        graph, stopped = yield from meanwhile(make, Step(0, steps))
        graph, stop = make() if graph is None else graph, stop or stopped
        if not stop and self.method == "tsne":
            for done, moved in self.arranging(graph, points):
                points = moved
                if (yield Step(done, steps, scattered(points, tiles, SHEET))):
                    stop = True
                    break
        elif not stop and self.method == "umap":
            mapping = partial(umap, graph, points, self.neighbours, self.min_dist, self.seed)
            mapped, stop = yield from meanwhile(mapping, Step(0, steps))
            points = points if mapped is None else mapped
        cells, _ = (None, True) if stop else (yield from meanwhile(lambda: assigned(points), Step(steps, steps)))
        return self.finished(pictures, layer, features, points, graph, cells or assigned(points, QUICK_CELLS))

    def graph_maker(self, features: Features, pictures: PictureSet, layer: str) -> Callable[[], Graph]:
        """What makes the exact graph of neighbours, or finds it, wide enough for the settings."""
        count = len(features.pictures)
        width = max(neighbours_for(self.perplexity, count), min(max(self.neighbours, KEPT_AT), count - 1))
        key = (pictures.digest, self.network().digest, layer, self.side(), self.flat, width)
        return lambda: _graphs.get(key, lambda: neighbour_graph(features.values, width))

    def arranging(self, graph: Graph, start: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Steps done and the map, from where this map was left, if it was."""
        name = self.recipe().digest
        moving = _paused.pop(name, None) or Arranging(graph, start, self.perplexity, self.exaggeration, self.steps)
        try:
            for points in moving:
                yield moving.done, points
        finally:
            if moving.done < moving.steps:
                _paused[name] = moving
                while len(_paused) > MOST_PAUSED:
                    _paused.popitem(last=False)

    def finished(
        self,
        pictures: PictureSet,
        layer: str,
        features: Features,
        points: np.ndarray,
        graph: Graph,
        grid: tuple[np.ndarray, int],
    ) -> Result:
        """The map with what each point is, how much of its neighbourhood survived, and the grid."""
        kept = kept_neighbours(graph[0], points)
        (cells, side), tiles = grid, features.looks.pixels
        return self.result(
            arrays={
                "map": points.astype(np.float32),
                "pictures": features.pictures,
                "kept": kept.astype(np.float32),
                "neighbours": graph[0][:, :KEPT_AT].astype(np.int32),
                "grid": cells.reshape(side, side).astype(np.int32),
                "vectors": features.values,
                "looks": tiles,
                "classes": features.looks.classes,
                "confidence": features.looks.confidence,
            },
            pictures={"map": scattered(points, tiles, SHEET), "grid": mosaic(tiles, cells, side)},
            scores={"layer": layer, "points": len(points), "kept": float(kept.mean()), "side": side}
            | {"size": self.side(), "skipped": len(pictures.skipped)},
            tables={"points": rows_of(pictures, features.pictures), "skipped": skipped(pictures)},
        )
