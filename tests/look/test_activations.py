"""Activations against torchvision's own feature extractor, and the geometry by hand and by gradients."""

import numpy as np
import pytest
import torch
import torchvision
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

from viz_core import models
from viz_core.__main__ import main
from viz_core.errors import ConvscopeError
from viz_core.images.boxes import RED, cut, inside, outlined
from viz_core.images.refs import open_image
from viz_core.images.tensor import to_input, to_pixels
from viz_core.look.activations import MAP_SIDE, Activations, area, default_layer, hats, unit_at
from viz_core.look.sheets import tile_at, tile_of, told_by_tile
from viz_core.technique import finish

ALEXNET = "random:alexnet"


def torchvision_module(name: str) -> torch.nn.Module:
    """torchvision's own network, with in-place operations off so that no value is overwritten."""
    torch.manual_seed(0)
    module = torchvision.models.get_model(name, weights=None).eval()
    for part in module.modules():
        if hasattr(part, "inplace"):
            part.inplace = False
    return module


def torchvision_values(module: torch.nn.Module, layers: list[str], x: torch.Tensor) -> dict[str, np.ndarray]:
    """The layers' values by torchvision's extractor, whose functions do not work in place either."""
    extractor = create_feature_extractor(module, layers)
    for node in extractor.graph.nodes:
        node.kwargs = {name: value for name, value in node.kwargs.items() if name != "inplace"}
    extractor.recompile()
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        values = extractor((x - mean) / std)
    return {layer: values[layer][0].numpy() for layer in layers}


