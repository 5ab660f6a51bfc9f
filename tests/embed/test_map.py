"""Maps against scikit-learn and scipy."""

import itertools

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, trustworthiness
from sklearn.neighbors import NearestNeighbors

from viz_core.embed.map import Map
from viz_core.embed.mosaic import assigned, scattered
from viz_core.embed.projection import Arranging, kept_neighbours, landed, pca, plane, umap, unit_square
from viz_core.embed.search import neighbour_graph
from viz_core.errors import ConvscopeError
from viz_core.technique import finish


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:400].astype(np.float32)


def test_pca_equals_scikit_learn_to_the_sign(digits):
    ours, theirs = pca(digits, 5), PCA(5).fit_transform(digits)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), rtol=1e-4, atol=1e-3)


def test_tsne_is_as_good_as_scikit_learns(digits):
    graph = neighbour_graph(digits, 90)
    *_, ours = Arranging(graph, plane(digits), perplexity=30, exaggeration=12, steps=500)
    theirs = TSNE(perplexity=30, max_iter=500, init="pca", random_state=0).fit_transform(digits)
    assert trustworthiness(digits, ours, n_neighbors=10) > 0.98 * trustworthiness(digits, theirs, n_neighbors=10)
    assert kept_neighbours(graph[0], ours).mean() > 0.98 * kept_neighbours(graph[0], theirs).mean()


def test_tsne_left_and_taken_up_again_ends_the_same(digits):
    graph, start = neighbour_graph(digits[:60], 30), plane(digits[:60])
    *_, whole = Arranging(graph, start, 10, 12, 60)
    moving = Arranging(graph, start, 10, 12, 60)
    first, second = itertools.islice(moving, 2)
    assert np.abs(first - second).max() > 0
    *_, resumed = moving
    np.testing.assert_array_equal(resumed, whole)


def test_umap_keeps_more_neighbours_than_pca(digits):
    small = digits[:200]
    graph, start = neighbour_graph(small, 15), plane(small)
    assert kept_neighbours(graph[0], umap(graph, start, 15, 0.1, 0)).mean() > kept_neighbours(graph[0], start).mean()


def test_kept_neighbours_by_hand():
    line = np.arange(6.0)[:, None] * [1.0, 0.01]
    true, _ = neighbour_graph(line, 2)
    assert kept_neighbours(true, line, k=2).tolist() == [1] * 6
    assert kept_neighbours(true, line[[5, 1, 2, 3, 4, 0]], k=2)[0] < 1
    assert kept_neighbours(true, np.zeros((6, 2)), k=2).max() <= 1


def test_kept_neighbours_against_scikit_learn(digits):
    graph, points = neighbour_graph(digits, 10), plane(digits)
    shown = NearestNeighbors(n_neighbors=10).fit(points).kneighbors(return_distance=False)
    expected = [len(set(true) & set(found)) / 10 for true, found in zip(graph[0], shown, strict=True)]
    np.testing.assert_allclose(kept_neighbours(graph[0], points), expected)


def test_a_new_picture_lands_among_its_nearest():
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_allclose(landed(np.array([1]), np.array([0.0]), points), [1, 0])
    np.testing.assert_allclose(landed(np.array([0, 1]), np.array([1.0, 1.0]), points), [0.5, 0])


def test_the_grid_is_the_best_of_all_assignments():
    points = np.random.default_rng(2).normal(size=(9, 2))
    pictures, side = assigned(points)
    assert sorted(pictures) == list(range(9))
    middles = np.array([[(c + 0.5) / 3, 1 - (r + 0.5) / 3] for r in range(3) for c in range(3)])
    places = unit_square(points)

    def cost(order) -> float:
        return float(((middles - places[list(order)]) ** 2).sum())

    assert side == 3
    assert cost(pictures) == pytest.approx(min(map(cost, itertools.permutations(range(9)))))


def test_pictures_are_pasted_where_their_points_are():
    tiles = np.zeros((2, 4, 4, 3), np.uint8)
    sheet = scattered(np.array([[0.0, 0.0], [1.0, 1.0]]), tiles, 40)
    assert (sheet[36:, :4] == 0).all()
    assert (sheet[:4, 36:] == 0).all()
    assert (sheet[10:30, 10:30] == 255).all()


@pytest.fixture
def folder(tmp_path):
    noise = np.random.default_rng(0)
    for name, colour in (("red", (220, 30, 30)), ("blue", (30, 30, 220))):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(15):
            pixels = np.clip(np.array(colour) + noise.normal(0, 30, (20, 20, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / name / f"{number:02}.png")
    return tmp_path / "set"


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_a_set_becomes_a_map(folder, method):
    technique = Map(model="random:squeezenet1_1", dataset=f"folder:{folder}", method=method, perplexity=5, steps=60)
    result = finish(technique.run())
    assert result.arrays["map"].shape == (30, 2)
    assert np.isfinite(result.arrays["map"]).all()
    assert result.arrays["grid"].shape == (5, 5)
    assert 0 < result.scores["kept"] <= 1


def stopped_after(technique, done: int):
    """The result of a run that is asked to end once so many steps are done."""
    run = technique.run()
    step = next(run)
    while step.preview is None or step.done < done:
        step = next(run)
    with pytest.raises(StopIteration) as end:
        run.send(True)
    return end.value.value


def test_stop_keeps_the_map_and_the_next_start_goes_on_from_it(folder):
    technique = Map(model="random:squeezenet1_1", dataset=f"folder:{folder}", perplexity=5, steps=60)
    assert stopped_after(technique, 0).arrays["map"].shape == (30, 2)
    whole = finish(technique.run()).arrays["map"]
    stopped = stopped_after(technique, 30)
    assert np.abs(stopped.arrays["map"] - whole).max() > 0
    steps = [step.done for step in technique.run()]
    assert {10, 20, 30} & set(steps) == set(), "the first steps are not taken again"
    again = stopped_after(technique, 30)
    np.testing.assert_array_equal(again.arrays["map"], stopped.arrays["map"])
    np.testing.assert_array_equal(finish(technique.run()).arrays["map"], whole)


def test_a_grid_of_many_takes_pictures_from_all_over():
    points = np.random.default_rng(0).normal(size=(500, 2))
    cells, side = assigned(points, most=100)
    assert side == 10
    assert len(set(cells)) == 100
    assert cells.max() == 499


def test_identical_pictures_and_too_few_do_no_harm(tmp_path):
    for number in range(9):
        Image.new("RGB", (4, 4), (9, 9, 9)).save(tmp_path / f"{number}.png")
    technique = Map(model="random:squeezenet1_1", dataset=f"folder:{tmp_path}", perplexity=2, steps=20)
    assert np.isfinite(finish(technique.run()).arrays["map"]).all()
    for number in range(5):
        (tmp_path / f"{number}.png").unlink()
    with pytest.raises(ConvscopeError, match="at least 8"):
        finish(technique.model_copy(update={"dataset": f"folder:{tmp_path}/"}).run())
