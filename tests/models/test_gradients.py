"""Gradients under the three ReLU rules against captum, and against products of dense Jacobians where captum is wrong."""

import pytest
import torch
from captum.attr import Deconvolution, GuidedBackprop, NeuronGradient, NeuronGuidedBackprop, Saliency
from torch import Tensor, nn
from torch.nn import functional as F

from tests.models.networks import graph_of, torchvision_network
from viz_core import models
from viz_core.models.gradients import score_gradient, strongest_position, unit_gradient
from viz_core.models.relu_rules import RULES

NETWORKS = ["alexnet", "regnet_x_400mf", "resnet18", "squeezenet1_1"]
TARGET = 7


def picture(height: int = 72, width: int = 64, count: int = 1) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(2))


def reference(name: str) -> nn.Module:
    """torchvision's network as captum needs it: no in-place operation, no frozen weight."""
    network = torchvision_network(name)
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    return network


def difference(found: Tensor, expected: Tensor) -> float:
    """The largest difference, as a share of the largest expected value, which must not vanish."""
    assert expected.abs().max() > 1e-12
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("rule", RULES)
def test_score_gradients_equal_captum(name, rule):
    x, network = picture(), reference(name)
    oracle = {"backprop": Saliency, "deconvnet": Deconvolution, "guided": GuidedBackprop}[rule](network)
    keywords = {"abs": False} if rule == "backprop" else {}
    expected = oracle.attribute(x.clone().requires_grad_(), target=TARGET, **keywords)
    assert difference(score_gradient(models.load(f"random:{name}"), x, TARGET, rule), expected) < 1e-5


@pytest.mark.parametrize(("name", "layer"), [("resnet18", "layer2.1.conv1"), ("alexnet", "features.6")])
def test_unit_gradients_equal_captum(name, layer):
    x, network = picture(), reference(name)
    module = network.network.get_submodule(layer)
    graph = models.load(f"random:{name}")
    for oracle, rule in ((NeuronGradient, "backprop"), (NeuronGuidedBackprop, "guided")):
        expected = oracle(network, module).attribute(x.clone().requires_grad_(), (5, 2, 1))
        assert difference(unit_gradient(graph, x, layer, 5, (2, 1), rule), expected) < 1e-5


def test_without_a_position_each_picture_has_its_own_strongest_one():
    x, graph = picture(count=3), models.load("random:resnet18")
    together = unit_gradient(graph, x, "layer2.0.conv1", 4)
    maps = graph.activations(x, "layer2.0.conv1")["layer2.0.conv1"][:, 4]
    rows, columns = strongest_position(maps)
    for index in range(3):
        place = int(rows[index]), int(columns[index])
        assert maps[index].max() == maps[index][place]
        alone = unit_gradient(graph, x[index : index + 1], "layer2.0.conv1", 4, place)
        assert difference(together[index], alone[0]) < 1e-5


def test_a_layer_without_positions():
    x, graph = picture(), models.load("random:resnet18")
    assert difference(unit_gradient(graph, x, "fc", TARGET), score_gradient(graph, x, TARGET)) < 1e-6


def test_the_difference_of_two_classes_is_the_difference_of_their_gradients():
    x, graph = picture(), models.load("random:resnet18")
    expected = score_gradient(graph, x, 3) - score_gradient(graph, x, 8)
    assert difference(score_gradient(graph, x, 3, against=8), expected) < 1e-5


class EveryWayToWriteIt(nn.Module):
    """A function, a reused module, a method and an operation in place: four ReLUs, of which captum's hooks see one well."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.conv3, self.conv4 = nn.Conv2d(4, 4, 3, stride=2), nn.Conv2d(4, 5, 3)
        self.fc = nn.Linear(5, 10)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        x = self.relu(self.conv3(x))
        x = self.conv4(x).relu_()
        return self.fc(x.mean((2, 3)))


def dense_jacobian(network: EveryWayToWriteIt, x: Tensor, rule: str) -> Tensor:
    """The gradient of a class score as a product of matrices, the rule applied at every ReLU by hand."""
    linear = [network.conv1, network.conv2, network.conv3, network.conv4, lambda y: network.fc(y.mean((2, 3)))]
    inputs, before = [x], []
    for layer in linear[:-1]:
        before.append(layer(inputs[-1]))
        inputs.append(before[-1].clamp(min=0))
    relevance = torch.zeros(10)
    relevance[TARGET] = 1
    for depth in reversed(range(len(linear))):
        if depth < len(before):
            passed = {"backprop": before[depth] > 0, "deconvnet": True, "guided": before[depth] > 0}[rule]
            relevance = relevance.view_as(before[depth]) * passed
            relevance = relevance if rule == "backprop" else relevance.clamp(min=0)
        matrix = torch.autograd.functional.jacobian(linear[depth], inputs[depth])
        relevance = relevance.flatten() @ matrix.reshape(relevance.numel(), -1)
    return relevance.view_as(x)


@pytest.mark.parametrize("rule", RULES)
def test_every_way_to_write_a_relu_obeys_the_rule(rule):
    torch.manual_seed(0)
    network, x = EveryWayToWriteIt().eval().requires_grad_(False), picture(11, 9)
    expected = dense_jacobian(network, x, rule)
    assert difference(score_gradient(graph_of(network), x, TARGET, rule), expected) < 1e-5
