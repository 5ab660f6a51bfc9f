"""Where neighbours are looked up: exactly, or in a graph of small worlds for more vectors than one wants to scan."""

import contextlib
import os
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from viz_core.cache_folder import mark_used
from viz_core.embed.search import nearest

EXACT_UP_TO = 100_000
LINKS = 32  # of each vector in the graph, M
BUILD_WIDTH, SEARCH_WIDTH = 100, 200  # candidates looked at, efConstruction and efSearch
ADDED_AT_ONCE = 1000

Found = tuple[np.ndarray, np.ndarray]


class Index(Protocol):
    """Answers which vectors are nearest to a query (D,): places (k,) and Euclidean distances (k,), nearest first."""

    def nearest(self, query: np.ndarray, k: int) -> Found: ...


class ExactIndex:
    """Looks at every vector; units `off` do not count."""

    def __init__(self, vectors: np.ndarray, off: Sequence[int] = ()) -> None:
        self._vectors, self._off = vectors, off

    def nearest(self, query: np.ndarray, k: int) -> Found:
        return nearest(query, self._vectors, k, self._off)


class GraphIndex:
    """Walks through a hierarchical navigable small-world graph: nearly always right, and hardly slower for ten times more.

    Malkov & Yashunin 2018; the implementation is faiss's.
    """

    def __init__(self, graph) -> None:
        self._graph = graph
        graph.hnsw.efSearch = SEARCH_WIDTH

    def nearest(self, query: np.ndarray, k: int) -> Found:
        squared, places = self._graph.search(np.asarray(query, np.float32)[None], k)
        there = places[0] >= 0
        return places[0][there].astype(np.intp), np.sqrt(np.maximum(squared[0][there], 0))


def build_graph(vectors: np.ndarray, file: Path | None = None) -> Generator[tuple[int, int], None, GraphIndex]:
    """The graph over vectors (N, D), read from the file if it is there, else built and kept; yields (done, total)."""
    import faiss  # takes a second to load, and few sets are this large

    if file is not None:
        with contextlib.suppress(RuntimeError, OSError):
            kept = faiss.read_index(str(file))
            mark_used(file)
            if kept.ntotal == len(vectors):
                return GraphIndex(kept)
    graph = faiss.IndexHNSWFlat(vectors.shape[1], LINKS)
    graph.hnsw.efConstruction = BUILD_WIDTH
    for start in range(0, len(vectors), ADDED_AT_ONCE):
        graph.add(np.ascontiguousarray(vectors[start : start + ADDED_AT_ONCE], np.float32))
        yield min(start + ADDED_AT_ONCE, len(vectors)), len(vectors)
    if file is not None:
        with contextlib.suppress(RuntimeError, OSError):  # a full disk costs only the keeping
            part = file.with_suffix(f".{os.getpid()}.part")
            faiss.write_index(graph, str(part))
            part.replace(file)
    return GraphIndex(graph)
