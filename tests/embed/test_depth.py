"""Maps of every depth: which stages, purity against counting, and Stop."""

import numpy as np
import pytest
from PIL import Image
from sklearn.neighbors import NearestNeighbors

from viz_core.embed.depth import Depth, stages
from viz_core.images.datasets import open_dataset
from viz_core.models import load
from viz_core.technique import finish


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))
    noise = np.random.default_rng(0)
    for name in ("one", "two"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(10):
            pixels = noise.integers(0, 120 if name == "one" else 255, (24, 24, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / name / f"{number}.png")
    return f"folder:{tmp_path / 'set'}"


@pytest.mark.parametrize(("name", "side"), [("bundled", 64), ("random:resnet18", 112), ("random:alexnet", 112)])
def test_stages_go_from_the_first_layers_to_the_answer(name, side):
    network = load(name)
    found = stages(network, side)
    order = network.layer_names
    assert [order.index(layer) for layer in found] == sorted(order.index(layer) for layer in found)
    assert found[-1] == order[-1]
    assert 4 <= len(found) <= 7


def test_each_depth_has_a_map_and_a_purity(folder):
    result = finish(Depth(model="random:squeezenet1_1", dataset=folder, size=64, perplexity=3, steps=20).run())
    frames = result.tables["frames"]
    assert result.arrays["maps"].shape == (len(frames), 20, 2)
    assert frames[0]["name"] == "pixels"
    assert np.isfinite(result.arrays["maps"]).all()
    found = NearestNeighbors(n_neighbors=10).fit(result.arrays["vectors"].astype(np.float32)).kneighbors()[1]
    pictures = open_dataset(folder)
    labels = np.array([pictures.label(index) for index in result.arrays["pictures"]])
    assert result.arrays["purity"][-1] == pytest.approx((labels[found] == labels[:, None]).mean(), abs=0.02)


def test_stop_keeps_the_maps_so_far_and_only_some_pictures_are_read(folder):
    run = Depth(model="random:squeezenet1_1", dataset=folder, size=64, perplexity=3, steps=20, count=9).run()
    step = next(run)
    while step.done < 30:
        step = next(run)
    with pytest.raises(StopIteration) as end:
        run.send(True)
    result = end.value.value
    assert len(result.arrays["maps"]) == len(result.arrays["purity"]) == 2
    assert len(result.arrays["pictures"]) == 9
