"""What may be wrong with a set: near-duplicates, outliers, suspected labels, pictures between two classes."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from viz_core.embed.described import ByLayer, gathered, meanwhile, skipped
from viz_core.embed.projection import Graph
from viz_core.embed.search import neighbour_graph
from viz_core.errors import ConvscopeError
from viz_core.images.datasets import open_dataset
from viz_core.images.picture_set import PictureSet
from viz_core.images.render import grid
from viz_core.tape import taped
from viz_core.technique import Run, Section, Step

LEAST = 8
FOUND = ("duplicates", "outliers", "labels", "boundary")
TILE, ABREAST = 96, 6  # of the sheets, pixels and pictures
COLUMNS = ("picture", "title", "label", "nearest", "likeness", "remoteness", "vote", "suggested", "margin")


class Audit(ByLayer):
    """Find near-duplicates, outliers, wrong labels and pictures between two classes by a graph of neighbours.

    Outliers: Ramaswamy, Rastogi & Shim 2000; wrong labels by the neighbours' vote: Wilson 1972.
    """

    slug: ClassVar[str] = "audit"
    section: ClassVar[Section] = "embed"
    order: ClassVar[int] = 40
    icon: ClassVar[str] = "fact_check"
    live: ClassVar[bool] = True

    k: int = Field(10, ge=3, le=50, description="how many neighbours vote on each picture")
    alike: float = Field(0.98, ge=0.8, le=1.0, description="cosine from which two pictures are near-duplicates")
    count: int = Field(24, ge=4, le=200, description="how many of each kind to show at most")

    @taped
    def run(self) -> Run:
        """Describe the set, then read everything off the graph of its neighbours."""
        pictures, layer = open_dataset(self.dataset), self.chosen_layer()
        features = (yield from self.described(pictures, [layer], least=LEAST, flat=self.flat))[layer]
        yield gathered(features)
        graph, _ = yield from meanwhile(lambda: neighbour_graph(features.values, self.k), Step(0, 1))
        if graph is None:
            raise ConvscopeError("embed_errors.stopped", done=len(features.pictures), total=len(pictures))
        members = features.pictures
        rows = self.rows(pictures, members, features.values, graph)
        tables = {
            "duplicates": duplicates(members, features.values, graph, self.alike)[: self.count],
            "outliers": sorted(rows, key=lambda row: -row["remoteness"])[: min(self.count, len(rows) // 4)],
            "labels": suspects(rows)[: self.count],
            "boundary": between(rows)[: self.count],
        }
        return self.result(
            arrays={"pictures": members, "looks": features.looks.pixels}
            | {"remoteness": np.array([row["remoteness"] for row in rows], np.float32)},
            pictures={kind: self.sheet(pictures, kind, found) for kind, found in tables.items() if found},
            scores={name: len(found) for name, found in tables.items()}
            | {"layer": layer, "points": len(rows), "skipped": len(pictures.skipped)}
            | {"labelled": pictures.label_of is not None},
            tables=tables | {"skipped": skipped(pictures)},
            files={"audit.csv": as_csv(rows)},
        )

    def sheet(self, pictures: PictureSet, kind: str, found: Sequence[dict[str, Any]]) -> np.ndarray:
        """The pictures of one kind of finding, the two of a pair beside each other."""
        shown = [row[name] for row in found for name in ("picture", "other") if name in row]
        columns = ABREAST if kind == "duplicates" else None
        return grid([pictures.seen(member, TILE) for member in shown], columns)

    def rows(
        self, pictures: PictureSet, members: np.ndarray, vectors: np.ndarray, graph: Graph
    ) -> list[dict[str, Any]]:
        """What the neighbours say of each picture.

        likeness: cosine to the nearest; remoteness: mean distance to the k nearest, over the set's median of that; vote:
        share of the neighbours with its label; suggested: the label most of them have; margin: votes of the two leading
        labels apart, as a share.
        """
        found, far = graph
        remoteness = far.mean(axis=1) / max(float(np.median(far.mean(axis=1))), 1e-12)
        alike = cosines(vectors, found[:, :1])[:, 0]
        labels = [pictures.label(int(member)) for member in members]
        rows = []
        for at, member in enumerate(members):
            votes = Counter(labels[other] for other in found[at]).most_common()
            (first, most), second = votes[0], votes[1][1] if len(votes) > 1 else 0
            voted = sum(labels[other] == labels[at] for other in found[at])
            known = labels[at] is not None
            rows.append(
                {
                    "picture": int(member),
                    "title": pictures.titles[member],
                    "label": labels[at] or "",
                    "nearest": pictures.titles[members[found[at, 0]]],
                    "likeness": float(alike[at]),
                    "remoteness": float(remoteness[at]),
                    "vote": voted / len(found[at]) if known else None,
                    "suggested": first if known else "",
                    "lead": most / len(found[at]) if known else None,
                    "margin": (most - second) / len(found[at]) if known else None,
                    "rival": (votes[1][0] if len(votes) > 1 else "") if known else "",
                }
            )
        return rows


def cosines(vectors: np.ndarray, found: np.ndarray) -> np.ndarray:
    """The cosine of each vector (N, D) with each of its neighbours (N, k): (N, k); alike where both are zero."""
    unit = vectors.astype(np.float32)
    unit = unit / np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
    dark = ~unit.any(axis=1)
    columns = [
        np.einsum("nd,nd->n", unit, unit[found[:, n]]) + (dark & dark[found[:, n]]) for n in range(found.shape[1])
    ]
    return np.stack(columns, axis=1)


def duplicates(members: np.ndarray, vectors: np.ndarray, graph: Graph, least: float) -> list[dict[str, Any]]:
    """Pairs of pictures whose vectors have at least this cosine: one of every group that hangs together, the most alike
    first, then a second one of every group, and so on; no more pairs than tie a group together.
    """
    alike = cosines(vectors, graph[0])
    pairs = {}
    for at, n in np.argwhere(alike >= least):
        one, other = sorted((int(at), int(graph[0][at, n])))
        pairs[one, other] = float(alike[at, n])
    group, size = np.arange(len(members)), Counter[int]()
    tied: list[tuple[tuple[int, int], float]] = []
    for (a, b), value in sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0])):
        if group[a] != group[b]:
            group[group == group[b]] = group[a]
            tied.append(((a, b), value))
    turn = []
    for (a, _), _ in tied:
        turn.append(size[group[a]])
        size[group[a]] += 1
    ordered = [pair for _, pair in sorted(zip(turn, tied, strict=True), key=lambda one: one[0])]
    return [{"picture": int(members[a]), "other": int(members[b]), "likeness": value} for (a, b), value in ordered]


def suspects(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Pictures of which more than half of the neighbours carry one other label, the least doubted own label last."""
    doubted = [row for row in rows if row["vote"] is not None and row["suggested"] != row["label"]]
    return sorted((row for row in doubted if row["lead"] > 0.5), key=lambda row: (row["vote"], -row["margin"]))


def between(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Pictures whose neighbours are nearly evenly of two labels, one of them its own."""
    even = [row for row in rows if row["margin"] is not None and row["margin"] <= 0.2 and row["vote"] >= 0.3]
    return sorted(
        (row for row in even if row["label"] in (row["suggested"], row["rival"])), key=lambda row: row["margin"]
    )


def as_csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """All rows as a table that opens in a spreadsheet; what looks like a formula is no formula there."""
    file = io.StringIO()
    table = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
    table.writeheader()
    for row in rows:
        safe = {
            name: "'" + value if isinstance(value, str) and value[:1] in "=+-@" else value
            for name, value in row.items()
        }
        table.writerow(safe)
    return file.getvalue().encode("utf-8-sig")
