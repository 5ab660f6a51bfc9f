"""From many dimensions to two: PCA at once, t-SNE step by step, UMAP; and how much of the neighbourhoods survives.

One exact graph of neighbours feeds t-SNE, UMAP and the measure of what is kept.
"""

import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from typing import TypeVar

import numpy as np
from openTSNE import TSNEEmbedding, affinity
from openTSNE.nearest_neighbors import PrecomputedNeighbors
from scipy.spatial import cKDTree
from sklearn.decomposition import PCA

EXAGGERATED = 0.25  # share of the t-SNE steps under early exaggeration
CHUNK, LARGE_CHUNK, LARGE = 10, 5, 6000  # t-SNE steps between two pictures, in maps of so many points fewer
KEPT_AT = 10
NEAREST = 5  # that say where a new picture lands

Graph = tuple[np.ndarray, np.ndarray]  # places and distances of each point's nearest others, (N, k) each
T = TypeVar("T")

_compiling = threading.Lock()  # two UMAPs that compile at once can end the process


def pca(vectors: np.ndarray, dimensions: int = 2) -> np.ndarray:
    """The vectors (N, D) on their principal components, (N, dimensions), float64."""
    dimensions = min(dimensions, *vectors.shape)
    flat = PCA(dimensions, svd_solver="full" if min(vectors.shape) < 500 else "randomized", random_state=0)
    return flat.fit_transform(vectors.astype(np.float64))


def plane(vectors: np.ndarray) -> np.ndarray:
    """The vectors (N, D) on their first two principal components, (N, 2); where there is only one, on a line."""
    points = pca(vectors)
    return points if points.shape[1] == 2 else np.pad(points, ((0, 0), (0, 2 - points.shape[1])))


def shrunk(points: np.ndarray) -> np.ndarray:
    """A map as small as t-SNE wants its start: standard deviation 1e-4."""
    return points / max(float(points[:, 0].std()), 1e-12) * 1e-4


def chunk(count: int) -> int:
    """t-SNE steps between two pictures of a map of so many points."""
    return CHUNK if count <= LARGE else LARGE_CHUNK


def neighbours_for(perplexity: float, count: int) -> int:
    """How many neighbours t-SNE wants of each of `count` points."""
    return max(1, min(int(3 * perplexity), count - 1))


class Arranging:
    """t-SNE as something that can be watched, left and taken up again where it was, with the same outcome.

    van der Maaten & Hinton 2008; the implementation is openTSNE's (Poličar et al. 2019).
    """

    def __init__(self, graph: Graph, start: np.ndarray, perplexity: float, exaggeration: float, steps: int) -> None:
        """`start`: (N, 2), of any scale."""
        count = len(start)
        k = neighbours_for(perplexity, count)
        nearest = PrecomputedNeighbors(graph[0][:, :k], graph[1][:, :k].astype(np.float64))
        affinities = affinity.PerplexityBasedNN(perplexity=k / 3, knn_index=nearest, n_jobs=1)
        self._embedding = TSNEEmbedding(
            shrunk(start), affinities, negative_gradient_method="auto", random_state=0, n_jobs=1
        )
        self._exaggeration = exaggeration
        self.steps, self.done = steps, 0

    def __iter__(self) -> Iterator[np.ndarray]:
        """The map (N, 2) after every few steps; the first quarter of them under early exaggeration."""
        while self.done < self.steps:
            early = self.done < EXAGGERATED * self.steps
            options = {"exaggeration": self._exaggeration, "momentum": 0.5} if early else {"momentum": 0.8}
            taken = min(chunk(len(self._embedding)), self.steps - self.done)
            self._embedding = self._embedding.optimize(n_iter=taken, **options)
            self.done += taken
            yield np.array(self._embedding)


def umap(graph: Graph, start: np.ndarray, neighbours: int, min_dist: float, seed: int) -> np.ndarray:
    """The UMAP (N, 2) of a graph with at least `neighbours` others of each point. McInnes, Healy & Melville 2018."""
    from umap import UMAP  # compiles for seconds, and few people come this way

    count = len(start)
    others = min(neighbours, count - 1) - 1
    itself = np.arange(count)[:, None]
    found = np.concatenate([itself, graph[0][:, :others]], axis=1)
    far = np.concatenate([np.zeros((count, 1), np.float32), graph[1][:, :others].astype(np.float32)], axis=1)
    with _compiling:
        mapper = UMAP(
            n_neighbors=found.shape[1],
            min_dist=min_dist,
            init=2.5 * shrunk(start) / 1e-4,
            random_state=seed,
            n_jobs=1,
            precomputed_knn=(found, far),
            force_approximation_algorithm=True,
        )
        return mapper.fit_transform(np.zeros((count, 1), np.float32))


def kept_neighbours(true: np.ndarray, points: np.ndarray, k: int = KEPT_AT) -> np.ndarray:
    """For each point the share of its k nearest, given as places (N, >= k), that are among its k nearest on the map: (N,)."""
    k = min(k, true.shape[1])
    _, shown = cKDTree(points).query(points, k + 1)
    others = shown != np.arange(len(points))[:, None]
    others[others.all(axis=1), -1] = False  # points upon each other may hide one from itself
    shown = shown[others].reshape(len(points), k)
    return (true[:, :k, None] == shown[:, None]).any(axis=2).mean(axis=1)


def landed(places: np.ndarray, distances: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Where a new picture lands on a map: the mean of its nearest ones' points, by inverse squared distance: (2,)."""
    weights = 1 / np.maximum(distances.astype(np.float64), 1e-6) ** 2
    return (points[places] * weights[:, None]).sum(axis=0) / weights.sum()


def unit_square(points: np.ndarray) -> np.ndarray:
    """Points (N, 2) moved and scaled, both axes alike, into the unit square, in the middle of it."""
    low, high = points.min(axis=0), points.max(axis=0)
    extent = max(float((high - low).max()), 1e-12)
    return (points - (low + high) / 2) / extent + 0.5


def waiting(work: Callable[[], T]) -> Generator[None, None, T]:
    """Do one long piece of work on a thread of its own and yield while it lasts; returns what it returns."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="map")
    future = pool.submit(work)
    pool.shutdown(wait=False)
    while True:
        try:
            return future.result(timeout=0.1)
        except TimeoutError:
            yield
