"""Where single units of a layer answer in a picture, as patches to look at."""

from collections.abc import Sequence

import numpy as np
import torch

from viz_core.images.boxes import Box, cut, inside
from viz_core.images.render import resize
from viz_core.images.tensor import to_tensor
from viz_core.models.graph import GraphModel
from viz_core.models.layers import Layer

SHARPER = 2  # patches are cut out of pictures so many times larger than what the network saw
PATCH = 72  # side of a patch to look at, pixels


def focus(layer: Layer, row: int, column: int, side: int) -> Box:
    """The part of a picture (side × side) that a unit looks at: its receptive field, or half the picture about its middle."""
    if layer.receptive_field is None:
        return 0, 0, side, side
    top, left, bottom, right = layer.receptive_field.box(row, column)
    half = min(max(bottom - top, right - left), side // 2) // 2
    middle = [min(max((low + high) // 2, half), side - half) for low, high in ((top, bottom), (left, right))]
    return middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half


@torch.inference_mode()
def unit_patches(
    network: GraphModel, layer: str, side: int, asked: Sequence[tuple[np.ndarray, int]]
) -> list[np.ndarray]:
    """For each picture (S, S, 3) uint8, S twice `side`, and unit: the patch about where the unit answers most strongly.

    Patches (72, 72, 3) uint8. Layers without positions give the whole picture.
    """
    if not asked:
        return []
    seen = torch.cat([to_tensor(resize(pixels, (side, side))) for pixels, _ in asked]).to(network.device)
    values = network.activations(seen, layer)[layer].float().cpu().numpy()
    told = network.layer(layer, (side, side))
    patches = []
    for (pixels, unit), answer in zip(asked, values, strict=True):
        if answer.ndim < 3 or answer[unit].size == 1:
            patches.append(resize(pixels, (PATCH, PATCH)))
            continue
        row, column = np.unravel_index(int(answer[unit].argmax()), answer[unit].shape)
        box = focus(told, int(row), int(column), side)
        larger = inside((box[0] * SHARPER, box[1] * SHARPER, box[2] * SHARPER, box[3] * SHARPER), *pixels.shape[:2])
        patches.append(resize(cut(pixels, larger), (PATCH, PATCH)))
    return patches
