"""Backward rules of the ReLU against captum, and against matrices multiplied by hand."""

import captum.attr
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.models.networks import Normalised, graph_of, torchvision_network
from viz_core import models
from viz_core.models import zoo

CAPTUM = {"guided": captum.attr.GuidedBackprop, "deconvnet": captum.attr.Deconvolution}


@pytest.fixture(scope="module")
def picture() -> Tensor:
    return torch.rand(1, 3, 72, 88, generator=torch.Generator().manual_seed(1))


def gradient(model: models.GraphModel, x: Tensor, target: int) -> Tensor:
    x = x.clone().requires_grad_()
    return torch.autograd.grad(model(x)[:, target].sum(), x)[0]


def without_in_place(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    return network


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["alexnet", "vgg16", "resnet18"])
def test_the_rules_equal_captum(name: str, picture: Tensor) -> None:
    network = without_in_place(torchvision_network(name))
    model = graph_of(network.network, size=224, mean=zoo.IMAGENET_MEAN, std=zoo.IMAGENET_STD)
    for rule, method in CAPTUM.items():
        expected = method(network).attribute(picture.clone().requires_grad_(), target=3)
        ours = gradient(model.with_relu(rule), picture, 3)
        assert ours.abs().max() > 0
        assert (ours - expected).abs().max() == 0


@pytest.mark.filterwarnings("ignore")
def test_functional_relus_follow_the_rule_too(picture: Tensor) -> None:
    """DenseNet-121 ends in `F.relu`, which captum cannot see; written out with a module, captum agrees with us."""
    original = torchvision_network("densenet121").network
    with_module = nn.Sequential(
        original.features, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), original.classifier
    )
    network = Normalised(without_in_place(with_module)).eval()
    expected = captum.attr.GuidedBackprop(network).attribute(picture.clone().requires_grad_(), target=3)
    ours = gradient(models.load("random:densenet121").with_relu("guided"), picture, 3)
    assert (ours - expected).abs().max() == 0


class EveryWayToWriteReLU(nn.Module):
    """1x1 convolutions on single pixels, that is matrices, with one reused module and ReLUs of every spelling between."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(7)
        self.relu = nn.ReLU(inplace=True)
        self.layers = nn.ModuleList(nn.Conv2d(i, 12, 1, bias=False) for i in (3, 12, 12, 12, 12, 12, 12))
        for layer in self.layers:
            layer.weight.data.normal_(mean=0.2, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        a, b, c, d, e, f, last = self.layers
        x = self.relu(a(x))
        x = F.relu(b(x))
        x = self.relu(c(x))
        x = torch.relu(d(x))
        x = e(x).relu()
        x = F.relu(f(x), inplace=True)
        return last(x).flatten(1)


@pytest.mark.parametrize("rule", ["backprop", "deconvnet", "guided"])
def test_every_spelling_of_relu_by_hand(rule: str) -> None:
    network = EveryWayToWriteReLU()
    matrices = [layer.weight.data[:, :, 0, 0].double().numpy() for layer in network.layers]
    network.double()
    x = torch.rand(1, 3, 1, 1, generator=torch.Generator().manual_seed(8), dtype=torch.double)

    values, before = x.flatten().numpy(), []
    for matrix in matrices[:-1]:
        before.append(matrix @ values)
        values = np.maximum(before[-1], 0)
    relevance = matrices[-1][5]
    for matrix, z in zip(reversed(matrices[:-1]), reversed(before), strict=True):
        gate = {
            "backprop": z > 0,
            "deconvnet": relevance > 0,
            "guided": (z > 0) & (relevance > 0),
        }[rule]
        relevance = matrix.T @ np.where(gate, relevance, 0)

    model = graph_of(network, size=1).with_relu(rule)
    assert (model(x) - matrices[-1] @ torch.tensor(values).numpy()).abs().max() < 1e-9
    ours = gradient(model, x, 5).flatten().numpy()
    assert np.abs(relevance).max() > 0
    np.testing.assert_allclose(ours, relevance, rtol=1e-10)


def test_relu6_keeps_its_own_gradient(picture: Tensor) -> None:
    model = models.load("random:mobilenet_v2")
    assert all(layer.kind != "ReLU" for layer in model.layers())
    assert torch.equal(gradient(model.with_relu("guided"), picture, 3), gradient(model, picture, 3))


def test_the_forward_pass_and_the_original_stay_as_they_are(picture: Tensor) -> None:
    model = models.load("random:resnet18")
    plain = gradient(model, picture, 3)
    guided = model.with_relu("guided")
    assert torch.equal(guided(picture), model(picture))
    assert not torch.equal(gradient(guided, picture, 3), plain)
    assert torch.equal(gradient(model, picture, 3), plain)
    assert torch.equal(gradient(guided.with_relu("backprop"), picture, 3), plain)
