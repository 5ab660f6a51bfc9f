"""Receptive fields from kernel sizes, against where the gradient of a unit reaches."""

import pytest
import torch
import torchvision
from torch import Tensor, nn

from tests.models.networks import graph_of
from viz_core import models
from viz_core.models.bundled import BundledNet
from viz_core.models.receptive_field import ReceptiveField

NARROW = 64  # the short side of a picture that is measured along the other, pixels


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


def fresh(name: str) -> nn.Module:
    """A network by name, as its authors wrote it."""
    with torch.device("meta"):  # its weights are not looked at
        network = BundledNet() if name == "bundled" else torchvision.models.get_model(name, weights=None)
    if hasattr(network, "avgpool"):
        network.avgpool = nn.AdaptiveAvgPool2d(1)  # 7 x 7 bins would be no windows on a narrow picture
    if name in ("alexnet", "vgg16"):
        network.classifier = nn.Identity()  # it wants those bins
    return network


def footprints(network: nn.Module, size: tuple[int, int], axis: int) -> dict[str, tuple[int, int, int]]:
    """For the middle unit of every convolution: its place along an axis, and the first and last pixel its gradient reaches."""
    network = thinned(network.eval()).double()
    outputs: dict[str, Tensor] = {}
    for name, module in network.named_modules():
        if isinstance(module, Thin):
            module.register_forward_hook(lambda _m, _i, out, name=name: outputs.__setitem__(name, out))
    x = torch.ones(1, 3, *size, dtype=torch.double, requires_grad=True)
    network(x)
    found = {}
    for name, out in outputs.items():
        middle = [side // 2 for side in out.shape[2:]]
        (gradient,) = torch.autograd.grad(out[0, 0, middle[0], middle[1]], x, retain_graph=True)
        reached = (gradient[0, 0] != 0).any(dim=1 - axis).nonzero()
        found[name] = middle[axis], int(reached.min()), int(reached.max())
    return found


@pytest.mark.parametrize(
    ("name", "count", "widest"),
    [
        ("bundled", 7, 106),
        ("alexnet", 5, 163),
        ("vgg16", 13, 196),
        ("resnet18", 20, 435),
        ("densenet121", 120, 2071),
        ("googlenet", 57, 379),
    ],
)
def test_fields_of_all_convolutions_are_the_footprints_of_their_gradients(name: str, count: int, widest: int) -> None:
    """Rows on a tall picture, columns on a wide one: narrow pictures make room for fields of two thousand pixels."""
    model, long = graph_of(fresh(name)), 32 * (widest // 32 + 4)
    for axis, size in enumerate([(long, NARROW), (NARROW, long)]):
        layers = {layer.name: layer.receptive_field for layer in model.layers(size)}
        found = footprints(fresh(name), size, axis)
        assert len(found) == count
        for layer, (place, first, last) in found.items():
            box = layers[layer].box(place, place)
            assert (box[axis], box[axis + 2]) == (first, last + 1), layer
            assert first > 0, layer
            assert last < long - 1, layer
        assert max(layers[layer].size[axis] for layer in found) == widest


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
