"""The catalogue of torchvision's classifiers: what they are, and how to build them with random or learnt weights."""

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torchvision import models as torchvision_models
from torchvision.models import VisionTransformer, WeightsEnum

from viz_core.models.random_state import private_random_state
from viz_core.models.vit import any_size
from viz_core.models.weights import Progress, fetch, is_here, read_tensors

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

_FAMILIES: dict[str, tuple[int, dict[str, str]]] = {
    "AlexNet": (2012, {"alexnet": "AlexNet"}),
    "VGG": (
        2014,
        {f"vgg{n}": f"VGG-{n}" for n in (11, 13, 16, 19)}
        | {f"vgg{n}_bn": f"VGG-{n} with batch norm" for n in (11, 13, 16, 19)},
    ),
    "GoogLeNet": (2014, {"googlenet": "GoogLeNet"}),
    "Inception": (2015, {"inception_v3": "Inception-v3"}),
    "ResNet": (
        2015,
        {f"resnet{n}": f"ResNet-{n}" for n in (18, 34, 50, 101, 152)}
        | {"resnext50_32x4d": "ResNeXt-50 32x4d", "wide_resnet50_2": "Wide ResNet-50-2"},
    ),
    "SqueezeNet": (2016, {"squeezenet1_0": "SqueezeNet 1.0", "squeezenet1_1": "SqueezeNet 1.1"}),
    "DenseNet": (2016, {f"densenet{n}": f"DenseNet-{n}" for n in (121, 161, 169, 201)}),
    "MobileNet": (
        2018,
        {
            "mobilenet_v2": "MobileNetV2",
            "mobilenet_v3_small": "MobileNetV3 small",
            "mobilenet_v3_large": "MobileNetV3 large",
            "mnasnet1_0": "MNASNet 1.0",
        },
    ),
    "ShuffleNet": (2018, {"shufflenet_v2_x1_0": "ShuffleNetV2 1.0x"}),
    "EfficientNet": (
        2019,
        {f"efficientnet_b{n}": f"EfficientNet-B{n}" for n in range(4)} | {"efficientnet_v2_s": "EfficientNetV2 small"},
    ),
    "RegNet": (
        2020,
        {
            "regnet_x_400mf": "RegNetX 400 MF",
            "regnet_x_1_6gf": "RegNetX 1.6 GF",
            "regnet_y_400mf": "RegNetY 400 MF",
            "regnet_y_1_6gf": "RegNetY 1.6 GF",
        },
    ),
    "Vision transformer": (2020, {f"vit_b_{n}": f"ViT-B/{n}" for n in (16, 32)}),
    "Swin": (2021, {"swin_t": "Swin tiny", "swin_s": "Swin small"}),
    "ConvNeXt": (2022, {f"convnext_{size}": f"ConvNeXt {size}" for size in ("tiny", "small", "base")}),
}

# What torchvision's builders set when they are given learnt weights.
_TRAINED_WITH: dict[str, dict[str, object]] = {
    "googlenet": {"transform_input": True, "aux_logits": True, "init_weights": False},
    "inception_v3": {"transform_input": True, "aux_logits": True, "init_weights": False},
}

# DenseNet's files are older than its module names: `norm.1` became `norm1`.
_DENSENET_KEY = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")


@dataclass(frozen=True)
class ZooEntry:
    """One network of the catalogue: for people its title, family, year, input size (pixels), parameters and megabytes.

    `weights` are those of the original recipe (torchvision's IMAGENET1K_V1), which the literature's pictures were
    made with; `url` names the file, whose name carries the first eight hex digits of its SHA-256.
    """

    name: str
    title: str
    family: str
    year: int
    input_size: int
    parameters: int
    megabytes: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    class_names: tuple[str, ...]
    weights: WeightsEnum
    url: str


@cache
def entries() -> tuple[ZooEntry, ...]:
    """All networks of the catalogue, by year."""
    return tuple(
        _entry(name, title, family, year)
        for family, (year, networks) in _FAMILIES.items()
        for name, title in networks.items()
    )


@cache
def _by_name() -> dict[str, ZooEntry]:
    return {entry.name: entry for entry in entries()}


def find(name: str) -> ZooEntry | None:
    """The entry of this name, if there is one."""
    return _by_name().get(name)


def _entry(name: str, title: str, family: str, year: int) -> ZooEntry:
    weights = torchvision_models.get_model_weights(name)["IMAGENET1K_V1"]
    preset = weights.transforms()
    return ZooEntry(
        name=name,
        title=title,
        family=family,
        year=year,
        input_size=preset.crop_size[0],
        parameters=weights.meta["num_params"],
        megabytes=weights.meta["_file_size"],
        mean=tuple(preset.mean),
        std=tuple(preset.std),
        class_names=tuple(weights.meta["categories"]),
        weights=weights,
        url=weights.url,
    )


def build_random(name: str, seed: int) -> nn.Module:
    """The network as torchvision initialises it under `torch.manual_seed(seed)`; on the CPU.

    The head of a vision transformer, which torchvision starts at zero, is drawn like that of others: under zeros no class
    would depend on anything, and every explanation would be flat.
    """
    with private_random_state(seed), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # about a future default initialisation
        network = torchvision_models.get_model(name, weights=None)
        if isinstance(network, VisionTransformer):
            network.heads.head.reset_parameters()
        return any_size(network).eval()


def is_cached(name: str) -> bool:
    """Whether the learnt weights of this network are on the disk already."""
    entry = find(name)
    return entry is not None and is_here(entry.url)


def download(name: str, progress: Progress | None = None) -> Path:
    """Fetch the learnt weights of a network of the catalogue, unless they are here; see `weights.fetch`."""
    return fetch(_by_name()[name].url, progress)


def build_pretrained(entry: ZooEntry) -> nn.Module:
    """The network with its learnt weights, fetched if need be; on the CPU. Raises ConvscopeError where they cannot be had."""
    state = modern_keys(read_tensors(download(entry.name)))
    network = empty_network(entry.name, **_TRAINED_WITH.get(entry.name, {}))
    network.load_state_dict(state, assign=True)
    return any_size(network).eval()


def modern_keys(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights under the names that torchvision's modules have today."""
    return {_DENSENET_KEY.sub(r"\1\2.", key): value for key, value in state.items()}


class _NoNumbers(TorchFunctionMode):
    """Tensors made by `torch.empty`, as modules make their parameters, get a shape and no memory (torch's meta device)."""

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        return func(*args, **{**(kwargs or {}), **({"device": "meta"} if func is torch.empty else {})})


def empty_network(name: str, **options: object) -> nn.Module:
    """The network with parameters that wait for their numbers; takes no time and no memory."""
    with _NoNumbers(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return torchvision_models.get_model(name, weights=None, **options)
