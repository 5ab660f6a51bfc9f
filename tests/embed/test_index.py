"""The approximate index against exact search; exact search against scikit-learn."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from viz_core.embed.index import ExactIndex, GraphIndex, build_graph
from viz_core.embed.search import nearest, neighbour_graph, precision, shared_units


def clustered(count: int, width: int, groups: int = 40) -> np.ndarray:
    numbers = np.random.default_rng(0)
    middles = numbers.normal(size=(groups, width))
    return (middles[numbers.integers(groups, size=count)] + numbers.normal(size=(count, width))).astype(np.float32)


def drained(building) -> GraphIndex:
    while True:
        try:
            next(building)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_search_equals_scikit_learn(kind):
    vectors = clustered(500, 32).astype(kind)
    queries = clustered(20, 32)
    far, places = NearestNeighbors(n_neighbors=7, algorithm="brute").fit(vectors.astype(np.float64)).kneighbors(queries)
    for query, expected, distance in zip(queries, places, far, strict=True):
        found, measured = nearest(query, vectors, 7)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_allclose(measured, distance, atol=1e-4)


def test_units_that_are_off_do_not_count():
    vectors = np.array([[0.0, 5.0], [1.0, 0.0]])
    assert nearest(np.zeros(2), vectors, 1)[0].tolist() == [1]
    assert ExactIndex(vectors, off=[1]).nearest(np.zeros(2), 1)[0].tolist() == [0]


def test_the_graph_of_neighbours_equals_scikit_learns(monkeypatch):
    monkeypatch.setattr("viz_core.embed.search.PAIRS", 5000)  # several blocks
    vectors = clustered(300, 16)
    found, far = neighbour_graph(vectors, 9)
    expected, places = NearestNeighbors(n_neighbors=9).fit(vectors).kneighbors()
    np.testing.assert_array_equal(found, places)
    np.testing.assert_allclose(far, expected, atol=1e-3)


def test_the_approximate_index_answers_as_the_exact_one(tmp_path):
    vectors = clustered(3000, 64)
    file = tmp_path / "kept.hnsw"
    graph = drained(build_graph(vectors, file))
    exact = ExactIndex(vectors)
    hits = []
    for query in vectors[::60] + 0.01:
        found, far = graph.nearest(query, 10)
        expected, truly = exact.nearest(query, 10)
        hits.append(len(set(found) & set(expected)) / 10)
        assert far[0] == pytest.approx(truly[0], abs=1e-3)
    assert np.mean(hits) > 0.97
    assert list(build_graph(vectors, file)) == [], "what is kept is not built again"


def test_precision_by_counting():
    vectors = np.array([[0.0], [0.1], [0.2], [9.0], [9.1], [9.3]])
    assert precision(2, vectors, ["a", "a", "a", "b", "b", "b"]).tolist() == [1, 1]
    assert precision(1, vectors, ["a", "b", "a", "b", "b", "b"]) == pytest.approx([3 / 6])


def test_units_carry_the_cosine():
    one, other = np.array([3.0, 4.0, 0.0]), np.array([1.0, 4.0, 3.0])
    units, shares = shared_units(one, other, 3)
    assert units[0] == 1
    np.testing.assert_allclose(shares, [16 / 19, 3 / 19, 0])
    assert shared_units(np.zeros(3), other, 1)[1] == [0]
