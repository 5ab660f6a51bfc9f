"""Filters as a script."""

from viz_core.look.filters import GAP, MAX_INPUTS, Filters
from viz_core.scripts.parts import compose, fill, module_use
from viz_core.scripts.script import Script

OBEYED = ("layer", "normalise", "first", "count", "first_input")
_BODY = """
weights = net.get_submodule("$module").weight.numpy().astype(np.float64)  # (filters, inputs, height, width)
$tiles
count, height, width = tiles.shape[:3]

# Zero is mid-grey; the strongest weight$scale is black or white.
strongest = np.abs(tiles).max(axis=$axis, keepdims=True)
shades = np.rint(255 * np.float32((tiles + strongest) / (2 * strongest)))

# The tiles in rows, with a white line between them.
columns, gap = $columns, $gap
rows = -(-count // columns)
sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), 255.0)
for place, tile in enumerate(shades):
    top, left = gap + place // columns * (height + gap), gap + place % columns * (width + gap)
    sheet[top : top + height, left : left + width] = tile
Image.fromarray(sheet.astype(np.uint8)).resize((8 * sheet.shape[1], 8 * sheet.shape[0]), 0).save("filters.png")
result = sheet.astype(np.float32) / 255
"""
_COLOUR = "tiles = weights.transpose(0, 2, 3, 1)  # the inputs are the three colours"
_GREY = """planes = weights[$first : $last, $first_input : $last_input]  # one grey tile for each input
tiles = planes.reshape(-1, *planes.shape[2:], 1)"""


def write(technique: Filters) -> Script:
    """The sheet of filters, and a picture of it."""
    layer, weights = technique.weights()
    _, columns = technique.chosen(weights)
    first, first_input = min(technique.first, len(weights) - 1), min(technique.first_input, weights.shape[1] - 1)
    last, last_input = first + technique.count, first_input + MAX_INPUTS
    grey = fill(_GREY, first=first, last=last, first_input=first_input, last_input=last_input)
    joint = technique.normalise == "joint"
    body = fill(
        _BODY,
        module=module_use(technique.network(), layer)[0],
        tiles=_COLOUR if technique.in_colour() else grey,
        scale=" of all" if joint else " of each filter",
        axis="(0, 1, 2, 3)" if joint else "(1, 2, 3)",
        columns=columns,
        gap=GAP,
    )
    return compose(technique, "grid", body)
