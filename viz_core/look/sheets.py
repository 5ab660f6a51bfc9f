"""Sheets of numbered tiles, one for each channel: which channel lies where."""

import numpy as np

from viz_core.technique import Result


def shown_channels(result: Result) -> np.ndarray:
    """The channels whose tiles the sheet shows: places `first` to `last` of the order."""
    return result.arrays["order"][result.scores["first"] : result.scores["last"] + 1]


def tile_at(result: Result, y: float, x: float) -> int | None:
    """The channel whose tile lies at a point, both coordinates as shares in [0, 1); None beyond the last one."""
    shown, columns = shown_channels(result), result.scores["columns"]
    place = int(y * -(-len(shown) // columns)) * columns + int(x * columns)
    return int(shown[place]) if place < len(shown) else None


def tile_of(result: Result, channel: int) -> tuple[int, int] | None:
    """The row and column of a channel's tile; None where the sheet does not show it."""
    place = np.flatnonzero(shown_channels(result) == channel)
    return divmod(int(place[0]), result.scores["columns"]) if place.size else None


def told_by_tile(result: Result, *values: np.ndarray) -> np.ndarray:
    """The channel of every tile and its values, each (channels,), as (rows, columns, 1 + values); not-a-number beyond the last."""
    shown, columns = shown_channels(result), result.scores["columns"]
    told = np.full((-(-len(shown) // columns) * columns, 1 + len(values)), np.nan, np.float32)
    told[: len(shown)] = np.stack([shown, *(each[shown] for each in values)], axis=1)
    return told.reshape(-1, columns, told.shape[1])


def page_of(order: np.ndarray, first: int, count: int) -> np.ndarray:
    """The channels to show from a place of the order on; the last page where the order is shorter."""
    start = min(first, (len(order) - 1) // count * count)
    return order[start : start + count]
