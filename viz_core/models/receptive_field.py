"""Which pixels a unit sees, from kernel sizes, strides and paddings alone.

Along each axis a layer's units lie on a grid: unit i sees the pixels offset + i * stride ... offset + i * stride +
size - 1, counted in the network's input; the offset is negative where the first unit's field reaches into the
padding. A convolution or pooling with kernel k, stride s, padding p and dilation d makes of it

    size + (k - 1) d stride,   stride * s,   offset - p * stride;

sums, products and concatenations see the union. Dumoulin & Visin 2016; Araujo et al., 2019.
"""

from collections.abc import Sequence
from dataclasses import dataclass

Pair = tuple[int, ...]


@dataclass(frozen=True)
class ReceptiveField:
    """The pixels each unit of a layer sees; every pair is (vertical, horizontal), in pixels of the network's input.

    size: how many pixels a unit sees; stride: pixels from one unit's field to the next one's; offset: the first pixel
    that the first unit sees, negative where its field begins in the padding.
    """

    size: Pair
    stride: Pair
    offset: Pair

    def box(self, row: int, column: int) -> tuple[int, int, int, int]:
        """The field of one unit as (top, left, bottom, right), half open; it may reach beyond the picture."""
        top, left = (o + i * s for o, i, s in zip(self.offset, (row, column), self.stride, strict=True))
        return top, left, top + self.size[0], left + self.size[1]


ONE_PIXEL = ReceptiveField((1, 1), (1, 1), (0, 0))


@dataclass(frozen=True)
class Window:
    """The window a convolution or a pooling slides over its input; pairs are (vertical, horizontal)."""

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)

    def of(self, field: ReceptiveField) -> ReceptiveField:
        """The receptive field of this window's outputs, from that of its inputs."""
        axes = range(2)
        return ReceptiveField(
            tuple(field.size[a] + (self.kernel[a] - 1) * self.dilation[a] * field.stride[a] for a in axes),
            tuple(field.stride[a] * self.stride[a] for a in axes),
            tuple(field.offset[a] - self.padding[a] * field.stride[a] for a in axes),
        )


def union(fields: Sequence[ReceptiveField | None]) -> ReceptiveField | None:
    """The smallest field that holds all; None (the whole picture) if one is, or if they lie on different grids."""
    known = [field for field in fields if field is not None]
    if len(known) < len(fields) or len({field.stride for field in known}) != 1:
        return None
    offset = tuple(min(field.offset[a] for field in known) for a in range(2))
    size = tuple(max(field.offset[a] + field.size[a] for field in known) - offset[a] for a in range(2))
    return ReceptiveField(size, known[0].stride, offset)