def look(**given) -> object:
    return finish(Activations(**{"model": ALEXNET, "size": 96, **given}).run())


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("alexnet", ["features.0", "features.1", "features.11", "classifier.1"]),
        ("resnet18", ["conv1", "bn1", "layer2.0.conv2", "layer3.1.bn2"]),
        ("squeezenet1_1", ["features.3.squeeze", "features.12.expand3x3_activation"]),
    ],
)
def test_values_are_those_of_torchvisions_extractor(name, layers):
    first = look(model=f"random:{name}", layer=layers[0])
    expected = torchvision_values(torchvision_module(name), layers, torch.from_numpy(first.arrays["input"]))
    for layer in layers:
        values = look(model=f"random:{name}", layer=layer).arrays["maps"]
        np.testing.assert_allclose(values.squeeze(), expected[layer].squeeze(), rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore:NOTE. The nodes obtained by tracing")
@pytest.mark.parametrize(("name", "least"), [("resnet18", 60), ("googlenet", 130), ("densenet121", 365)])
def test_every_layer_with_a_name_in_both_is_that_of_torchvisions_extractor(name, least):
    network, module = models.load(f"random:{name}"), torchvision_module(name)
    known = get_graph_node_names(module)[1]
    layers = [layer for layer in network.layer_names if layer in known]
    assert len(layers) >= least
    x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    expected = torchvision_values(module, layers, x)
    with torch.inference_mode():
        values = network.activations(x, layers)
    for layer in layers:
        largest = np.abs(expected[layer]).max()
        np.testing.assert_allclose(values[layer][0].numpy(), expected[layer], rtol=1e-4, atol=1e-5 * max(1, largest))


@pytest.mark.parametrize("by", ["index", "mean", "max", "sparsity"])
def test_the_order_is_that_of_the_statistic(by):
    result = look(layer="features.1", sort=by)
    maps, order = result.arrays["maps"], result.arrays["order"]
    assert sorted(order) == list(range(64))
    if by == "index":
        assert list(order) == list(range(64))
    elif by == "sparsity":
        shares = [np.mean(maps[channel] <= 0) for channel in order]
        alive = [share for share in shares if share < 1]
        assert alive == sorted(alive, reverse=True)
        assert shares[len(alive) :] == [1.0] * (64 - len(alive))
    else:
        values = [getattr(maps[channel], by)() for channel in order]
        assert values == sorted(values, reverse=True)


def test_the_channel_peaks_where_the_picture_says():
    result = look(layer="features.3", channel=5)
    maps, scores = result.arrays["maps"], result.scores
    assert (scores["row"], scores["column"]) == np.unravel_index(maps[5].argmax(), maps[5].shape)
    assert scores["value"] == pytest.approx(maps[5].max())
    assert result.arrays["histogram"].sum() == maps[5].size


def test_the_framed_field_holds_every_pixel_the_unit_depends_on():
    result = look(layer="features.6", channel=3, row=1, column=4)
    x = torch.from_numpy(result.arrays["input"]).requires_grad_()
    values = models.load(ALEXNET).activations(x, "features.6")["features.6"]
    (gradient,) = torch.autograd.grad(values[0, 3, 1, 4], x)
    rows, columns = np.nonzero(gradient[0].abs().sum(0).numpy())
    sides = tuple(result.scores[name] for name in ("top", "left", "bottom", "right"))
    assert sides[0] <= rows.min()
    assert sides[1] <= columns.min()
    assert rows.max() < sides[2]
    assert columns.max() < sides[3]


def test_the_strongest_channels_at_a_place_are_those_of_the_greatest_values():
    result = look(layer="features.3", row=2, column=3)
    here = result.arrays["maps"][:, 2, 3]
    told = result.tables["strongest"]
    assert [row["value"] for row in told] == pytest.approx(sorted(here, reverse=True)[: len(told)])
    assert [here[row["channel"]] for row in told] == pytest.approx([row["value"] for row in told])


def test_a_click_on_a_tile_names_its_channel():
    result = look(layer="features.1", sort="mean", first=20, count=20)
    order, columns = result.arrays["order"], result.scores["columns"]
    assert tile_at(result, 0.0, 0.0) == order[20]
    assert tile_of(result, order[20 + columns]) == (1, 0)
    assert tile_of(result, order[0]) is None
    rows = -(-20 // columns)
    assert tile_at(result, 0.999, 0.5 / columns) == order[20 + (rows - 1) * columns]
    assert {tile_at(result, (r + 0.5) / rows, (c + 0.5) / columns) for r in range(rows) for c in range(columns)} - {
        None
    } == set(order[20:40])


def test_the_pointer_reads_each_tiles_channel_and_values():
    result = look(layer="features.1", sort="index", first=60, count=20)
    told = told_by_tile(result, result.arrays["maps"].max(axis=(1, 2)))
    assert told.shape == (2, 2, 2)
    np.testing.assert_array_equal(told[..., 0].ravel(), [60, 61, 62, 63])
    np.testing.assert_allclose(told[1, 0, 1], result.arrays["maps"][62].max())


def test_a_click_on_the_picture_finds_the_unit_that_looks_there():
    result = look(layer="features.0", channel=0)
    height, width = result.arrays["input"].shape[-2:]
    for row, column in ((0, 0), (3, 7), (10, 2)):
        # AlexNet's first convolution: 11 pixels, stride 4, padding 2, so that the middle is at 3 + 4 i.
        assert unit_at(result, (3 + 4 * row + 0.5) / height, (3 + 4 * column + 0.5) / width) == (row, column)
    assert unit_at(result, 0.0, 0.999)[0] == 0
    left, top, _, _ = area(result)
    assert (left * width, top * height) == pytest.approx((1.5, 1.5))


def test_the_map_lies_over_the_picture_bilinearly():
    np.testing.assert_allclose(hats(np.array([-1.0, 0.0, 0.25, 1.0, 5.0]), 2) @ [10.0, 20.0], [10, 10, 12.5, 20, 20])


def test_without_weight_the_overlay_is_the_picture_with_the_frame():
    plain, covered = (look(layer="features.3", channel=1, opacity=share).pictures["overlay"] for share in (0.0, 0.8))
    picture = to_pixels(to_input(open_image("sample:coffee"), MAP_SIDE))
    assert plain.shape == covered.shape == picture.shape
    assert (plain != covered).any()
    changed = (plain != picture).any(axis=2)
    assert (plain[changed] == RED).all()
    assert changed.any()


def test_the_frame_on_the_large_picture_is_the_field_on_the_small_one():
    result = look(layer="features.3", row=2, column=3)
    framed = (result.pictures["overlay"] == RED).all(axis=2)
    rows, columns = np.nonzero(framed)
    times = framed.shape[0] / result.arrays["input"].shape[-2]
    sides = [result.scores[name] * times for name in ("top", "left", "bottom", "right")]
    assert [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1] == pytest.approx(sides, abs=1)


def test_one_scale_for_all_and_for_both_pictures():
    each = look(layer="features.1", other_image="sample:chelsea", channel=7)
    pair = each.arrays["maps"][7], each.arrays["other_maps"][7]
    assert each.scores["low"] == pytest.approx(min(values.min() for values in pair))
    assert each.scores["high"] == pytest.approx(max(values.max() for values in pair))
    joint = look(layer="features.1", other_image="sample:chelsea", channel=7, scale="joint")
    assert joint.scores["high"] == pytest.approx(max(joint.arrays[name].max() for name in ("maps", "other_maps")))


def test_a_second_network_is_laid_beside_the_first():
    result = look(layer="features.0", other_model="random:squeezenet1_1", channel=2)
    assert result.arrays["other_maps"].shape[0] == 64
    assert "other_overlay" in result.pictures


def test_a_layer_without_positions_gives_one_number_a_channel():
    result = look(layer="classifier.6")
    assert result.arrays["maps"].shape == (1000, 1, 1)
    assert "map" not in result.pictures
    assert (result.scores["top"], result.scores["bottom"]) == (0, 96)


def test_the_default_layer_still_has_positions():
    assert default_layer(models.load(ALEXNET)) == "features.11"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"layer": "features.33"}, "features"),
        ({"layer": "features.0", "channel": 64}, "63"),
        ({"layer": "features.0", "row": 99, "column": 0}, "row 99"),
    ],
)
def test_what_is_not_there_is_told_in_a_sentence(given, words):
    with pytest.raises(ConvscopeError, match=words):
        look(**given)


def test_boxes_are_cut_at_the_border_and_filled_beyond():
    pixels = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    assert inside((-2, 3, 2, 9), 4, 5) == (0, 3, 2, 5)
    patch = cut(pixels, (-2, 3, 2, 9))
    assert patch.shape == (4, 6, 3)
    np.testing.assert_array_equal(patch[2:, :2], pixels[:2, 3:])
    assert set(np.unique(patch[:2])) == {200}
    assert set(np.unique(patch[:, 2:])) == {200}
    framed = outlined(np.zeros((20, 20, 3), np.uint8), (5, -3, 10, 8))
    assert framed[5, 0].tolist() == framed[9, 7].tolist() == [228, 26, 28]
    assert not framed[7, 4].any()


def test_the_command_line_writes_the_same_bytes_twice(tmp_path):
    for folder in ("a", "b"):
        assert main(["activations", "--model", ALEXNET, "--size", "64", "--out", str(tmp_path / folder)]) == 0
    for file in ("grid.png", "map.png", "overlay.png"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert main(["replay", str(tmp_path / "a" / "grid.png"), "--out", str(tmp_path / "c")]) == 0
    assert (tmp_path / "a" / "grid.png").read_bytes() == (tmp_path / "c" / "grid.png").read_bytes()
