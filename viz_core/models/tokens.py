"""The tokens of transformers as maps: (N, T, C) or, with the channels last, (N, h, w, C), as (N, C, h, w) and back.

Among T tokens the last h * w are the places of a grid, row by row; those before them, such as the class token, stand for none.
"""

import torch
from torch import Tensor

MOST_OTHERS = 8  # tokens without a place: a class token, a distillation token, registers


def are_places(tokens: int, grid: tuple[int, ...] | None) -> bool:
    """Whether so many tokens can be the places of a grid (h, w) with a few others before them."""
    return grid is not None and 0 <= tokens - grid[0] * grid[1] <= MOST_OTHERS


def to_maps(values: Tensor, grid: tuple[int, ...]) -> Tensor:
    """The values of a layer as maps (N, C, h, w) on a grid (h, w)."""
    if values.dim() == 4:
        return values.permute(0, 3, 1, 2)
    return values[:, -grid[0] * grid[1] :].transpose(1, 2).unflatten(2, grid)


def from_maps(maps: Tensor, values: Tensor) -> Tensor:
    """What `to_maps` made of values, as values; tokens without a place come from those before."""
    if values.dim() == 4:
        return maps.permute(0, 2, 3, 1)
    places = maps.flatten(2).transpose(1, 2)
    return torch.cat([values[:, : values.shape[1] - places.shape[1]], places], dim=1)
