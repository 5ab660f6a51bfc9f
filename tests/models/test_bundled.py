"""The network that ships: its shape, its folding, its files and its card."""

import dataclasses
import time

import pytest
import torch
from torch import nn

from viz_core.images.refs import FIRST_PICTURE, open_image
from viz_core.images.tensor import to_input
from viz_core.models import bundled, load
from viz_core.models.bundled import TWINS, BundledNet, class_names, convolutions, fold, load_bundled, unfold
from viz_core.models.evaluate import calibration_error, class_maps, filter_census
from viz_core.models.export import ship
from viz_core.models.pgd import l2_pgd
from viz_core.models.random_twin import random_net
from viz_core.models.showcase import class_images, first_layer
from viz_core.models.train import normalised

SMALL = {"classes": 5, "first": 8, "stages": ((8,), (12, 12), (16,))}


def trained_looking_net() -> BundledNet:
    """A small net with batch norm whose statistics and scales are not the ones it was born with."""
    torch.manual_seed(0)
    net = BundledNet(**SMALL, batch_norm=True)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 2)
            nn.init.normal_(layer.bias)
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.2, 3)
    return net.eval()


@pytest.mark.parametrize("twin", TWINS)
def test_every_twin_loads_and_classifies(twin, record_property):
    start = time.perf_counter()
    bundle = load_bundled(twin)
    record_property("seconds_to_load", time.perf_counter() - start)
    assert not bundle.module.training
    assert {value.dtype for value in bundle.module.state_dict().values()} == {torch.float32}
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in bundle.module.modules())
    assert bundle.module(torch.zeros(1, 3, bundle.input_size, bundle.input_size)).shape == (1, len(bundle.classes))
    assert len(bundle.mean) == len(bundle.std) == 3
    assert bundle.card["name"] == twin
    with pytest.raises(dataclasses.FrozenInstanceError):
        bundle.input_size = 1


@pytest.mark.parametrize(("height", "width"), [(48, 48), (64, 64), (65, 99), (128, 128), (512, 512)])
def test_takes_pictures_of_any_size(height, width):
    assert BundledNet(**SMALL)(torch.zeros(1, 3, height, width)).shape == (1, 5)


def test_classes_have_names_in_both_languages():
    names = class_names()
    assert len(names) == len({name.wnid for name in names}) == 200
    assert len({name.en for name in names}) == len({name.ko for name in names}) == 200
    assert all(any("가" <= letter <= "힣" for letter in name.ko) for name in names)
    assert load_bundled("standard").classes == names


def test_unknown_twin_is_refused():
    with pytest.raises(ValueError, match="standard, robust, random"):
        load_bundled("evil")


def test_missing_weights_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr(bundled, "ASSETS", tmp_path)
    with pytest.raises(FileNotFoundError, match="robust"):
        load_bundled("robust")


def test_folding_changes_nothing():
    net = trained_looking_net()
    x = torch.randn(4, 3, 48, 48)
    torch.testing.assert_close(fold(net)(x), net(x), atol=1e-4, rtol=1e-4)


def test_what_is_shipped_loads_again_in_half_precision(tmp_path, monkeypatch):
    net = fold(trained_looking_net())
    ship(net, "standard", {"seed": 0}, tmp_path)
    monkeypatch.setattr(bundled, "ASSETS", tmp_path)
    loaded = load_bundled("standard").module
    for name, value in net.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value.half().float(), atol=0, rtol=0)


@torch.no_grad()
def test_random_twin_keeps_unit_variance_at_every_depth():
    net = random_net(seed=1)
    same = random_net(seed=1)
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), same.state_dict().values(), strict=True))
    x = torch.nn.functional.interpolate(torch.randn(8, 3, 16, 16), size=(64, 64), mode="bicubic")
    for layer in net.children():
        x = layer(x)
        assert 0.02 < float(x.std()) < 10


def test_relus_are_separate_modules_out_of_place():
    relus = [layer for layer in BundledNet().modules() if isinstance(layer, nn.ReLU)]
    convolutions = [layer for layer in BundledNet().modules() if isinstance(layer, nn.Conv2d)]
    assert len(set(relus)) == len(convolutions)
    assert not any(relu.inplace for relu in relus)


def test_class_maps_average_to_the_logits():
    net = fold(trained_looking_net())
    pictures, labels = torch.rand(3, 3, 64, 64), torch.tensor([0, 3, 4])
    expected = net(normalised(pictures)).gather(1, labels[:, None])[:, 0] - net.fc.bias[labels]
    torch.testing.assert_close(class_maps(net, pictures, labels).mean((1, 2)), expected)


def test_attack_stays_in_its_ball_and_raises_the_loss():
    net = fold(trained_looking_net())
    pictures, labels = torch.rand(6, 3, 32, 32), torch.arange(6) % 5
    attacked = l2_pgd(lambda x: net(normalised(x)), pictures, labels, 0.5, 5, torch.Generator().manual_seed(0))
    assert float((attacked - pictures).flatten(1).norm(dim=1).max()) <= 0.5 + 1e-5
    assert 0 <= float(attacked.min()) <= float(attacked.max()) <= 1
    loss = nn.functional.cross_entropy
    assert loss(net(normalised(attacked)), labels) > loss(net(normalised(pictures)), labels)


def test_calibration_error_by_hand():
    logits = torch.log(torch.tensor([[0.8, 0.2]] * 10))
    labels = torch.tensor([0] * 6 + [1] * 4)
    assert calibration_error(logits, labels) == pytest.approx(0.2, abs=1e-6)


def test_census_counts_dead_and_noisy_filters():
    net = BundledNet(**SMALL)
    smooth = torch.outer(torch.hann_window(9)[1:-1], torch.hann_window(9)[1:-1]).expand(8, 3, 7, 7).clone()
    smooth[0] *= 0.001
    smooth[1] *= (-1.0) ** (torch.arange(7)[:, None] + torch.arange(7))
    net.conv1.weight.data = smooth
    assert filter_census(net) == {"filters": 8, "dead": 1, "noisy": 1}


def test_class_image_climbs_and_filters_are_drawn():
    net = fold(trained_looking_net())
    start = class_images(net, [2], size=32, steps=0)
    climbed = class_images(net, [2], size=32, steps=10)
    assert net(normalised(climbed))[0, 2] > net(normalised(start))[0, 2]
    picture = first_layer(net, zoom=2, columns=4)
    assert picture.shape == (3, 2 * 17 - 3, 4 * 17 - 3)
    assert 0 <= float(picture.min()) <= float(picture.max()) <= 1


def test_unfolding_gives_the_same_function_with_batch_norm():
    folded = fold(trained_looking_net())
    pictures = torch.rand(16, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    trainable = unfold(folded, pictures)
    norms = [layer for layer in trainable.modules() if isinstance(layer, nn.BatchNorm2d)]
    other = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert len(norms) == len(convolutions(folded))
        assert torch.allclose(trainable(other), folded(other), atol=1e-4)
        assert torch.allclose(fold(trainable)(other), folded(other), atol=1e-4)
        assert torch.allclose(
            trainable.train()(pictures), folded(pictures), atol=1e-2
        )  # batch variance is the biased one


def test_the_picture_that_strangers_see_first_is_recognised():
    network = load("bundled")
    seen = to_input(open_image(FIRST_PICTURE), network.input_size)
    assert "espresso" in [name for _, name, _ in network.top(seen, 3)]
