"""New pictures on a finished map: described by its layer, put among their nearest."""

from collections.abc import Sequence

import numpy as np

from viz_core.embed.features import describe
from viz_core.embed.projection import NEAREST, landed
from viz_core.embed.search import nearest
from viz_core.images.picture_set import square
from viz_core.images.tensor import to_tensor
from viz_core.models.graph import GraphModel


def land(
    network: GraphModel,
    layer: str,
    side: int,
    flat: bool,
    pixels: np.ndarray,
    vectors: np.ndarray,
    maps: Sequence[np.ndarray],
) -> np.ndarray:
    """Where a picture (H, W, 3) uint8 lands on maps (N, 2) of pictures with these vectors (N, D): (maps, 2)."""
    vector = describe(network, to_tensor(square(pixels, side)), layer, flat)[0]
    places, far = nearest(vector, vectors, NEAREST)
    return np.stack([landed(places, far, points) for points in maps])
