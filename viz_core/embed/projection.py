"""From many dimensions to two: PCA at once, t-SNE step by step, UMAP; and how much of the neighbourhoods survives."""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, TimeoutError

import numpy as np
from openTSNE import TSNEEmbedding, affinity
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

EXAGGERATED = 0.25  # share of the t-SNE steps under early exaggeration
CHUNK = 10  # t-SNE steps between two pictures
KEPT_AT = 10
PCA_FIRST = 50  # dimensions that t-SNE and UMAP start from, as van der Maaten & Hinton advise


def pca(vectors: np.ndarray, dimensions: int = 2) -> np.ndarray:
    """The vectors (N, D) on their principal components, (N, dimensions), float64."""
    dimensions = min(dimensions, *vectors.shape)
    flat = PCA(dimensions, svd_solver="full" if min(vectors.shape) < 500 else "randomized", random_state=0)
    return flat.fit_transform(vectors.astype(np.float64))


def start_from(vectors: np.ndarray) -> np.ndarray:
    """The first two principal components, as small as t-SNE wants its start: standard deviation 1e-4."""
    points = _two_columns(pca(vectors))
    return points / max(float(points[:, 0].std()), 1e-12) * 1e-4


def _two_columns(points: np.ndarray) -> np.ndarray:
    return points if points.shape[1] == 2 else np.pad(points, ((0, 0), (0, 2 - points.shape[1])))


def tsne(vectors: np.ndarray, perplexity: float, exaggeration: float, steps: int, seed: int) -> Iterator[np.ndarray]:
    """The map (N, 2) after every ten steps of t-SNE; the first quarter of them under early exaggeration.

    van der Maaten & Hinton 2008; the implementation is openTSNE's (Poličar et al. 2019).
    """
    small = pca(vectors, PCA_FIRST)
    perplexity = min(perplexity, (len(vectors) - 1) / 3)
    affinities = affinity.PerplexityBasedNN(small, perplexity=perplexity, method="exact", random_state=seed, n_jobs=1)
    embedding = TSNEEmbedding(
        start_from(vectors), affinities, negative_gradient_method="auto", random_state=seed, n_jobs=1
    )
    for first in range(0, steps, CHUNK):
        early = first < EXAGGERATED * steps
        options = {"exaggeration": exaggeration, "momentum": 0.5} if early else {"momentum": 0.8}
        embedding = embedding.optimize(n_iter=min(CHUNK, steps - first), **options)
        yield np.array(embedding)


def umap(vectors: np.ndarray, neighbours: int, min_dist: float, seed: int) -> np.ndarray:
    """The UMAP of the vectors, (N, 2), from their principal components. McInnes, Healy & Melville 2018."""
    from umap import UMAP  # compiles for seconds, and few people come this way

    small = pca(vectors, PCA_FIRST)
    start = 10 * start_from(vectors) / 1e-4 / 4
    mapper = UMAP(
        n_neighbors=min(neighbours, len(vectors) - 1), min_dist=min_dist, init=start, random_state=seed, n_jobs=1
    )
    return mapper.fit_transform(small)


def kept_neighbours(vectors: np.ndarray, points: np.ndarray, k: int = KEPT_AT) -> np.ndarray:
    """For each picture the share of its k nearest by the vectors that are among its k nearest on the map: (N,) in [0, 1]."""
    k = min(k, len(vectors) - 1)
    true, shown = (
        NearestNeighbors(n_neighbors=k).fit(space).kneighbors(return_distance=False) for space in (vectors, points)
    )
    return np.array([len(np.intersect1d(a, b)) / k for a, b in zip(true, shown, strict=True)])


def unit_square(points: np.ndarray) -> np.ndarray:
    """Points (N, 2) moved and scaled, both axes alike, into the unit square, in the middle of it."""
    low, high = points.min(axis=0), points.max(axis=0)
    extent = max(float((high - low).max()), 1e-12)
    return (points - (low + high) / 2) / extent + 0.5


def waiting(work: Callable[[], np.ndarray]) -> Generator[None, None, np.ndarray]:
    """Do one long piece of work on a thread of its own and yield while it lasts; returns what it returns."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="map")
    future = pool.submit(work)
    pool.shutdown(wait=False)
    while True:
        try:
            return future.result(timeout=0.1)
        except TimeoutError:
            yield
