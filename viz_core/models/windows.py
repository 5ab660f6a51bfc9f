"""Where a change of a picture reaches: windows of maps, each at its own place, all of one size within a batch."""

from dataclasses import dataclass

import torch
from torch import Tensor

from viz_core.models.receptive_field import Pair, Window

Places = list[int]  # of the first row or column of each window


@dataclass(frozen=True)
class Changed:
    """Where maps differ from a clean one: values (N, C, h, w), with the top row and the left column of each."""

    values: Tensor
    top: Places
    left: Places

    @property
    def size(self) -> tuple[int, int]:
        return self.values.shape[2], self.values.shape[3]


def cut(base: Tensor, top: Places, left: Places, size: tuple[int, int]) -> Tensor:
    """Windows (N, C, *size) of a map (1, C, H, W)."""
    (height, width), whole = size, base[0]
    out = blank(base, len(top), size)
    for window, y, x in zip(out.unbind(), top, left, strict=True):
        window.copy_(whole[:, y : y + height, x : x + width])
    return out


def paste(out: Tensor, top: Places, left: Places, change: Changed) -> Tensor:
    """Windows (N, C, h, w) of a map, whose places these are, with the change laid over them; in place."""
    parts = zip(out.unbind(), change.values.unbind(), top, left, change.top, change.left, strict=True)
    for window, value, y, x, above, beside in parts:
        rows, from_row = _overlap(above - y, change.size[0], out.shape[2])
        columns, from_column = _overlap(beside - x, change.size[1], out.shape[3])
        here = window[:, rows, columns]
        if here.numel():
            here.copy_(value[:, from_row : from_row + here.shape[1], from_column : from_column + here.shape[2]])
    return out


def _overlap(place: int, length: int, side: int) -> tuple[slice, int]:
    """What of [0, side) a span covers, and with which of its entries that begins."""
    return slice(max(0, place), max(0, min(side, place + length))), max(0, -place)


def blank(like: Tensor, count: int, size: tuple[int, int]) -> Tensor:
    """Windows without values (count, C, *size), with the channels last in memory where they are last there."""
    if like.is_contiguous(memory_format=torch.channels_last):
        return like.new_empty(count, *size, like.shape[1]).permute(0, 3, 1, 2)
    return like.new_empty(count, like.shape[1], *size)


def needed(outputs: int, window: Window, axis: int) -> int:
    """How many inputs so many outputs side by side look at."""
    return (outputs - 1) * window.stride[axis] + (window.kernel[axis] - 1) * window.dilation[axis] + 1


def union(spans: list[tuple[Places, int]], side: int) -> tuple[Places, int]:
    """First places and common length of the spans that hold all the given ones, within a side."""
    first = [min(places) for places in zip(*(places for places, _ in spans), strict=True)]
    last = [max(ends) for ends in zip(*([place + length for place in places] for places, length in spans), strict=True)]
    length = max(end - begin for begin, end in zip(first, last, strict=True))
    return [min(begin, side - length) for begin in first], length


def reached(
    places: Places, length: int, side: int, outputs: int, window: Window, axis: int, spreads: bool
) -> tuple[Places, int]:
    """First places and common length of the outputs that changes of inputs [place, place + length) can reach.

    spreads: whether a change at the border of the input changes the padding too.
    """
    padding, stride = window.padding[axis], window.stride[axis]
    reach = (window.kernel[axis] - 1) * window.dilation[axis]
    first, count = [], 1
    for place in places:
        low, high = place + padding, place + padding + length - 1
        if spreads and place == 0:
            low = 0
        if spreads and place + length == side:
            high = side + 2 * padding - 1
        begin = min(max(0, -((reach - low) // stride)), outputs - 1)
        first.append(begin)
        count = max(count, min(high // stride, outputs - 1) - begin + 1)
    return [min(begin, outputs - count) for begin in first], count


def replicate(windows: Tensor, top: Places, left: Places, sides: Pair, padding: Pair) -> Tensor:
    """Windows of a padded map with its padding made anew from the map's own border; in place.

    top, left: places in the padded map, whose map has these sides.
    """
    for window, place in zip(windows.unbind(), zip(top, left, strict=True), strict=True):
        for axis, (begin, side, pad) in enumerate(zip(place, sides, padding, strict=True), start=1):
            length = window.shape[axis]
            before, behind = max(0, pad - begin), min(length, pad + side - begin)
            if before:
                window.narrow(axis, 0, before).copy_(
                    window.narrow(axis, before, 1).expand_as(window.narrow(axis, 0, before))
                )
            if behind < length:
                rest = window.narrow(axis, behind, length - behind)
                rest.copy_(window.narrow(axis, behind - 1, 1).expand_as(rest))
    return windows
