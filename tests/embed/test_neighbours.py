"""Neighbours against brute force and scikit-learn; the store on disk against a fresh pass."""

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.neighbors import NearestNeighbors

from viz_core.embed.features import describe, extract
from viz_core.embed.neighbours import SEEN, Neighbours
from viz_core.embed.search import nearest, precision_at, shared_units
from viz_core.errors import ConvscopeError
from viz_core.images.datasets import open_dataset
from viz_core.models import load
from viz_core.technique import finish

NETWORK = "random:squeezenet1_1"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    """A folder of two kinds of pictures, one file that is none."""
    noise = np.random.default_rng(0)
    for name, colour in (("red", (220, 30, 30)), ("green", (30, 200, 30))):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(20):
            pixels = np.clip(np.array(colour) + noise.normal(0, 40, (24, 24, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / name / f"{number:02}.png")
    (tmp_path / "set" / "red" / "99.png").write_bytes(b"no picture")
    return tmp_path / "set"


def drained(passing):
    while True:
        try:
            next(passing)
        except StopIteration as end:
            return end.value


def test_search_equals_scikit_learn():
    numbers = np.random.default_rng(1)
    vectors, queries = (
        numbers.normal(size=(500, 32)).astype(np.float32),
        numbers.normal(size=(20, 32)).astype(np.float32),
    )
    far, places = NearestNeighbors(n_neighbors=7, algorithm="brute").fit(vectors).kneighbors(queries)
    for query, expected, distance in zip(queries, places, far, strict=True):
        found, measured = nearest(query, vectors, 7)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_allclose(measured, distance, atol=1e-5)


def test_precision_by_counting():
    vectors = np.array([[0.0], [0.1], [0.2], [9.0], [9.1], [9.3]])
    assert precision_at(2, vectors, ["a", "a", "a", "b", "b", "b"]) == 1
    assert precision_at(1, vectors, ["a", "b", "a", "b", "b", "b"]) == pytest.approx(3 / 6)


def test_units_carry_the_cosine():
    one, other = np.array([3.0, 4.0, 0.0]), np.array([0.0, 4.0, 3.0])
    units, shares = shared_units(one, other, 3)
    assert units[0] == 1
    assert shares.sum() == pytest.approx(one @ other / 25)


def test_vectors_equal_the_means_of_the_maps(folder):
    network, pictures = load(NETWORK), open_dataset(f"folder:{folder}")
    features = drained(extract(network, pictures, "features.8", SEEN))
    index = int(features.pictures[7])
    x = torch.from_numpy(pictures.seen(index, SEEN).transpose(2, 0, 1)[None] / 255).float()
    expected = network.activations(x, "features.8")["features.8"][0].mean(dim=(1, 2)).numpy()
    np.testing.assert_allclose(features.values[7], expected, rtol=2e-3, atol=1e-5)  # half precision on disk
    assert len(features.pictures) == 40, "the file that is no picture is left out"


def test_a_stopped_pass_goes_on_and_a_finished_one_is_not_computed_again(folder, monkeypatch):
    network, pictures = load(NETWORK), open_dataset(f"folder:{folder}")
    whole = drained(extract(network, pictures, "features.2", SEEN))
    computed = []
    monkeypatch.setattr("viz_core.embed.features.describe", lambda *args: computed.append(1) or describe(*args))
    again = drained(extract(network, open_dataset(f"folder:{folder}"), "features.2", SEEN))
    np.testing.assert_array_equal(again.values, whole.values)
    assert not computed


def test_a_full_disk_costs_only_the_keeping(folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "file"))
    features = drained(extract(load(NETWORK), open_dataset(f"folder:{folder}"), "features.2", SEEN))
    assert len(features.values) == 40


def test_the_technique_finds_like_with_like(folder):
    result = finish(Neighbours(model=NETWORK, dataset=f"folder:{folder}", query=3, k=5).run())
    assert 3 not in result.arrays["features_indices"]
    labels = {row["label"] for row in result.tables["pixels"]}
    assert labels == {open_dataset(f"folder:{folder}").label(3)}
    assert result.scores["precision_pixels"] > 0.9
    shares = result.tables["features"][0]["shares"]
    assert shares == sorted(shares, reverse=True)


def test_a_picture_from_outside_may_ask(folder):
    result = finish(Neighbours(model=NETWORK, dataset=f"folder:{folder}", image="sample:coffee", k=3).run())
    assert len(result.arrays["features_indices"]) == 3


def test_a_picture_that_is_not_there_gets_a_sentence(folder):
    with pytest.raises(ConvscopeError, match="5000"):
        finish(Neighbours(model=NETWORK, dataset=f"folder:{folder}", query=5000).run())
