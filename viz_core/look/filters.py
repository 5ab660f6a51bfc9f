"""The filters a convolution learnt, drawn as pictures."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from viz_core.images.render import enlarge, filter_tiles, grid
from viz_core.technique import Run, Section, Technique

MAX_FILTERS = 256
MAX_INPUTS = 64
RGB = 3
SHOWN_SIDE = 56
GAP = 1


class Filters(Technique):
    """Draw the weights of a convolution: colour pictures for the first layer, grey ones per input channel deeper in.

    Krizhevsky, Sutskever & Hinton 2012, figure 3.
    """

    slug: ClassVar[str] = "filters"
    section: ClassVar[Section] = "look"
    order: ClassVar[int] = 10
    icon: ClassVar[str] = "grid_view"

    layer: str | None = Field(
        None,
        description="convolution to draw; empty: the first one",
        json_schema_extra={"widget": "layer", "kinds": ["Conv2d"]},
    )
    normalise: Literal["each", "joint"] = Field(
        "each", description="contrast of each filter for itself, or one for all"
    )
    first: int = Field(0, ge=0, description="first filter of a deeper layer to draw")
    count: int = Field(16, ge=1, le=MAX_FILTERS, description="how many filters of a deeper layer to draw")
    first_input: int = Field(0, ge=0, description="first input channel of a deeper layer to draw")

    def run(self) -> Run:
        """One forward look at the weights; there is nothing to wait for."""
        yield from ()
        layer, weights = self.weights()
        drawn, columns = self.chosen(weights)
        tiles = filter_tiles(drawn, joint=self.normalise == "joint")
        sheet = grid(tiles, columns=columns, gap=GAP)
        picture = grid([enlarge(tile, max(1, SHOWN_SIDE // tile.shape[1])) for tile in tiles], columns=columns, gap=2)
        return self.result(
            arrays={"grid": sheet.astype(np.float32) / 255, "weights": weights, "values": laid_out(drawn, columns)},
            pictures={"grid": picture},
            scores={
                "layer": layer,
                "filters": weights.shape[0],
                "inputs": weights.shape[1],
                "height": weights.shape[2],
                "width": weights.shape[3],
                "columns": columns,
            },
        )

    def weights(self) -> tuple[str, np.ndarray]:
        """The convolution to draw and its weights (N, C, h, w)."""
        network = self.network()
        layer = network.resolve_layer(self.layer or network.convolutions()[0])
        return layer, network.weight(layer).cpu().numpy()

    def in_colour(self) -> bool:
        """Whether the filters work on the three colours of the picture."""
        return self.weights()[1].shape[1] == RGB

    def chosen(self, weights: np.ndarray) -> tuple[np.ndarray, int]:
        """What to draw of weights (N, C, h, w) and in how many columns: all first-layer filters in colour (N, 3, h, w),
        or some deeper ones, one grey plane for each input channel (planes, h, w), a filter a row."""
        if weights.shape[1] == RGB:
            return weights, int(np.ceil(np.sqrt(len(weights))))
        first = min(self.first, len(weights) - 1)
        first_input = min(self.first_input, weights.shape[1] - 1)
        planes = weights[first : first + self.count, first_input : first_input + MAX_INPUTS]
        return planes.reshape(-1, *planes.shape[2:]), planes.shape[1]


def laid_out(drawn: np.ndarray, columns: int) -> np.ndarray:
    """The weights at the places where the grid shows them, (rows, columns, 3 or 1), not-a-number in the gaps."""
    colours = drawn if drawn.ndim == 4 else drawn[:, None]
    count, channels, height, width = colours.shape
    rows = -(-count // columns)
    values = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, channels), np.nan, np.float32)
    for place, tile in enumerate(colours):
        top, left = GAP + place // columns * (height + GAP), GAP + place % columns * (width + GAP)
        values[top : top + height, left : left + width] = tile.transpose(1, 2, 0)
    return values
