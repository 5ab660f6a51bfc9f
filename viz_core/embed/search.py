"""Exact nearest neighbours by Euclidean distance, and how well they agree with the labels."""

from collections.abc import Sequence

import numpy as np

BLOCK = 4096  # vectors at a time
PAIRS = 4_000_000  # distances at a time
MOST_QUERIES = 2000  # of which a precision is the mean


def distances(query: np.ndarray, vectors: np.ndarray, off: Sequence[int] = ()) -> np.ndarray:
    """Euclidean distance of a query (D,) to each of the vectors (N, D), in single precision: (N,); units `off` left out."""
    on = np.ones(vectors.shape[1], np.float32)
    on[list(off)] = 0
    far = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), BLOCK):
        apart = (vectors[start : start + BLOCK].astype(np.float32) - query.astype(np.float32)) * on
        far[start : start + BLOCK] = np.sqrt(np.einsum("nd,nd->n", apart, apart))
    return far


def nearest(query: np.ndarray, vectors: np.ndarray, k: int, off: Sequence[int] = ()) -> tuple[np.ndarray, np.ndarray]:
    """Places (k,) and distances (k,) of the nearest vectors, nearest first; equal ones in the order of the set."""
    order = np.argsort(distances(query, vectors, off), kind="stable")[:k]
    apart = np.delete(vectors[order].astype(np.float64) - query, list(off), axis=1)
    return order, np.linalg.norm(apart, axis=1)


def neighbour_graph(vectors: np.ndarray, k: int, queries: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest others of each vector, or of those at the places `queries`: places and distances, (N, k), exact."""
    vectors = np.ascontiguousarray(vectors, np.float32)
    queries = np.arange(len(vectors)) if queries is None else queries
    k = min(k, len(vectors) - 1)
    square = np.einsum("nd,nd->n", vectors, vectors)
    found = np.empty((len(queries), k), np.intp)
    far = np.empty((len(queries), k), np.float32)
    rows_at_once = max(1, PAIRS // len(vectors))
    for start in range(0, len(queries), rows_at_once):
        places = queries[start : start + rows_at_once]
        apart = square[places, None] + square[None] - 2 * vectors[places] @ vectors.T
        rows = np.arange(len(places))[:, None]
        apart[rows[:, 0], places] = np.inf
        close = np.argpartition(apart, k - 1, axis=1)[:, :k]
        order = np.argsort(apart[rows, close], axis=1, kind="stable")
        found[start : start + rows_at_once] = close[rows, order]
        far[start : start + rows_at_once] = np.sqrt(np.maximum(apart[rows, close[rows, order]], 0))
    return found, far


def precision(most: int, vectors: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """For k = 1 ... most the share of a vector's k nearest others that carry its label: (most,), precision at k.

    The mean over all vectors, or over 2,000 spread evenly where there are more.
    """
    names = np.unique(np.asarray(labels), return_inverse=True)[1]
    step = -(-len(vectors) // MOST_QUERIES)
    queries = np.arange(0, len(vectors), step)
    found, _ = neighbour_graph(vectors, most, queries)
    hits = names[found] == names[queries, None]
    return hits.cumsum(axis=1).mean(axis=0) / np.arange(1, found.shape[1] + 1)


def shared_units(
    one: np.ndarray, other: np.ndarray, count: int, units: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The units that carry most of the cosine of two vectors (D,): their places and shares of it, greatest first.

    Each of the `units` has D / units numbers one after the other; None: every number is a unit.
    """
    shares = (one.astype(np.float64) * other.astype(np.float64)).reshape(units or len(one), -1).sum(axis=1)
    total = float(shares.sum())
    shares = shares / total if total > 0 else np.zeros_like(shares)
    order = np.argsort(-shares, kind="stable")[:count]
    return order, shares[order]
