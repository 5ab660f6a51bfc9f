"""Activations: what every channel of a layer answers to the picture."""

import dataclasses
from functools import partial
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field

from viz_core.errors import ConvscopeError
from viz_core.images.boxes import Box, inside, outlined
from viz_core.images.refs import open_image
from viz_core.images.render import (
    GREY,
    Limits,
    enlarge,
    fit,
    grid,
    heatmap,
    is_flat,
    limits_of,
    overlay,
)
from viz_core.images.tensor import to_input, to_pixels
from viz_core.look.sheets import page_of
from viz_core.models.graph import GraphModel
from viz_core.models.layers import Layer
from viz_core.models.memory import Memory
from viz_core.technique import Result, Run, Section, Technique, check_channel

TILE = 64  # shown side of a map, pixels
MAP_SIDE = 448  # shown side of the enlarged map, pixels
SMALLEST_MAP = 12  # units a side of the maps shown unless a layer is chosen
STRONGEST = 12
STRONGEST_COLUMNS = 6
BINS = 32
GAP = 2
SIDES = ("top", "left", "bottom", "right")
CENTRES = ("first_row", "row_step", "first_column", "column_step")

_maps: Memory[np.ndarray] = Memory(12)
_sheets: Memory[np.ndarray] = Memory(12)
_shown: Memory[np.ndarray] = Memory(12)


@dataclasses.dataclass(frozen=True)
class Maps:
    """The answers of one layer to one picture: values (C, H, W) float32, a vector's as (C, 1, 1), and the layer itself.

    picture: height and width of the picture as the network saw it; shown: the same part of it as large as it is shown,
    (H, W, 3) uint8; key: what the values were computed from.
    """

    values: np.ndarray
    layer: Layer
    picture: tuple[int, int]
    shown: np.ndarray
    key: tuple[object, ...]

    def box(self, row: int, column: int) -> Box:
        """The pixels one unit sees, (top, left, bottom, right) within the picture."""
        field = self.layer.receptive_field
        height, width = self.picture
        return inside(field.box(row, column), height, width) if field else (0, 0, height, width)

    def centres(self) -> tuple[float, float, float, float]:
        """Where the units lie on the picture: first row, rows apart, first column, columns apart, in pixels."""
        field = self.layer.receptive_field
        if field is not None:
            first = [offset + (size - 1) / 2 for offset, size in zip(field.offset, field.size, strict=True)]
            return first[0], field.stride[0], first[1], field.stride[1]
        apart = [side / units for side, units in zip(self.picture, self.values.shape[1:], strict=True)]
        return (apart[0] - 1) / 2, apart[0], (apart[1] - 1) / 2, apart[1]


