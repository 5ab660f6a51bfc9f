"""Patches against brute force over all pictures, receptive fields against gradients, and passes that stop and go on."""

import shutil
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from viz_core import models
from viz_core.cache_folder import cache_folder
from viz_core.images.intake import Picture
from viz_core.images.picture_set import PictureSet, digest_of
from viz_core.look import patches
from viz_core.look.patches import KEPT, Found, Patches, default_layer
from viz_core.look.recording import Shelf, record, visiting_order
from viz_core.look.topk import Record
from viz_core.models.graph import GraphModel
from viz_core.technique import Result, Step

NETWORK = "random:squeezenet1_1"
SIDE = 48
LAYERS = ("features.0", "features.3.squeeze", "features.4.expand3x3")


def some_pictures(count: int, seed: int = 0) -> PictureSet:
    """Blurred noise of many sizes, every tenth one the same so that there are ties."""

    def load(index: int, kept_side: int) -> Picture:
        random = np.random.default_rng(seed + (0 if index % 10 == 0 else index))
        height, width = random.integers(20, 40, 2)
        return Picture(np.kron(random.integers(0, 256, (height, width, 3), np.uint8), np.ones((3, 3, 1), np.uint8)))

    titles = tuple(f"noise {index}" for index in range(count))
    return PictureSet(f"noise {seed}", digest_of((*titles, str(seed))), titles, None, load)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path))


@pytest.fixture
def noise(monkeypatch) -> PictureSet:
    found = some_pictures(40)
    monkeypatch.setattr(patches, "open_dataset", lambda ref: found)
    return found


def drive(technique: Patches, stop_after: int | None = None) -> tuple[Result, list[Step]]:
    steps: list[Step] = []
    run = technique.run()
    stop = None
    while True:
        try:
            steps.append(run.send(stop))
        except StopIteration as end:
            return end.value, steps
        stop = (stop_after is not None and len(steps) >= stop_after) or None


def look(**given) -> Result:
    return drive(Patches(**{"model": NETWORK, "size": SIDE, "image": "sample:coffee", **given}))[0]


def counted_reads(monkeypatch) -> list[int]:
    """The numbers of all pictures that passes read from now on."""
    read: list[int] = []
    real = PictureSet.batches

    def counted(self: PictureSet, *args, **given) -> Iterator:
        for indices, x in real(self, *args, **given):
            read.extend(indices)
            yield indices, x

    monkeypatch.setattr(PictureSet, "batches", counted)
    return read


def all_maps(found: PictureSet, layer: str) -> np.ndarray:
    """The layer's maps (N, C, H, W) of every picture, one at a time."""
    network = models.load(NETWORK)
    with torch.inference_mode():
        return np.concatenate(
            [network.activations(x, layer)[layer].numpy() for _, x in found.batches(SIDE, 1)],
        )


def test_the_records_of_five_hundred_pictures_equal_brute_force():
    found, network, side = some_pictures(500), models.load(NETWORK), 32
    empty = {layer: Record.empty(KEPT, network.layer(layer).shape[0]) for layer in LAYERS}
    *_, records = record(network, found, side, 16, len(found), empty)
    order = visiting_order(len(found))
    with torch.inference_mode():
        parts = [network.activations(x, LAYERS) for _, x in found.batches(side, 50)]
    for layer in LAYERS:
        flat = torch.cat([part[layer].flatten(2) for part in parts]).numpy()
        peaks, top = flat.max(2), records[layer].most
        np.testing.assert_allclose(top.values, np.sort(peaks, axis=0)[::-1][:KEPT], rtol=1e-4, atol=1e-5)
        channels = np.broadcast_to(np.arange(flat.shape[1]), top.images.shape)
        np.testing.assert_allclose(flat[order[top.images], channels, top.places], top.values, rtol=1e-4, atol=1e-5)
        assert all(len(set(column)) == KEPT for column in top.images.T)


