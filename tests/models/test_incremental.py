"""Forward passes under patches against forward passes of whole pictures, on weights under which no signal dies."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.explain.reference import kaiming_network, plain_logits
from tests.models.networks import graph_of
from viz_core import models
from viz_core.models.graph import GraphModel
from viz_core.models.incremental import PatchedForward

NETWORKS = ["alexnet", "vgg16", "resnet18", "densenet121", "googlenet", "bundled-random"]


def network_of(name: str) -> GraphModel:
    return models.load(name) if name.startswith("bundled") else kaiming_network(name)[1]


def picture(height: int, width: int) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(height * width))


def places(height: int, width: int, stride: int) -> tuple[list[int], list[int]]:
    """Every corner of the grid, the last ones with most of the patch beyond the border."""
    grid = [(top, left) for top in range(0, height, stride) for left in range(0, width, stride)]
    return [top for top, _ in grid], [left for _, left in grid]


def difference(network: GraphModel, size: tuple[int, int], patch: int, stride: int, filling: float = 0.5) -> float:
    """The largest difference of a logit, in standard deviations of the logits (probabilities differ by less).

    The answers must change from place to place a hundred times as much as is allowed, or the comparison would prove nothing.
    """
    x, at = picture(*size), places(*size, stride)
    fill = torch.full_like(x, filling)
    expected = plain_logits(network, x, fill, *at, patch)
    found = PatchedForward(network, x)(fill, *at, patch)
    assert (expected - expected.roll(1, 0)).abs().max() > 1e-3 * expected.std()
    return float((found - expected).abs().max() / expected.std())


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("size", "patch", "stride"), [((71, 84), 16, 27), ((97, 66), 9, 32)])
def test_equals_plain_forward_passes(name, size, patch, stride):
    assert difference(network_of(name), size, patch, stride) < 1e-5


def test_all_places_of_a_larger_picture():
    assert difference(network_of("resnet18"), (150, 131), 16, 29) < 1e-5


@pytest.mark.parametrize(
    "name", ["squeezenet1_1", "mobilenet_v2", "regnet_y_400mf", "shufflenet_v2_x1_0", "convnext_tiny"]
)
def test_what_is_not_local_falls_back_to_whole_maps(name):
    """Ceil-mode pools, depthwise and grouped convolutions, channel gates, shuffles, layer norms over permuted maps."""
    assert (
        difference(network_of(name), (64, 72), 12, 23, filling=0.0) < 1e-4
    )  # fifty folded batch norms round otherwise


class Odd(nn.Module):
    """Operations at their oddest: strides beyond the kernel, dilation, asymmetric sizes, replicated borders, ceil mode."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 5, padding=2, padding_mode="replicate")
        self.skipping = nn.Conv2d(8, 8, 2, stride=3)
        self.wide = nn.Conv2d(8, 8, (3, 5), padding=(2, 4), dilation=2, groups=4)
        self.same = nn.Conv2d(8, 8, 4, padding="same")
        self.pool = nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True)
        self.mean = nn.AvgPool2d(2, stride=1, padding=1)
        self.careful = nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False, ceil_mode=True)
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.first(x))
        y = self.skipping(x)
        y = y + torch.tanh(self.same(self.wide(y)))
        y = torch.cat([self.mean(self.pool(y)), self.mean(self.pool(-y)) + 1], 1)[:, 4:12]
        return self.fc(self.careful(y * torch.sigmoid(y)).mean((2, 3))) * 5


@pytest.mark.parametrize("size", [(50, 61), (64, 47)])
@pytest.mark.parametrize("patch", [1, 7, 30])
def test_odd_operations(size, patch):
    torch.manual_seed(3)
    assert difference(graph_of(Odd().eval()), size, patch, 11) < 1e-5


def test_a_patch_larger_than_the_picture_and_one_that_shows_the_picture():
    network, x = network_of("resnet18"), picture(64, 70)
    black = torch.zeros_like(x)
    found = PatchedForward(network, x)(black, [0], [0], 200)
    assert (found - network(black)).abs().max() < 1e-4
    found = PatchedForward(network, x)(x, [0, 30, 60], [0, 50, 69], 16)
    assert (found - network(x)).abs().max() < 1e-4


def test_batches_do_not_matter():
    network, x = network_of("resnet18"), picture(71, 84)
    forward, fill, (tops, lefts) = PatchedForward(network, x), torch.full((1, 3, 71, 84), 0.5), places(71, 84, 30)
    together = forward(fill, tops, lefts, 16)
    alone = torch.cat([forward(fill, [top], [left], 16) for top, left in zip(tops, lefts, strict=True)])
    assert (together - alone).abs().max() < 1e-4