class Activations(Technique):
    """Show what each channel of a layer answers to the picture, where it answers most, and which channels are strongest there.

    Yosinski, Clune, Nguyen, Fuchs & Lipson 2015.
    """

    slug: ClassVar[str] = "activations"
    section: ClassVar[Section] = "look"
    order: ClassVar[int] = 20
    icon: ClassVar[str] = "apps"

    layer: str | None = Field(
        None,
        description="layer to look at; empty: the last ReLU whose maps still show where things are",
        json_schema_extra={"widget": "layer"},
    )
    channel: int | None = Field(None, ge=0, description="channel to enlarge; empty: the strongest")
    sort: Literal["index", "mean", "max", "sparsity"] = Field("max", description="order of the maps")
    scale: Literal["each", "joint"] = Field("each", description="colours of each map for itself, or one scale for all")
    count: int = Field(64, ge=1, le=1024, description="how many maps to draw", json_schema_extra={"advanced": True})
    size: int | None = Field(
        None,
        ge=32,
        le=1024,
        description="short side of the picture for the network, pixels; empty: the network's own",
        json_schema_extra={"advanced": True},
    )
    opacity: float = Field(0.6, ge=0, le=1, description="how strongly the map covers the picture")
    first: int = Field(0, ge=0, description="place of the first map drawn in the order")
    row: int | None = Field(None, ge=0, description="row of the unit to look at; empty: where the channel peaks")
    column: int | None = Field(None, ge=0, description="column of the unit to look at; empty: where the channel peaks")
    other_model: str | None = Field(None, description="second network, on the same scale; empty: the same network")
    other_image: str | None = Field(None, description="second picture, on the same scale; empty: the same picture")

    def run(self) -> Run:
        """One forward pass, cut at the layer."""
        yield from ()
        x = self.input()
        maps, other = self.maps(x), self.other()
        both = [maps, other] if other else [maps]
        order = ordered(maps.values, self.sort)
        shown = page_of(order, self.first, self.count)
        first = int(np.flatnonzero(order == shown[0])[0])
        columns = int(np.ceil(np.sqrt(len(shown))))
        vector = maps.values[0].size == 1  # a single number has no scale of its own
        scales = limits([each.values for each in both], self.scale == "joint" or vector)
        channel = int(ordered(maps.values, "max")[0]) if self.channel is None else self.channel
        check_channel(self.network(), maps.layer.name, channel)
        row, column = self.unit(maps, channel)
        box = maps.box(row, column)
        top = strongest(maps.values, row, column)
        pictures = dict(zip(("grid", "other_grid"), self.sheets(both, shown, columns, scales), strict=False))
        for name, each, frame in zip(("overlay", "other_overlay"), both, (box, None), strict=False):
            if channel < len(each.values):
                pictures[name] = over_picture(each, channel, scales[channel], self.opacity, frame)
        if not vector:
            pictures["map"] = whole_map(maps.values[channel], scales[channel])
            best = np.array([entry["channel"] for entry in top])
            pictures["strongest"] = sheet(maps.values, best, STRONGEST_COLUMNS, scales)
        counts, edges = np.histogram(maps.values[channel], BINS)
        return self.result(
            arrays={
                "maps": maps.values,
                "map": maps.values[channel],
                "order": order,
                "histogram": counts,
                "histogram_edges": edges,
                **({"other_maps": other.values} if other else {}),
            },
            pictures=pictures,
            scores={
                "layer": maps.layer.name,
                "channels": len(order),
                "height": maps.values.shape[1],
                "width": maps.values.shape[2],
                "first": first,
                "last": first + len(shown) - 1,
                "columns": columns,
                "channel": channel,
                "low": scales[channel][0],
                "high": scales[channel][1],
                "row": row,
                "column": column,
                "value": float(maps.values[channel, row, column]),
                **{name: float(values[channel]) for name, values in statistics(maps.values).items()},
                **dict(zip(SIDES, box, strict=True)),
                **dict(zip(CENTRES, maps.centres(), strict=True)),
            },
            tables={"strongest": top},
        )

    def sheets(self, both: list[Maps], shown: np.ndarray, columns: int, scales: list[Limits]) -> list[np.ndarray]:
        """The sheets of the chosen maps on one scale, kept for the next look at one of their channels."""
        keys = tuple(each.key for each in both)
        return [
            _sheets.get(
                (each.key, keys, self.scale, shown.tobytes()),
                partial(sheet, each.values, shown[shown < len(each.values)], columns, scales),
            )
            for each in both
        ]

    def maps(self, x: torch.Tensor) -> Maps:
        """The layer's answers to the picture x (1, 3, H, W), kept for the next look at them."""
        network = self.network()
        size = (x.shape[-2], x.shape[-1])
        layer = network.layer(self.layer or default_layer(network), size)
        key = (network.digest, open_image(self.image).digest, size, layer.name)
        values = _maps.get(key, lambda: answers(network, x, layer.name))
        shown = _shown.get(key[1], lambda: to_pixels(to_input(open_image(self.image), MAP_SIDE)))
        return Maps(values, layer, size, shown, key)

    def other(self) -> Maps | None:
        """The answers of the second network or to the second picture, if one is asked for."""
        changed = {"model": self.other_model or self.model, "image": self.other_image or self.image}
        if changed == {"model": self.model, "image": self.image}:
            return None
        other = self.model_copy(update=changed)
        return other.maps(other.input())

    def unit(self, maps: Maps, channel: int) -> tuple[int, int]:
        """The unit asked for, or the one where the channel peaks."""
        height, width = maps.values.shape[1:]
        if self.row is None or self.column is None:
            row, column = np.unravel_index(int(maps.values[channel].argmax()), (height, width))
            return int(row), int(column)
        if self.row >= height or self.column >= width:
            raise ConvscopeError(
                "look_errors.no_unit",
                layer=maps.layer.name,
                row=self.row,
                column=self.column,
                height=height,
                width=width,
            )
        return self.row, self.column


def default_layer(network: GraphModel) -> str:
    """The last ReLU whose maps have at least 12 x 12 units, as conv5 of AlexNet; else the last layer with positions."""
    fine = [
        layer.name
        for layer in network.layers()
        if layer.kind == "ReLU" and len(layer.shape) == 3 and min(layer.shape[1:]) >= SMALLEST_MAP
    ]
    return fine[-1] if fine else network.resolve_layer(None, "map")


@torch.inference_mode()
def answers(network: GraphModel, x: torch.Tensor, layer: str) -> np.ndarray:
    """The values (C, H, W) float32 of a layer for one picture (1, 3, H, W); (C, 1, 1) for a layer without positions."""
    values = network.activations(x, layer)[layer][0].float().cpu().numpy()
    return np.ascontiguousarray(values.reshape(*values.shape, *(1,) * (3 - values.ndim)))


def statistics(values: np.ndarray) -> dict[str, np.ndarray]:
    """Mean, maximum and sparsity (the share of places that are not above zero) of every channel of (C, H, W)."""
    return {
        "mean": values.mean(axis=(1, 2)),
        "max": values.max(axis=(1, 2)),
        "sparsity": (values <= 0).mean(axis=(1, 2)),
    }


def ordered(values: np.ndarray, by: str) -> np.ndarray:
    """The channels (C,) of (C, H, W) by index, or greatest first; by sparsity those that never rise above zero come last."""
    if by == "index":
        return np.arange(len(values))
    key = statistics(values)[by]
    if by == "sparsity":
        key = np.where(key == 1, -1, key)
    return np.argsort(-key, kind="stable")


