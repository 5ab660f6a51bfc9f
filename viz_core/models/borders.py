"""What convolutions see beyond the border of their maps: as a rule zeros, which are nowhere else in a material."""

from collections.abc import Callable
from functools import partial
from typing import Literal

from torch import Tensor, nn
from torch.fx import Node
from torch.nn import functional as F

from viz_core.models.ops import Modules, kind, path

Borders = Literal["replicate", "circular"]
Sides = int | str | tuple[int, ...] | list[int]


def conv2d(
    borders: Borders,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sides = 1,
    padding: Sides = 0,
    dilation: Sides = 1,
    groups: int = 1,
) -> Tensor:
    """`F.conv2d` of maps that go on beyond their border: as they end ("replicate") or from the other side ("circular")."""
    around = _around(weight, padding, dilation)
    wider = F.pad(x, around, borders) if any(around) else x
    return F.conv2d(wider, weight, bias, stride, 0, dilation, groups)  # type: ignore[arg-type]


def convolution(node: Node, modules: Modules, borders: Borders) -> Callable[..., Tensor] | None:
    """What a node of a graph computes with such borders; None where it is no convolution."""
    if not node.op.startswith("call_") or kind(node, modules) != "Conv2d":
        return None
    if node.op != "call_module":
        return partial(conv2d, borders)
    module = modules[path(node)]
    assert isinstance(module, nn.Conv2d)
    options = {name: getattr(module, name) for name in ("weight", "bias", "stride", "padding", "dilation", "groups")}
    return partial(conv2d, borders, **options)


def _around(weight: Tensor, padding: Sides, dilation: Sides) -> tuple[int, int, int, int]:
    """How many places left, right, above and below."""
    spread = [step * (side - 1) for step, side in zip(_pair(dilation), weight.shape[-2:], strict=True)]
    if isinstance(padding, str):
        rows, columns = [(span // 2, span - span // 2) if padding == "same" else (0, 0) for span in spread]
        return (*columns, *rows)
    high, wide = _pair(padding)
    return wide, wide, high, high


def _pair(value: Sides) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    first, *rest = map(int, value)
    return first, rest[0] if rest else first
