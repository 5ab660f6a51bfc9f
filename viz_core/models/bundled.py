"""The network Convscope ships with: a plain stack of convolutions in three twins that differ only in their training."""

import json
import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

ASSETS = Path(__file__).parents[2] / "assets" / "models"
TWINS = ("standard", "robust", "random")
FIRST = 48
STAGES = ((96,), (160, 160), (320, 320), (512,))
MEAN = (0.4802, 0.4481, 0.3975)
STD = (0.2770, 0.2691, 0.2821)


class ClassName(NamedTuple):
    """One class: its WordNet id and what English and Korean speakers call it."""

    wnid: str
    en: str
    ko: str


@dataclass(frozen=True)
class BundledBundle:
    """A twin ready for use.

    `module` takes pictures [B, 3, H, W] already normalised by `mean` and `std` and gives logits [B, classes]; `input_size`
    is the short side, in pixels, at which photographs are recognised best; `card` is the model card as data.
    """

    module: "BundledNet"
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    classes: tuple[ClassName, ...]
    input_size: int
    card: dict[str, Any]


class BundledNet(nn.Module):
    """A plain stack after VGG (Simonyan & Zisserman 2014), with the linear head on global averages of Zhou et al. 2016.

    Takes normalised pictures [B, 3, H, W], H and W at least 16; gives logits [B, classes]. The first layer is 7x7 with
    stride 1 and replicated borders, and pooling averages, so that gradients with respect to the picture carry no
    checkerboard. `batch_norm` is for training: `fold` removes it.
    """

    def __init__(
        self, classes: int = 200, first: int = FIRST, stages: Sequence[Sequence[int]] = STAGES, batch_norm: bool = False
    ) -> None:
        super().__init__()
        self.architecture: dict[str, Any] = {
            "classes": classes,
            "first": first,
            "stages": [list(widths) for widths in stages],
        }
        self.conv1 = nn.Conv2d(3, first, 7, padding=3, padding_mode="replicate", bias=not batch_norm)
        if batch_norm:
            self.bn1 = nn.BatchNorm2d(first)
        self.relu1 = nn.ReLU(inplace=False)
        self.pool1 = nn.AvgPool2d(2)
        width = first
        for number, widths in enumerate(stages, start=2):
            last = number == len(stages) + 1
            self.add_module(f"stage{number}", _stage(width, widths, batch_norm, pool=not last))
            width = widths[-1]
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = layer(x)
        return x


def _stage(width: int, widths: Sequence[int], batch_norm: bool, pool: bool) -> nn.Sequential:
    """Convolutions of 3x3 at one resolution, each with its own ReLU, then the halving."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, out in enumerate(widths, start=1):
        layers[f"conv{number}"] = nn.Conv2d(width, out, 3, padding=1, bias=not batch_norm)
        if batch_norm:
            layers[f"bn{number}"] = nn.BatchNorm2d(out)
        layers[f"relu{number}"] = nn.ReLU(inplace=False)
        width = out
    if pool:
        layers["pool"] = nn.AvgPool2d(2)
    return nn.Sequential(layers)


@torch.no_grad()
def fold(net: BundledNet) -> BundledNet:
    """The same function without batch norm: in eval mode its scale and shift are part of the convolution before it."""
    folded = BundledNet(**net.architecture)
    for name, conv in convolutions(folded):
        trained, norm = net.get_submodule(name), net.get_submodule(name.replace("conv", "bn"))
        assert isinstance(trained, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        assert conv.bias is not None
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        conv.weight.copy_(trained.weight * scale[:, None, None, None])
        conv.bias.copy_(norm.bias - norm.running_mean * scale)
    folded.fc.load_state_dict(net.fc.state_dict())
    return folded.eval()


@torch.no_grad()
def unfold(folded: BundledNet, pictures: Tensor) -> BundledNet:
    """The same function with batch norm again, so that a shipped network can be trained on: the inverse of `fold`.

    The running statistics are those of normalised `pictures` [B, 3, H, W]; 3x3 kernels [out, ...] get the norm sqrt(out)
    that Muon keeps them at.
    """
    net = BundledNet(**folded.architecture, batch_norm=True).to(pictures.device).eval()
    shipped = dict(convolutions(folded.to(pictures.device)))
    x = pictures
    for name, layer in _in_order(net):
        if isinstance(layer, nn.Conv2d):
            old = shipped[name]
            assert old.bias is not None
            scale = 1.0 if name == "conv1" else len(old.weight) ** 0.5 / float(old.weight.norm())
            layer.weight.copy_(old.weight * scale)
            bias = old.bias
        x = _standardised(layer, x, scale, bias) if isinstance(layer, nn.BatchNorm2d) else layer(x)
    net.fc.load_state_dict(folded.fc.state_dict())
    return net


def _standardised(norm: nn.BatchNorm2d, x: Tensor, scale: float, bias: Tensor) -> Tensor:
    """Set a batch norm to the statistics of what it is given, and to the function x / scale + bias."""
    variance, mean = torch.var_mean(x, (0, 2, 3))
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_((variance + norm.eps).sqrt() / scale)
    norm.bias.copy_(bias + mean / scale)
    return norm(x)


def _in_order(net: nn.Module) -> list[tuple[str, nn.Module]]:
    """The layers without layers inside, as the picture meets them."""
    return [(name, layer) for name, layer in net.named_modules() if not list(layer.children())]


def convolutions(net: nn.Module) -> list[tuple[str, nn.Conv2d]]:
    """Every convolution with its name, in the order the picture meets them."""
    return [(name, layer) for name, layer in net.named_modules() if isinstance(layer, nn.Conv2d)]


def load_bundled(twin: str) -> BundledBundle:
    """One of the twins `standard`, `robust` or `random`, float32 and in eval mode.

    Raises ValueError for another name and FileNotFoundError where the weights of the twin are not in the assets.
    """
    if twin not in TWINS:
        raise ValueError(f"There is no bundled network {twin!r}: choose one of {', '.join(TWINS)}.")
    weights, card_file = ASSETS / f"{twin}.safetensors", ASSETS / f"{twin}.json"
    if not (weights.exists() and card_file.exists()):
        raise FileNotFoundError(f"The {twin} twin is not in {ASSETS}: train it with `python -m viz_core.models.train`.")
    card = json.loads(card_file.read_text(encoding="utf-8"))
    classes = tuple(ClassName(**names) for names in card["classes"])
    return BundledBundle(
        load_folded(weights), tuple(card["mean"]), tuple(card["std"]), classes, card["input_size"], card
    )


def load_folded(weights: Path) -> BundledNet:
    """The network of a `.safetensors` file whose card `.json` stands beside it, float32 and in eval mode."""
    card = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    with torch.device("meta"):
        net = BundledNet(**card["architecture"])
    net.load_state_dict({name: value.float() for name, value in load_file(weights).items()}, assign=True)
    return net.eval()


@lru_cache(maxsize=1)
def class_names() -> tuple[ClassName, ...]:
    """The 200 classes in the order of the outputs, read from the table in the assets."""
    lines = (ASSETS / "classes.tsv").read_text(encoding="utf-8").splitlines()
    return tuple(ClassName(*line.split("\t")) for line in lines)


def parameter_count(net: nn.Module) -> int:
    """How many numbers were learnt."""
    return sum(math.prod(parameter.shape) for parameter in net.parameters())