def limits(maps: list[np.ndarray], joint: bool) -> list[Limits]:
    """The range of the colours for each channel: over all maps of that channel, or over all there are if `joint`."""
    if joint:
        return [limits_of(*maps)] * max(map(len, maps))
    lows, highs = zip(*((values.min(axis=(1, 2)), values.max(axis=(1, 2))) for values in maps), strict=True)
    channels = range(max(map(len, maps)))
    return [
        (
            min(float(low[channel]) for low in lows if channel < len(low)),
            max(float(high[channel]) for high in highs if channel < len(high)),
        )
        for channel in channels
    ]


def coloured(values: np.ndarray, scale: Limits) -> np.ndarray:
    """A map (H, W) in colours (H, W, 3) uint8; diverging about zero where its scale reaches below zero."""
    return heatmap(values, signed=scale[0] < 0, limits=scale)


def sheet(values: np.ndarray, shown: np.ndarray, columns: int, scales: list[Limits]) -> np.ndarray:
    """The chosen maps as a picture of numbered tiles, all of one size."""
    tiles = [coloured(values[channel], scales[channel]) for channel in shown]
    if not tiles:
        return np.full((TILE, TILE, 3), GREY, np.uint8)
    longest = max(values.shape[1:])
    tiles = [fit(tile, TILE) if longest > TILE else enlarge(tile, TILE // longest) for tile in tiles]
    return grid(tiles, columns=columns, gap=GAP, numbers=shown.tolist())


def unit_at(result: Result, y: float, x: float) -> tuple[int, int]:
    """The row and column of the unit that looks nearest to a point of the picture, both coordinates as shares in [0, 1)."""
    left, top, right, bottom = area(result)
    height, width = result.scores["height"], result.scores["width"]
    row, column = int((y - top) / (bottom - top) * height), int((x - left) / (right - left) * width)
    return min(max(row, 0), height - 1), min(max(column, 0), width - 1)


def whole_map(values: np.ndarray, scale: Limits) -> np.ndarray:
    """One map, enlarged with its units as squares."""
    factor = max(1, MAP_SIDE // max(values.shape))
    return enlarge(coloured(values, scale), factor)


def spread(values: np.ndarray, centres: tuple[float, float, float, float], height: int, width: int) -> np.ndarray:
    """A map (h, w) as (height, width): every pixel between the units whose fields are centred around it, bilinearly."""
    first_row, rows, first_column, columns = centres
    down = hats((np.arange(height) - first_row) / rows, values.shape[0])
    across = hats((np.arange(width) - first_column) / columns, values.shape[1])
    return down @ values @ across.T


def hats(at: np.ndarray, units: int) -> np.ndarray:
    """How much each of the units counts at each place, (places, units); beyond the first and the last they count alone."""
    return np.clip(1 - np.abs(np.clip(at, 0, units - 1)[:, None] - np.arange(units)), 0, 1)


def over_picture(maps: Maps, channel: int, scale: Limits, alpha: float, box: Box | None = None) -> np.ndarray:
    """The picture under a channel's map, which weighs `alpha` in [0, 1], with a part of the picture framed."""
    values, pixels = maps.values[channel], maps.shown
    height, width = pixels.shape[:2]
    factors = height / maps.picture[0], width / maps.picture[1]
    if values.size > 1 and not is_flat(values):
        first_row, rows, first_column, columns = maps.centres()
        down, across = factors
        centres = (down * (first_row + 0.5) - 0.5, down * rows, across * (first_column + 0.5) - 0.5, across * columns)
        pixels = overlay(pixels, spread(values, centres, height, width), alpha, scale[0] < 0, scale)
    if box is None:
        return pixels
    top, left, bottom, right = (round(factors[side % 2] * edge) for side, edge in enumerate(box))
    return outlined(pixels, (top, left, bottom, right))


def area(result: Result) -> tuple[float, float, float, float]:
    """Where the units lie on the picture, each in the middle of its cell: left, top, right, bottom as shares of it."""
    scores = result.scores
    height, width = result.arrays["input"].shape[-2:]
    left = (scores["first_column"] + 0.5 - scores["column_step"] / 2) / width
    top = (scores["first_row"] + 0.5 - scores["row_step"] / 2) / height
    across, down = scores["width"] * scores["column_step"] / width, scores["height"] * scores["row_step"] / height
    return left, top, left + across, top + down


def strongest(values: np.ndarray, row: int, column: int) -> list[dict[str, float | int]]:
    """The channels with the greatest values at one place: channel, value, and the value as a share of the channel's maximum."""
    here = values[:, row, column]
    best = np.argsort(-here, kind="stable")[:STRONGEST]
    peaks = values.max(axis=(1, 2))
    return [
        {
            "channel": int(channel),
            "value": float(here[channel]),
            "share": float(here[channel] / peaks[channel]) if peaks[channel] > 0 else 0.0,
        }
        for channel in best
    ]