def test_a_result_names_pictures_and_places_in_the_data_set(noise):
    result = look(layer="features.3.squeeze")
    maps = all_maps(noise, "features.3.squeeze")
    flat = maps.reshape(*maps.shape[:2], -1)
    values, indices, places = (result.arrays[name] for name in ("values", "indices", "places"))
    channels = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    np.testing.assert_allclose(flat[indices, channels, places], values, rtol=1e-4, atol=1e-5)


def test_a_record_does_not_grow_with_the_number_of_pictures():
    random, sizes = np.random.default_rng(0), set()
    kept = Record.empty(KEPT, 8)
    for number in range(200):
        extremes = random.normal(size=(5, 8)).astype(np.float32), random.integers(0, 16, (5, 8))
        kept = kept.add(np.arange(5) + 5 * number, extremes, extremes)
        sizes.add(sum(array.nbytes for array in kept.to_arrays().values()))
    assert len(sizes) == 1


def test_the_table_tells_the_least_exciting_ones(noise):
    result = look(layer="features.0", channel=3)
    lowest = all_maps(noise, "features.0")[:, 3].min(axis=(1, 2))
    np.testing.assert_allclose([row["value"] for row in result.tables["least"]], np.sort(lowest)[:KEPT], rtol=1e-4)


@pytest.mark.parametrize("name", ["alexnet", "squeezenet1_1", "resnet18"])
def test_a_patch_holds_all_that_reaches_its_unit(name, noise):
    network = models.load(f"random:{name}")
    layer = network.layer(default_layer(network), (96, 96))
    x = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(1)).requires_grad_()
    values = network.activations(x, layer.name)[layer.name]
    for place in (0, values[0, 0].numel() // 2, values[0, 0].numel() - 1):
        (gradient,) = torch.autograd.grad(values[0, 1].flatten()[place], x, retain_graph=True)
        touched = gradient[0].abs().sum(0).numpy() > 0
        top, left, bottom, right = patches.inside(patches.box_of(layer, place, 96), 96, 96)
        assert touched[top:bottom, left:right].any()
        touched[top:bottom, left:right] = False
        assert not touched.any()


def test_a_stopped_pass_tells_what_it_has_and_goes_on_later(noise, monkeypatch):
    fresh, steps = drive(Patches(model=NETWORK, size=SIDE, image="sample:coffee", layer="features.4.expand3x3"))
    for file in cache_folder().rglob("*.npz"):
        file.unlink()
    stopped, _ = drive(
        Patches(model=NETWORK, size=SIDE, image="sample:coffee", layer="features.4.expand3x3"), stop_after=3
    )
    assert 0 < stopped.scores["seen"] < len(noise)
    batches = counted_reads(monkeypatch)
    later = look(layer="features.4.expand3x3")
    assert len(batches) == len(noise) - stopped.scores["seen"]
    for name in ("values", "indices", "places", "histogram"):
        np.testing.assert_array_equal(later.arrays[name], fresh.arrays[name])
    batches.clear()
    again, few = drive(Patches(model=NETWORK, size=SIDE, image="sample:coffee", layer="features.4.expand3x3"))
    assert not batches
    assert len(few) < len(steps)
    np.testing.assert_array_equal(again.arrays["values"], fresh.arrays["values"])


def test_a_killed_pass_goes_on_from_what_was_saved_last(noise, monkeypatch, tmp_path):
    monkeypatch.setattr(patches, "SAVED_EVERY", 2)  # batches of eight pictures
    fresh = look(layer="features.3.squeeze", pictures=40)
    shutil.rmtree(cache_folder())
    run = Patches(model=NETWORK, size=SIDE, layer="features.3.squeeze").run()
    for _ in range(3):
        next(run)
    (saved,) = cache_folder().rglob("*.npz")
    shutil.copytree(cache_folder(), tmp_path / "as it was when the process was killed")
    run.close()
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "as it was when the process was killed"))
    read = counted_reads(monkeypatch)
    later = look(layer="features.3.squeeze")
    assert saved.stem.endswith("-16")
    assert sorted(read) == sorted(visiting_order(len(noise))[16:])
    np.testing.assert_array_equal(later.arrays["values"], fresh.arrays["values"])
    np.testing.assert_array_equal(later.arrays["indices"], fresh.arrays["indices"])


