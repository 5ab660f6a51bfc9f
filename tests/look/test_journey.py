"""The way through the network: layers in order, and the maps of most contrast by hand."""

import numpy as np
import pytest
import torch

from viz_core import models
from viz_core.images.render import heatmap
from viz_core.look.journey import HEIGHT, MAPS, journey, stations


@pytest.mark.parametrize("name", ["bundled", "random:googlenet", "random:alexnet"])
def test_stations_go_from_the_first_to_the_last(name):
    network = models.load(name)
    layers = stations(network)
    sides = [network.layer(layer).shape[-1] for layer in layers]
    assert len(layers) == 4
    assert sides == sorted(sides, reverse=True)
    assert sides[0] > sides[-1]


def test_the_first_tile_is_the_map_of_most_contrast():
    network = models.load("random:alexnet")
    x = torch.rand(1, 3, 96, 144, generator=torch.Generator().manual_seed(0))
    way = journey(network, x)
    for station in way:
        maps = network.activations(x, [station.layer])[station.layer][0].numpy()
        assert station.shape == maps.shape
        strongest = maps[max(range(len(maps)), key=lambda channel: maps[channel].std())]
        tile = station.picture[3 : 3 + HEIGHT]
        rows = (np.arange(HEIGHT) + 0.5) * strongest.shape[0] // HEIGHT
        first_column = heatmap(strongest)[rows.astype(int), 0]
        assert (tile[:, 4] == first_column).mean() > 0.95
    assert MAPS == 9
