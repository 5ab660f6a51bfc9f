"""Neighbours of a set with known answers."""

import numpy as np
import pytest
import torch
from PIL import Image

from viz_core.embed.neighbours import Neighbours
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


def test_vectors_equal_the_means_of_the_maps(folder):
    network, pictures = load(NETWORK), open_dataset(f"folder:{folder}")
    technique = Neighbours(model=NETWORK, dataset=f"folder:{folder}", size=64)
    features = finish(technique.described(pictures, ["features.8"]))["features.8"]
    index = int(features.pictures[7])
    x = torch.from_numpy(pictures.seen(index, 64).transpose(2, 0, 1)[None] / 255).float()
    expected = network.activations(x, "features.8")["features.8"][0].mean(dim=(1, 2)).numpy()
    np.testing.assert_allclose(features.values[7], expected, rtol=2e-3, atol=1e-5)  # half precision on disk
    assert len(features.pictures) == 40, "the file that is no picture is left out"


def test_the_technique_finds_like_with_like(folder):
    result = finish(Neighbours(model=NETWORK, dataset=f"folder:{folder}", query=3, k=5).run())
    assert 3 not in result.arrays["features_indices"]
    labels = {row["label"] for row in result.tables["pixels"]}
    assert labels == {open_dataset(f"folder:{folder}").label(3)}
    assert result.arrays["precision_pixels"].shape == (5,)
    assert result.arrays["precision_pixels"].min() > 0.9
    shares = result.tables["features"][0]["shares"]
    assert shares == sorted(shares, reverse=True)


def test_a_picture_from_outside_may_ask(folder):
    result = finish(Neighbours(model=NETWORK, dataset=f"folder:{folder}", image="sample:coffee", k=3).run())
    assert len(result.arrays["features_indices"]) == 3


def test_a_picture_that_is_not_there_gets_a_sentence(folder):
    with pytest.raises(ConvscopeError, match="5000"):
        finish(Neighbours(model=NETWORK, dataset=f"folder:{folder}", query=5000).run())


def test_units_switched_off_change_the_neighbours_and_carry_nothing(folder):
    plain = Neighbours(model=NETWORK, dataset=f"folder:{folder}", query=3, k=5, layer="features.0")
    before = finish(plain.run())
    off = tuple({unit for row in before.tables["features"] for unit in row["units"]})
    after = finish(plain.model_copy(update={"off": off}).run())
    assert after.arrays["features_distances"][0] < before.arrays["features_distances"][0]
    assert not set(off) & {unit for row in after.tables["features"] for unit in row["units"]}
    np.testing.assert_array_equal(after.arrays["pixels_indices"], before.arrays["pixels_indices"])
    with pytest.raises(ConvscopeError, match="channel 64"):
        finish(plain.model_copy(update={"off": (64,)}).run())


def test_the_chosen_neighbour_is_explained_by_patches(folder):
    result = finish(Neighbours(model=NETWORK, dataset=f"folder:{folder}", query=3, k=5, why=2).run())
    second = result.tables["features"][1]
    assert [row["unit"] for row in result.tables["why"]] == second["units"]
    assert {row["neighbour"] for row in result.tables["why"]} == {second["picture"]}
    assert len([name for name in result.pictures if name.startswith("why_")]) == len(second["units"])


def test_what_cannot_be_read_is_listed(folder):
    result = finish(Neighbours(model=NETWORK, dataset=f"folder:{folder}", query=3).run())
    assert [row["title"] for row in result.tables["skipped"]] == ["red/99.png"]


@pytest.mark.parametrize("count", [1, 9])
def test_one_picture_and_identical_ones(tmp_path, count):
    for number in range(count):
        Image.new("RGB", (5, 5), (9, 9, 9)).save(tmp_path / f"{number}.png")
    plain = Neighbours(model=NETWORK, dataset=f"folder:{tmp_path}", k=3)
    assert len(finish(plain.run()).tables["features"]) == min(3, count)
    own = finish(plain.model_copy(update={"query": 0}).run())
    assert len(own.tables["features"]) == min(3, count - 1)
    assert own.arrays["features_distances"].max(initial=0) < 1e-2  # vectors are kept in half precision


def test_a_large_set_is_searched_through_a_graph(folder, monkeypatch):
    exact = finish(Neighbours(model=NETWORK, dataset=f"folder:{folder}", query=3, k=5).run())
    monkeypatch.setattr("viz_core.embed.neighbours.EXACT_UP_TO", 10)
    graph = finish(Neighbours(model=NETWORK, dataset=f"folder:{folder}", query=3, k=5).run())
    assert [one.scores["exact"] for one in (exact, graph)] == [True, False]
    np.testing.assert_array_equal(exact.arrays["features_indices"], graph.arrays["features_indices"])


def test_kept_positions_are_the_maps_themselves_and_units_stay_whole(folder):
    network, pictures = load(NETWORK), open_dataset(f"folder:{folder}")
    plain = Neighbours(model=NETWORK, dataset=f"folder:{folder}", size=64, query=3, k=5, layer="features.8", flat=True)
    before = finish(plain.run())
    x = torch.from_numpy(np.stack([pictures.seen(at, 64) for at in range(40)]).transpose(0, 3, 1, 2) / 255).float()
    known = network.activations(x, "features.8")["features.8"].flatten(1).numpy()
    apart = np.delete(np.linalg.norm(known - known[3], axis=1), 3)
    np.testing.assert_allclose(before.arrays["features_distances"], np.sort(apart)[:5], rtol=2e-3)
    channels = before.scores["width"]
    assert channels < known.shape[1]
    assert all(unit < channels for row in before.tables["features"] for unit in row["units"])
    off = tuple(before.tables["features"][0]["units"])
    after = finish(plain.model_copy(update={"off": off}).run())
    on = np.delete(np.arange(known.shape[1]).reshape(channels, -1), off, axis=0).ravel()
    expected = np.sort(np.delete(np.linalg.norm((known - known[3])[:, on], axis=1), 3))[:5]
    np.testing.assert_allclose(after.arrays["features_distances"], expected, rtol=2e-3)


def test_positions_of_too_many_pictures_get_a_sentence(folder, monkeypatch):
    monkeypatch.setattr("viz_core.embed.features.MOST_NUMBERS", 40 * 100)
    with pytest.raises(ConvscopeError, match="All positions"):
        finish(Neighbours(model=NETWORK, dataset=f"folder:{folder}", layer="features.8", flat=True).run())
