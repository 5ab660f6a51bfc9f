"""Convolutions that see something else than zeros beyond their border, against torch's own and against a shifted picture."""

import copy

import pytest
import torch
from torch import Tensor, nn

from tests.models.networks import graph_of, torchvision_network
from viz_core import models
from viz_core.models.zoo import IMAGENET_MEAN, IMAGENET_STD


@pytest.fixture(scope="module")
def picture() -> Tensor:
    return torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("borders", ["replicate", "circular"])
@pytest.mark.parametrize("name", ["alexnet", "resnet18"])
def test_borders_are_those_of_torch(name: str, borders: str, picture: Tensor) -> None:
    network = copy.deepcopy(torchvision_network(name).network)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.padding_mode = borders
    mean, std = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    expected = network((picture - mean) / std)
    plain = models.load(f"random:{name}")
    assert torch.equal(plain.with_borders(borders)(picture), expected)
    assert not torch.allclose(plain(picture), expected)


def test_a_picture_that_closes_on_itself_has_no_border(picture: Tensor) -> None:
    network = models.load("bundled-random").with_borders("circular")
    layers = ("relu1", "stage3.relu2", "stage5.relu1")
    values, shifted = (network.activations(x, layers) for x in (picture, picture.roll((32, 16), (2, 3))))
    for layer in layers:
        factor = picture.shape[2] // values[layer].shape[2]
        moved = values[layer].roll((32 // factor, 16 // factor), (2, 3))
        torch.testing.assert_close(shifted[layer], moved, atol=1e-4, rtol=1e-4)


class _Written(nn.Module):
    """A convolution as a function and one whose padding is a word."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3, 3, 3))
        self.same = nn.Conv2d(4, 5, 4, padding="same")
        self.fc = nn.Linear(5, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.conv2d(x, self.weight, None, 1, (1, 1))
        return self.fc(self.same(x).mean((2, 3)))


def test_convolutions_are_found_however_they_are_written(picture: Tensor) -> None:
    module = _Written()
    graph = graph_of(module)
    padded = nn.functional.pad((picture - graph.mean) / graph.std, (1, 1, 1, 1), "circular")
    module.same.padding_mode = "circular"
    expected = module.fc(module.same(nn.functional.conv2d(padded, module.weight)).mean((2, 3)))
    torch.testing.assert_close(graph.with_borders("circular")(picture), expected)
