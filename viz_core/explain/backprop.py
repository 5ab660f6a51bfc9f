"""Backprop room: one unit, or a class score, sent back to the pixels by three rules side by side."""

from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from viz_core.errors import ConvscopeError
from viz_core.images.render import enlarge, heatmap, normalise, overlay
from viz_core.images.tensor import to_pixels
from viz_core.models.gradients import score_gradient, strongest_position, unit_gradient
from viz_core.models.graph import GraphModel
from viz_core.models.relu_rules import RULES, ReluRule
from viz_core.technique import Run, Section, Technique, check_channel

SMALLEST_CROP = 160  # pixels on the screen
OVERLAY = 0.7
ALL_BUT_STRONGEST = 0.99  # a few pixels are so strong that beside them nothing else would be seen
Box = tuple[int, int, int, int]


class Backprop(Technique):
    """Send one unit of any layer, or a class score, back to the pixels by backprop, deconvnet and guided backprop.

    Simonyan et al., 2013; Zeiler & Fergus 2014; Springenberg et al., 2015, figure 1.
    """

    slug: ClassVar[str] = "backprop"
    section: ClassVar[Section] = "explain"
    order: ClassVar[int] = 30
    icon: ClassVar[str] = "undo"

    size: int | None = Field(
        None,
        ge=32,
        le=512,
        description="short side of the picture for the network, pixels; empty: the network's own",
        json_schema_extra={"advanced": True},
    )
    target: int | str | None = Field(
        None, description="class index or name, where no layer is given; empty: first choice"
    )
    layer: str | None = Field(
        None, description="layer of the unit; empty: the class score", json_schema_extra={"widget": "layer"}
    )
    channel: int | None = Field(None, ge=0, description="channel of the unit; empty: the strongest for this picture")
    row: int | None = Field(
        None, ge=0, description="row of the unit; empty: where it is strongest", json_schema_extra={"advanced": True}
    )
    column: int | None = Field(
        None, ge=0, description="column of the unit; empty: where it is strongest", json_schema_extra={"advanced": True}
    )
    rule: Literal["backprop", "deconvnet", "guided"] = Field(
        "guided", description="the rule whose map lies over the picture"
    )
    scale: Literal["each", "joint"] = Field(
        "each", description="contrast of each rule for itself, or one for all three"
    )

    def run(self) -> Run:
        """One pass forward and back for each rule; there is nothing to wait for."""
        yield from ()
        network, x = self.network(), self.input()
        facts, activation, box = self.chosen(network, x)
        gradients: dict[str, np.ndarray] = {rule: self.gradient(network, x, facts, rule) for rule in RULES}
        limits = {rule: contrast(gradient) for rule, gradient in gradients.items()}
        if self.scale == "joint":
            limits = dict.fromkeys(RULES, max(limits.values()))
        tiles: dict[str, np.ndarray] = {rule: relief(gradients[rule], limits[rule]) for rule in RULES}
        top, left, bottom, right = box
        factor = max(1, round(SMALLEST_CROP / max(bottom - top, right - left)))
        crops = {f"{name}_crop": enlarge(tile[top:bottom, left:right], factor) for name, tile in tiles.items()}
        pixels, strength = to_pixels(x), np.abs(gradients[self.rule]).max(axis=0)
        return self.result(
            arrays={"map": strength, "activation": activation, **gradients},
            pictures={
                **tiles,
                **crops,
                "overlay": overlay(pixels, strength, OVERLAY),
                "picture_crop": enlarge(pixels[top:bottom, left:right], factor),
                "activation": heatmap(activation),
            },
            scores=facts
            | dict(zip(("top", "left", "bottom", "right"), box, strict=True))
            | {f"strongest_{rule}": float(np.abs(gradients[rule]).max()) for rule in RULES},
        )

    def chosen(self, network: GraphModel, x: Tensor) -> tuple[dict[str, int | float | str], np.ndarray, Box]:
        """What is sent back: its facts, the activation map it is part of, and the pixels (box) it can see."""
        height, width = x.shape[-2:]
        everything = (0, 0, height, width)
        facts: dict[str, int | float | str]
        if self.layer is None:
            target = network.target_index(self.target, x)
            with torch.inference_mode():
                score = float(network(x)[0, target])
            facts = {"class": network.class_name(target), "class_index": target, "value": score}
            return facts, np.full((1, 1), score, np.float32), everything
        layer = network.resolve_layer(self.layer)
        with torch.inference_mode():
            values = network.activations(x, layer)[layer]
        if values.dim() == 2:
            values = values[..., None, None]
        channel = check_channel(network, layer, self.channel)
        channel = int(values[0].amax(dim=(1, 2)).argmax()) if channel is None else channel
        row, column = self.position(layer, values[:, channel])
        activation = values[0, channel].cpu().numpy()
        facts = {"layer": layer, "channel": channel, "channels": values.shape[1], "row": row, "column": column}
        facts |= {"value": float(activation[row, column])}
        field = network.layer(layer, (height, width)).receptive_field
        if field is None:
            return facts, activation, everything
        top, left, bottom, right = field.box(row, column)
        return facts, activation, (max(0, top), max(0, left), min(height, bottom), min(width, right))

    def position(self, layer: str, maps: Tensor) -> tuple[int, int]:
        """Row and column of the unit in its channel's map (1, h, w): as given, else where the map is greatest."""
        rows, columns = maps.shape[-2:]
        strongest = [int(place[0]) for place in strongest_position(maps)]
        row = strongest[0] if self.row is None else self.row
        column = strongest[1] if self.column is None else self.column
        if row >= rows or column >= columns:
            raise ConvscopeError(
                "model_errors.no_position", layer=layer, rows=rows, columns=columns, row=row, column=column
            )
        return row, column

    def gradient(self, network: GraphModel, x: Tensor, facts: dict, rule: ReluRule) -> np.ndarray:
        """The chosen number's gradient by one rule, (3, H, W)."""
        if self.layer is None:
            gradient = score_gradient(network, x, facts["class_index"], rule)
        else:
            position = facts["row"], facts["column"]
            gradient = unit_gradient(network, x, facts["layer"], facts["channel"], position, rule)
        return gradient[0].cpu().numpy()


def contrast(gradient: np.ndarray) -> float:
    """The magnitude to show as full black or white: all but the strongest of the values that are not zero lie below it."""
    magnitudes = np.abs(gradient[gradient != 0])
    return float(np.quantile(magnitudes, ALL_BUT_STRONGEST)) if magnitudes.size else 0.0


def relief(gradient: np.ndarray, limit: float) -> np.ndarray:
    """A gradient (3, H, W) as colours around mid-grey, which is zero: (H, W, 3) uint8."""
    shades = normalise(np.moveaxis(gradient, 0, -1), (-limit, limit))
    return np.rint(255 * shades).astype(np.uint8)
