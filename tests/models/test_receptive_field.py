"""Receptive fields from kernel sizes, against where the gradient of a unit reaches."""

import pytest
import torch
import torchvision
from torch import Tensor, nn

from tests.models.networks import graph_of
from viz_core import models
from viz_core.models.receptive_field import ReceptiveField

SIDE = 640


class Thin(nn.Module):
    """A convolution of one's geometry with one channel in and out and weights of one: no gradient can cancel or vanish."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, conv.kernel_size, conv.stride, conv.padding, conv.dilation, bias=False)
        nn.init.constant_(self.conv.weight, 1 / self.conv.weight.numel())

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x.mean(dim=1, keepdim=True))


def thinned(module: nn.Module) -> nn.Module:
    """The same wiring with thin convolutions, averages instead of maxima, and no normalisation."""
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d):
            setattr(module, name, Thin(child))
        elif isinstance(child, nn.BatchNorm2d | nn.Linear | nn.Dropout):
            setattr(module, name, nn.Identity())
        elif isinstance(child, nn.MaxPool2d):
            pool = nn.AvgPool2d(child.kernel_size, child.stride, child.padding, child.ceil_mode)
            setattr(module, name, pool)
        else:
            thinned(child)
    return module


def footprints(network: nn.Module) -> dict[str, tuple[tuple[int, int], tuple[int, int, int, int]]]:
    """For the middle unit of every convolution: its place, and the box of pixels its gradient reaches."""
    network = thinned(network.eval()).double()
    outputs: dict[str, Tensor] = {}
    for name, module in network.named_modules():
        if isinstance(module, Thin):
            module.register_forward_hook(lambda _m, _i, out, name=name: outputs.__setitem__(name, out))
    x = torch.ones(1, 3, SIDE, SIDE, dtype=torch.double, requires_grad=True)
    network(x)
    found = {}
    for name, out in outputs.items():
        row, column = out.shape[2] // 2, out.shape[3] // 2
        (gradient,) = torch.autograd.grad(out[0, 0, row, column], x, retain_graph=True)
        rows, columns = (gradient[0, 0] != 0).nonzero().unbind(1)
        box = int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1
        found[name] = (row, column), box
    return found


@pytest.mark.parametrize(
    ("name", "count", "deepest"),
    [
        ("alexnet", 5, "features.10"),
        ("resnet18", 20, "layer4.1.conv2"),
        ("googlenet", 57, "inception5b.branch2.1.conv"),
    ],
)
def test_fields_of_all_convolutions_are_the_footprints_of_their_gradients(name: str, count: int, deepest: str) -> None:
    network = torchvision.models.get_model(name, weights=None)
    if name == "alexnet":
        network.avgpool = network.classifier = nn.Identity()
    layers = {layer.name: layer for layer in models.load(f"random:{name}").layers((SIDE, SIDE))}
    found = footprints(network)
    assert len(found) == count
    for layer, ((row, column), box) in found.items():
        assert layers[layer].receptive_field.box(row, column) == box, layer
    top, left, bottom, right = found[deepest][1]
    assert top > 0
    assert left > 0
    assert bottom < SIDE
    assert right < SIDE


def test_fields_through_concatenations_of_densenet() -> None:
    network = torchvision.models.densenet121(weights=None).features[:6]
    layers = {layer.name: layer for layer in models.load("random:densenet121").layers((SIDE, SIDE))}
    found = footprints(nn.ModuleDict({"features": network})["features"])
    for name in ("conv0", "denseblock1.denselayer6.conv2", "transition1.conv"):
        (row, column), box = found[name]
        assert layers[f"features.{name}"].receptive_field.box(row, column) == box, name


class Geometry(nn.Module):
    """Dilation, unequal kernels and strides, 'same' padding, adaptive pooling into equal bins, a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.dilated = nn.Conv2d(3, 4, (3, 5), stride=(1, 2), dilation=(2, 1), padding=(0, 1))
        self.same = nn.Conv2d(4, 4, 4, padding="same")
        self.bins = nn.AdaptiveAvgPool2d((10, 5))
        self.gated = nn.Conv2d(4, 4, 1)
        self.fc = nn.Linear(200, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bins(self.same(self.dilated(x)))
        gated = x * self.gated(x.mean((2, 3), keepdim=True)).sigmoid()
        return self.fc(gated.flatten(1))


@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_fields_of_unusual_geometry_by_hand() -> None:
    layers = {layer.name: layer for layer in graph_of(Geometry()).layers((24, 21))}
    fields = {name: layer.receptive_field for name, layer in layers.items()}
    assert fields["dilated"] == ReceptiveField((5, 5), (1, 2), (0, -1))
    assert fields["same"] == ReceptiveField((8, 11), (1, 2), (-1, -3))
    assert layers["same"].shape == (4, 20, 10)
    assert fields["bins"] == ReceptiveField((9, 13), (2, 4), (-1, -3))
    assert fields["mul"] is None
    assert fields["fc"] is None


def test_bins_that_are_not_equal_have_no_regular_field() -> None:
    layers = {layer.name: layer for layer in graph_of(Geometry()).layers((25, 21))}
    assert layers["bins"].shape == (4, 10, 5)
    assert layers["bins"].receptive_field is None


def test_a_channel_gate_sees_the_whole_picture() -> None:
    layers = {layer.name: layer for layer in models.load("random:mobilenet_v3_small").layers()}
    assert layers["features.1.block.0.0"].receptive_field is not None
    assert layers["features.1.block.2.0"].receptive_field is None
