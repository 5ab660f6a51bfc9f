"""What depth buys: the same pictures mapped by their pixels, then by one stage of the network after the other."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from viz_core.embed.described import SHEET, OverSet, rows_of, skipped
from viz_core.embed.features import pixel_vectors
from viz_core.embed.mosaic import scattered
from viz_core.embed.projection import KEPT_AT, Arranging, chunk, kept_neighbours, neighbours_for, plane, unit_square
from viz_core.embed.search import neighbour_graph, precision
from viz_core.images.datasets import open_dataset, picked
from viz_core.models.graph import GraphModel
from viz_core.tape import taped
from viz_core.technique import Run, Section, Step

LEAST = 8
PURITY_AT = 10
MOST_STAGES = 7
PIXELS = "pixels"


class Depth(OverSet):
    """Map the pictures of a set at every depth of the network, each map starting from the one before.

    How well a picture's neighbours agree with its label rises with depth: Alain & Bengio 2016; Zeiler & Fergus 2014.
    """

    slug: ClassVar[str] = "depth"
    section: ClassVar[Section] = "embed"
    order: ClassVar[int] = 30
    icon: ClassVar[str] = "layers"
    live: ClassVar[bool] = True

    count: int = Field(600, ge=8, le=5000, description="how many pictures of the set to use, spread evenly")
    perplexity: float = Field(30.0, ge=2, le=200, description="t-SNE: how many neighbours count, about")
    steps: int = Field(200, ge=20, le=1000, description="t-SNE: steps at each depth", json_schema_extra={"step": 20})

    @taped
    def run(self) -> Run:
        """Describe the pictures by all stages in one pass, then arrange one map after the other; Stop keeps those done."""
        network, whole = self.network(), open_dataset(self.dataset)
        evenly = np.unique(np.linspace(0, len(whole) - 1, min(self.count, len(whole))).astype(int))
        pictures = picked(whole, evenly.tolist())
        layers = stages(network, self.side())
        features = yield from self.described(pictures, layers, least=LEAST)
        last = features[layers[-1]]
        spaces = {PIXELS: pixel_vectors(last.looks)} | {layer: features[layer].values for layer in layers}
        names = [pictures.label(int(index)) or "" for index in last.pictures]
        tiles = last.looks.pixels[:, ::2, ::2]
        maps: list[np.ndarray] = []
        kept: list[float] = []
        purity: list[float] = []
        points, done, total = plane(spaces[PIXELS]), 0, len(spaces) * self.steps
        yield Step(0, total, scattered(points, tiles, SHEET))
        stop = False
        for vectors in spaces.values():
            graph = neighbour_graph(vectors, max(neighbours_for(self.perplexity, len(points)), KEPT_AT))
            for moved in Arranging(graph, points, self.perplexity, 4.0 if maps else 12.0, self.steps):
                points = moved
                done += chunk(len(points))
                if (
                    yield Step(
                        min(done, total),
                        total,
                        scattered(points, tiles, SHEET),
                        {"purity": purity[-1]} if purity else {},
                    )
                ):
                    stop = True
                    break
            maps.append(unit_square(points))
            kept.append(float(kept_neighbours(graph[0], points).mean()))
            purity.append(float(precision(min(PURITY_AT, len(points) - 1), vectors, names)[-1]))
            if stop:
                break
        frames = [{"name": name, "purity": p, "kept": k} for name, p, k in zip(spaces, purity, kept, strict=False)]
        members = evenly[last.pictures]
        labelled = pictures.label_of is not None
        return self.result(
            arrays={
                "maps": np.stack(maps).astype(np.float32),
                "purity": np.array(purity if labelled else []),
                "pictures": members,
                "neighbours": graph[0][:, :KEPT_AT].astype(np.int32),
                "vectors": np.asarray(vectors),
                "looks": last.looks.pixels,
                "classes": last.looks.classes,
                "confidence": last.looks.confidence,
            },
            pictures={"map": scattered(points, last.looks.pixels, SHEET)},
            scores={"points": len(points), "frames": len(frames), "skipped": len(pictures.skipped)},
            tables={"frames": frames, "points": rows_of(whole, members), "skipped": skipped(pictures)},
        )


def stages(network: GraphModel, side: int) -> list[str]:
    """The last layer before each change of resolution, and the last of all: the depths a network may be asked at."""
    maps = [layer for layer in network.layers((side, side)) if len(layer.shape) == 3 and "Pool" not in layer.kind]
    ends = {layer.shape[1:]: layer.name for layer in maps}
    names = [*ends.values(), network.layer_names[-1]]
    chosen = np.unique(np.linspace(0, len(names) - 1, min(MOST_STAGES, len(names))).astype(int))
    return list(dict.fromkeys(names[at] for at in chosen))