def test_a_finished_layer_is_not_computed_again_for_another_one(noise, monkeypatch):
    first = look(layer="features.0")
    asked: set[str] = set()
    real = GraphModel.activations

    def noted(self: GraphModel, x: torch.Tensor, layers: tuple[str, ...] | str) -> dict[str, torch.Tensor]:
        asked.update((layers,) if isinstance(layers, str) else layers)
        return real(self, x, layers)

    monkeypatch.setattr(GraphModel, "activations", noted)
    second = drive(Patches(model=NETWORK, size=SIDE, layer="features.3.squeeze", also=("features.0",)))[0]
    assert asked == {"features.3.squeeze"}
    assert second.scores["seen"] == len(noise)
    np.testing.assert_array_equal(look(layer="features.0").arrays["values"], first.arrays["values"])


def test_a_closed_run_keeps_what_it_has(noise):
    run = Patches(model=NETWORK, size=SIDE, layer="features.0").run()
    next(run)
    next(run)
    run.close()
    (file,) = cache_folder().rglob("*.npz")
    assert int(file.stem.rpartition("-")[2]) > 0


def test_fewer_pictures_first_then_more_go_on_from_there(noise):
    small = look(layer="features.0", pictures=24)
    assert small.scores["seen"] == 24
    large = look(layer="features.0")
    assert large.scores["seen"] == 40
    np.testing.assert_array_equal(look(layer="features.0", pictures=24).arrays["values"], small.arrays["values"])
    peaks = all_maps(noise, "features.0").max(axis=(2, 3))
    np.testing.assert_allclose(small.arrays["values"][0], peaks[visiting_order(40)[:24]].max(0), rtol=1e-4)


def test_more_layers_are_recorded_in_the_same_pass(noise):
    alone = look(layer="features.3.squeeze")
    for file in cache_folder().rglob("*.npz"):
        file.unlink()
    look(layer="features.0", also=("features.3.squeeze",))
    later, steps = drive(Patches(model=NETWORK, size=SIDE, image="sample:coffee", layer="features.3.squeeze"))
    assert all(step.done > len(noise) for step in steps)
    np.testing.assert_allclose(later.arrays["values"], alone.arrays["values"], rtol=1e-5)


def test_a_broken_file_counts_as_not_there(tmp_path):
    shelf = Shelf(tmp_path, "key")
    shelf.save(Record.empty(2, 3))
    assert shelf.load(10).seen == 0
    shelf.path(5).write_bytes(b"PK\x03\x04 broken")
    assert shelf.load(10).seen == 0
    shelf.path(0).write_bytes(b"")
    assert shelf.load(10) is None
    assert Shelf(tmp_path, "other").load(10) is None


def test_a_folder_that_cannot_be_written_is_no_obstacle(noise, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "file"))
    assert look(layer="features.0").scores["seen"] == len(noise)


def test_every_beginning_of_the_visiting_order_is_spread_evenly():
    order = visiting_order(1000)
    assert sorted(order) == list(range(1000))
    counts = np.histogram(order[:250], 10, (0, 1000))[0]
    assert counts.max() - counts.min() <= 2


def test_a_field_larger_than_the_picture_shows_the_picture():
    pixels = np.full((10, 10, 3), 7, np.uint8)
    whole = Found(1.0, 0, pixels, (-8, -3, 9, 14)).patch()
    assert whole.shape == (10, 10, 3)
    assert (whole[:9] == 7).all()
    assert (whole[9] == 200).all()
    assert Found(1.0, 0, pixels, (-2, 4, 3, 9)).patch().shape == (5, 5, 3)


def test_gradients_are_zero_where_the_unit_sees_nothing(noise):
    result = look(layer="features.0", channel=1)
    assert {"wall", "patches", "images", "least", "backprop", "deconvnet", "guided"} == set(result.pictures)
    assert result.pictures["guided"].std() > 0


def test_the_default_layer_sees_parts():
    network = models.load("random:alexnet")
    assert default_layer(network) == "features.6"  # 99 of 224 pixels
