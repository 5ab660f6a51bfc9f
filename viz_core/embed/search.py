"""Exact nearest neighbours by Euclidean distance, and how well they agree with the labels."""

from collections.abc import Sequence

import numpy as np


def distances(query: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Euclidean distance of a query (D,) to each of the vectors (N, D), in double precision: (N,)."""
    return np.linalg.norm(vectors.astype(np.float64) - query.astype(np.float64), axis=1)


def nearest(
    query: np.ndarray, vectors: np.ndarray, k: int, leave_out: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Places (k,) and distances (k,) of the nearest vectors, nearest first; equal ones in the order of the set."""
    far = distances(query, vectors)
    if leave_out is not None:
        far[leave_out] = np.inf
    order = np.argsort(far, kind="stable")[: min(k, len(vectors) - (leave_out is not None))]
    return order, far[order]


def precision_at(k: int, vectors: np.ndarray, labels: Sequence[str]) -> float:
    """Share of each vector's k nearest others that carry its label, averaged over all."""
    names = np.asarray(labels)
    square = (vectors.astype(np.float64) ** 2).sum(axis=1)
    hits = 0.0
    for start in range(0, len(vectors), 512):
        block = slice(start, start + 512)
        far = square[block, None] + square[None] - 2 * vectors[block].astype(np.float64) @ vectors.T.astype(np.float64)
        rows = np.arange(far.shape[0])
        far[rows, start + rows] = np.inf
        close = np.argpartition(far, k - 1, axis=1)[:, :k]
        hits += float((names[close] == names[block, None]).mean(axis=1).sum())
    return hits / len(vectors)


def shared_units(one: np.ndarray, other: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The units that carry most of the cosine of two vectors (D,): their places and shares of it, greatest first."""
    shares = one.astype(np.float64) * other.astype(np.float64)
    norm = np.linalg.norm(one.astype(np.float64)) * np.linalg.norm(other.astype(np.float64))
    shares = shares / norm if norm > 0 else shares
    order = np.argsort(-shares, kind="stable")[:count]
    return order, shares[order]
