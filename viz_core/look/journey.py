"""The way of a picture through the network: the strongest maps of a few layers, from the first to the last."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from viz_core.images.render import grid, map_tiles, resize
from viz_core.models.cam import map_layers
from viz_core.models.graph import GraphModel

STATIONS = 4
MAPS = 9
HEIGHT = 72  # of a map in the picture, pixels
GREY = 127  # between the maps, on light and on dark pages


class Station(NamedTuple):
    """A layer on the way: its name, its output shape (channels, height, width), and its strongest maps as one picture."""

    layer: str
    shape: tuple[int, ...]
    picture: np.ndarray


def stations(network: GraphModel) -> tuple[str, ...]:
    """Layers from the first to the last with maps, evenly spread; rectified ones where the network has such."""
    maps = map_layers(network)
    rectified = [name for name in maps if network.layer(name).kind == "ReLU"]
    layers = rectified or maps
    places = np.linspace(0, len(layers) - 1, min(STATIONS, len(layers)))
    return tuple(dict.fromkeys(layers[round(place)] for place in places))


@torch.inference_mode()
def numbers(network: GraphModel, x: Tensor) -> dict[str, np.ndarray]:
    """The picture as `input`, what the stations answer to it by their names, and the `probabilities` of the classes."""
    answers = network.activations(x, stations(network)) | {"probabilities": network.probabilities(x)[0]}
    return {"input": x.cpu().numpy()} | {name: values.float().cpu().numpy() for name, values in answers.items()}


def sheet(seen: np.ndarray, way: Sequence[Station]) -> np.ndarray:
    """The picture as the network sees it (H, W, 3) uint8 and the stations' pictures beside it."""
    height = way[0].picture.shape[0]
    first = resize(seen, (height, round(height * seen.shape[1] / seen.shape[0])))
    return grid([first, *(station.picture for station in way)], columns=1 + len(way), gap=8)


@torch.no_grad()
def journey(network: GraphModel, x: Tensor) -> list[Station]:
    """What the stations answer to a picture (1, 3, H, W): the maps of most contrast, each in its own colours."""
    layers = stations(network)
    answers = network.activations(x, layers)
    return [_station(layer, answers[layer][0].float().cpu().numpy()) for layer in layers]


def _station(layer: str, maps: np.ndarray) -> Station:
    strongest = np.argsort(-maps.std(axis=(1, 2)), kind="stable")[:MAPS]
    size = HEIGHT, round(HEIGHT * maps.shape[2] / maps.shape[1])
    tiles = [resize(tile, size, sharp=True) for tile in map_tiles(maps[strongest])]
    return Station(layer, maps.shape, grid(tiles, gap=3, background=GREY))
