"""The graph of a network against the network itself, run by torch."""

import pytest
import torch
import torchvision
from torch import Tensor, nn

from viz_core import models
from viz_core.errors import ConvscopeError
from viz_core.models import zoo
from viz_core.models.graph import GraphModel
from viz_core.models.trace import trace


class Normalised(nn.Module):
    """torchvision's own network behind the ImageNet normalisation, as anybody would write it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        mean, std = torch.tensor(zoo.IMAGENET_MEAN), torch.tensor(zoo.IMAGENET_STD)
        return self.network((x - mean[:, None, None]) / std[:, None, None])


def torchvision_network(name: str, seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Normalised(torchvision.models.get_model(name, weights=None)).eval()


def graph_of(module: nn.Module, size: int = 16) -> GraphModel:
    """A hand-made network as a graph, without normalisation."""
    device = torch.device("cpu")
    names = [f"class {i}" for i in range(10)]
    zeros, ones = (0.0,) * 3, (1.0,) * 3
    return GraphModel("own", trace(module), class_names=names, input_size=size, mean=zeros, std=ones, device=device)


@pytest.fixture
def picture() -> Tensor:
    return torch.rand(2, 3, 80, 96, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "densenet121", "googlenet", "squeezenet1_1", "convnext_tiny"])
def test_logits_are_those_of_torchvision_on_pictures_that_are_not_square(name: str, picture: Tensor) -> None:
    expected = torchvision_network(name)(picture)
    assert (models.load(f"random:{name}")(picture) - expected).abs().max() == 0


def test_activations_hold_the_values_before_an_in_place_relu(picture: Tensor) -> None:
    model = models.load("random:alexnet")
    network = torchvision_network("alexnet").network
    network.features[1].inplace = False
    before = model.activations(picture, ["features.0", "features.1"])
    mean, std = torch.tensor(zoo.IMAGENET_MEAN), torch.tensor(zoo.IMAGENET_STD)
    expected = network.features[0]((picture - mean[:, None, None]) / std[:, None, None])
    assert before["features.0"].min() < 0
    assert torch.equal(before["features.0"], expected)
    assert torch.equal(before["features.1"], expected.relu())


def test_an_unknown_layer_is_told_with_those_close_to_it() -> None:
    with pytest.raises(ConvscopeError, match=r"no layer 'feature\.0'.*features\.0"):
        models.load("random:alexnet").activations(torch.rand(1, 3, 64, 64), "feature.0")
