"""The small number grids: one ReLU, forward once and backward by three rules."""

from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from viz_core.errors import ConvscopeError
from viz_core.images.render import grid, heatmap, limits_of, resize
from viz_core.images.tensor import to_pixels
from viz_core.models.gradients import score_gradient, unit_gradient
from viz_core.models.relu_rules import RULES
from viz_core.technique import Run, Section, Step, Technique, check_channel

LARGEST_SIDE = 8
LARGEST_NUMBER = 1e6
CELL = 40
SHOWN_SHARE = 0.995


class Relu(Technique):
    """Send a signal back through a ReLU by backpropagation, deconvnet and guided backpropagation.

    Springenberg, Dosovitskiy, Brox & Riedmiller 2015, figure 1.
    """

    slug: ClassVar[str] = "relu"
    section: ClassVar[Section] = "learn"
    order: ClassVar[int] = 10
    icon: ClassVar[str] = "grid_on"

    values: str = Field("1 -1 5; 2 -5 -7; -3 2 4", description="what goes into the ReLU: numbers, rows parted by ;")
    signal: str = Field("-2 3 -1; 6 -3 1; 2 -1 3", description="what comes back to it: as many numbers")
    layer: str | None = Field(
        None,
        description="layer of the neuron that is sent back through the network; empty: the score of the class",
        json_schema_extra={"widget": "layer"},
    )
    channel: int = Field(0, ge=0, description="channel of the neuron, where it answers most")
    target: int | str | None = Field(None, description="class whose score is sent back through the network")

    @field_validator("values", "signal")
    @classmethod
    def _is_grid(cls, text: str) -> str:
        parse_grid(text)
        return text

    def run(self) -> Run:
        """The grids first, then the same three rules in every ReLU of the network, back to the picture."""
        values, signal = parse_grid(self.values), parse_grid(self.signal)
        if values.shape != signal.shape:
            raise ConvscopeError("learn_errors.shapes", values=_shape(values), signal=_shape(signal))
        arrays = {"values": values, "signal": signal, "forward": np.maximum(values, 0)} | backward(values, signal)
        network, x = self.network(), self.input()
        target = network.target_index(self.target, x)
        layer = None if self.layer is None else network.resolve_layer(self.layer)
        if layer is not None:
            check_channel(network, layer, self.channel)
        gradients = {}
        for done, rule in enumerate(RULES, start=1):
            if layer is None:
                gradient = score_gradient(network, x, target, rule)
            else:
                gradient = unit_gradient(network, x, layer, self.channel, rule=rule)
            gradients[rule] = gradient[0].cpu().numpy()
            if (yield Step(done, len(RULES))):
                break
        pictures = {rule: self_scaled(gradient) for rule, gradient in gradients.items()}
        return self.result(
            arrays=arrays
            | {f"picture_{rule}": gradient for rule, gradient in gradients.items()}
            | {"grid": arrays["guided"]},
            pictures={"grids": sheet(arrays), "picture": to_pixels(x)} | pictures,
            scores={"class": network.class_name(target), "class_index": target}
            | ({} if layer is None else {"layer": layer, "channel": self.channel}),
        )


def parse_grid(text: str) -> np.ndarray:
    """Numbers (rows, columns) from "1 -2; 3 4"; raises ConvscopeError unless they are finite and make a rectangle."""
    try:
        rows = [[float(number) for number in row.replace(",", " ").split()] for row in text.split(";")]
    except ValueError as error:
        raise ConvscopeError("learn_errors.no_numbers", text=text) from error
    if not rows[0] or len({len(row) for row in rows}) > 1:
        raise ConvscopeError("learn_errors.no_rectangle", text=text)
    grid = np.array(rows)
    if max(grid.shape) > LARGEST_SIDE:
        raise ConvscopeError("learn_errors.too_many", side=LARGEST_SIDE)
    if not (np.abs(grid) <= LARGEST_NUMBER).all():
        raise ConvscopeError("learn_errors.too_large", limit=f"{LARGEST_NUMBER:.0f}")
    return grid


def grid_text(grid: np.ndarray) -> str:
    """A grid as `parse_grid` reads it."""
    return "; ".join(" ".join(f"{number:.12g}" for number in row) for row in grid)


def backward(values: np.ndarray, signal: np.ndarray) -> dict[str, np.ndarray]:
    """What each rule sends on: backprop keeps the signal where the value was positive, deconvnet where the signal is, guided
    where both are; with the masks that say where."""
    was_on, is_positive = values > 0, signal > 0
    masks = {"backprop": was_on, "deconvnet": is_positive, "guided": was_on & is_positive}
    sent = {rule: np.where(mask, signal, 0.0) for rule, mask in masks.items()}
    return sent | {f"mask_{rule}": mask.astype(np.uint8) for rule, mask in masks.items()}


def sheet(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The five grids beside each other as a picture, in one colour scale centred on zero."""
    names = ("values", "forward", "signal", *RULES)
    limits = limits_of(*(arrays[name] for name in names), signed=True)
    tiles = []
    for name in names:
        height, width = arrays[name].shape
        tiles.append(
            resize(heatmap(arrays[name], signed=True, limits=limits), (height * CELL, width * CELL), sharp=True)
        )
    return grid(tiles, columns=len(tiles), gap=12, numbers=names)


def self_scaled(gradient: np.ndarray) -> np.ndarray:
    """A gradient (3, H, W) as a picture: mid grey is zero; the few greatest values, often at the border, are cut off."""
    peak = float(np.quantile(np.abs(gradient), SHOWN_SHARE))
    unit = 0.5 + 0.5 * gradient / peak if peak > 0 else np.full_like(gradient, 0.5)
    return np.round(255 * unit.clip(0, 1).transpose(1, 2, 0)).astype(np.uint8)


def _shape(grid: np.ndarray) -> str:
    return f"{grid.shape[0]}×{grid.shape[1]}"
