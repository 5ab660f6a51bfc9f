"""How much work a picture is, so that long runs can be cut into pieces of a tenth of a second."""

import math

import torch

from viz_core.models.graph import GraphModel

MULTIPLICATIONS_PER_STEP = 6e9
LARGEST_BATCH = 64


def multiplications(network: GraphModel, x: torch.Tensor) -> int:
    """Multiplications of one forward pass of a picture of the size of x, roughly: each weight at each position."""
    height, width = x.shape[-2:]
    return sum(layer.parameters * math.prod(layer.shape[1:]) for layer in network.layers((height, width)))


def batch_size(network: GraphModel, x: torch.Tensor) -> int:
    """Pictures that make about a tenth of a second of work; by sizes alone, so that results repeat exactly."""
    return max(1, min(LARGEST_BATCH, int(MULTIPLICATIONS_PER_STEP / max(1, multiplications(network, x)))))
