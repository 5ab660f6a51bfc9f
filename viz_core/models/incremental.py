"""Exact forward passes of a picture with a patch on it, below the cost of forward passes.

A patch changes only part of a map: keep every map of the clean picture, and for each position of the patch recompute only the
window a change can reach, reading its surroundings from the clean maps. Krypton: Nakandala, Kumar & Papakonstantinou, SIGMOD
2019. Windows of one batch have one size and each its own origin, so that one convolution serves them all.
"""

from typing import Any, cast

import torch
from torch import Tensor, fx
from torch.fx import Node
from torch.nn import functional as F

from viz_core.models import trace
from viz_core.models.folded import folded
from viz_core.models.graph import GraphModel
from viz_core.models.layers import window_of
from viz_core.models.ops import argument, kind, path, source
from viz_core.models.receptive_field import Window
from viz_core.models.windows import Changed, Places, cut, needed, paste, reached, replicate, union

WHOLE_FROM = 0.85  # of a map's area: from there on the whole map costs less than its window

_POINTWISE = {
    "BatchNorm2d", "Dropout", "Dropout2d", "ELU", "GELU", "Hardsigmoid", "Hardswish", "Hardtanh", "Identity", "LeakyReLU",
    "Mish", "PReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softplus", "StochasticDepth", "Tanh", "clone", "contiguous",
}  # fmt: skip
_ALIGNED = {"Add", "Concat"}

Value = Changed | Any  # anything that is not a window is a whole value, as the network itself computes it


class PatchedForward:
    """The logits of one picture under patches. Remembers every map of the clean picture; safe to use from several threads."""

    @torch.inference_mode()
    def __init__(self, network: GraphModel, x: Tensor) -> None:
        """x: the clean picture (1, 3, H, W), RGB in [0, 1]."""
        self._program = network._program
        self._modules = network._program.modules
        self._mean, self._std = network._mean, network._std
        self._functions, self._convolutions = folded(network).functions, folded(network).convolutions
        self._steps = trace.plan(self._program, (self._program.output,), (self._program.input,))
        self._picture = x
        self._clean: dict[Node, Any] = {self._program.input: self._normalised(x)}
        everything = trace.Plan(self._steps.nodes, ((),) * len(self._steps.nodes))
        trace.compute(everything, self._functions, self._program.constants, self._clean)
        self._last = {
            node: value.contiguous(memory_format=torch.channels_last)
            for node, value in self._clean.items()
            if _is_map(value)
        }
        self._padded: dict[Node, Tensor] = {}

    @torch.inference_mode()
    def __call__(self, filling: Tensor, tops: list[int], lefts: list[int], patch: int) -> Tensor:
        """Logits (N, classes) with a square patch at each of N places, showing what `filling` shows there.

        filling: one picture (1, 3, H, W) for all places or one for each (N, 3, H, W). A patch may
        hang over the lower and right border.
        """
        values: dict[Node, Value] = {self._program.input: self._covered(filling, tops, lefts, patch)}
        for node, frees in zip(self._steps.nodes, self._steps.frees, strict=True):
            values[node] = self._step(node, values)
            for value in frees:
                del values[value]
        return cast(Tensor, values[self._program.output])

    def _normalised(self, x: Tensor) -> Tensor:
        return (x - self._mean) / self._std

    def _covered(self, filling: Tensor, tops: list[int], lefts: list[int], patch: int) -> Changed:
        """The windows of the picture itself; where a patch hangs over the border they show some clean pixels beside it."""
        height, width = self._picture.shape[-2:]
        size = (min(patch, height), min(patch, width))
        top, left = [min(y, height - size[0]) for y in tops], [min(x, width - size[1]) for x in lefts]
        windows = cut(self._last[self._program.input], top, left, size)
        shown = self._normalised(filling).expand(len(tops), -1, -1, -1)
        for window, picture, y, x, first, before in zip(windows, shown, tops, lefts, top, left, strict=True):
            window[:, y - first :, x - before :] = picture[:, y : first + size[0], x : before + size[1]]
        return Changed(windows, top, left)

    def _step(self, node: Node, values: dict[Node, Value]) -> Value:
        """What a node becomes: a window where its inputs are windows and it is local, else a whole value."""
        if node.op == "get_attr":
            return self._program.constants[path(node)]
        given = [values[value] for value in node.all_input_nodes if value.op != "get_attr"]
        windows = [value for value in given if isinstance(value, Changed)]
        of = kind(node, self._modules)
        if not windows:
            return self._call(node, values)
        if of in _POINTWISE and len(given) == len(windows) == 1:
            changed = windows[0]
            return Changed(self._call(node, values | {source(node): changed.values}), changed.top, changed.left)
        if of in _ALIGNED and len(given) == len(windows) and self._same_maps(node):
            return self._aligned(node, values, windows)
        window = window_of(node, self._program)
        if window is not None and self._is_plain(node, of):
            return self._slide(node, of, window, values)
        return self._call(node, self._wholes(node, values))

    def _call(self, node: Node, values: dict[Node, Any]) -> Any:
        args: Any = fx.node.map_arg(node.args, values.__getitem__)
        kwargs: Any = fx.node.map_arg(node.kwargs, values.__getitem__)
        return self._functions[node](*args, **kwargs)

    def _same_maps(self, node: Node) -> bool:
        """Whether all inputs are maps of one height and width, so that their windows can be laid over each other."""
        shapes = [self._clean[value].shape for value in node.all_input_nodes]
        along_channels = argument(node, 1, "dim", 0) in (1, -3) if kind(node, self._modules) == "Concat" else True
        return (
            along_channels and len({shape[-2:] for shape in shapes}) == 1 and all(len(shape) == 4 for shape in shapes)
        )

    def _aligned(self, node: Node, values: dict[Node, Value], windows: list[Changed]) -> Value:
        """Sums and concatenations: all inputs on the smallest window that holds theirs."""
        height, width = self._clean[node].shape[-2:]
        top, rows = union([(window.top, window.size[0]) for window in windows], height)
        left, columns = union([(window.left, window.size[1]) for window in windows], width)
        if self._is_nearly_whole(rows, columns, height, width):
            return self._call(node, self._wholes(node, values))
        moved = {value: self._moved(value, values[value], top, left, (rows, columns)) for value in node.all_input_nodes}
        return Changed(self._call(node, moved), top, left)

    def _moved(self, node: Node, value: Changed, top: Places, left: Places, size: tuple[int, int]) -> Tensor:
        """Windows (N, C, *size) of a changed map at other places, which hold the change."""
        if size == value.size and top == value.top and left == value.left:
            return value.values
        return paste(cut(self._last[node], top, left, size), top, left, value)

    def _slide(self, node: Node, of: str, window: Window, values: dict[Node, Value]) -> Value:
        """Convolution and pooling: the outputs whose windows meet the change."""
        sides, outputs = self._sides(source(node)), self._sides(node)
        spreads, before = self._spreads(node), values[source(node)]
        (top, rows), (left, columns) = [
            reached(places, before.size[axis], sides[axis], outputs[axis], window, axis, spreads)
            for axis, places in enumerate((before.top, before.left))
        ]
        if self._is_nearly_whole(rows, columns, *outputs):
            return self._call(node, self._wholes(node, values))
        at = [y * window.stride[0] for y in top], [x * window.stride[1] for x in left]
        pad = window.padding
        inside = cut(self._padded_map(node, window, of), *at, (needed(rows, window, 0), needed(columns, window, 1)))
        paste(inside, [y - pad[0] for y in at[0]], [x - pad[1] for x in at[1]], before)
        if spreads:
            replicate(inside, *at, sides, pad)
        return Changed(self._operate(node, of, window, inside), top, left)

    def _operate(self, node: Node, of: str, window: Window, inside: Tensor) -> Tensor:
        """The operation itself, on windows that bring their padding along."""
        if of == "MaxPool2d":
            return F.max_pool2d(inside, window.kernel, window.stride, 0, window.dilation)
        if of == "AvgPool2d":
            return F.avg_pool2d(inside, window.kernel, window.stride)
        return self._convolutions[node].on_padded(inside)

    def _spreads(self, node: Node) -> bool:
        """Whether a change at the border changes the padding too."""
        return node in self._convolutions and self._convolutions[node].replicates

    def _is_plain(self, node: Node, of: str) -> bool:
        """Whether padding the clean map once, by hand, is the same as what the operation does at every border."""
        if of == "Conv2d":
            return node in self._convolutions
        if of == "MaxPool2d":
            return True
        module = self._modules[path(node)] if node.op == "call_module" else None
        names = ("ceil_mode", "count_include_pad", "divisor_override")
        ceil, include, divisor = (
            getattr(module, name, None) if module is not None else node.kwargs.get(name, default)
            for name, default in zip(names, (False, True, None), strict=True)
        )
        window = window_of(node, self._program)
        return not ceil and divisor is None and window is not None and bool(include or not any(window.padding))

    def _is_nearly_whole(self, rows: int, columns: int, height: int, width: int) -> bool:
        return rows * columns >= WHOLE_FROM * height * width

    def _wholes(self, node: Node, values: dict[Node, Value]) -> dict[Node, Any]:
        return {value: self._whole(value, values[value]) for value in node.all_input_nodes}

    def _whole(self, node: Node, value: Value) -> Any:
        """The whole map of every position: clean, with the window pasted in."""
        if not isinstance(value, Changed):
            return value
        nowhere = [0] * len(value.top)
        return self._moved(node, value, nowhere, nowhere, self._sides(node))

    def _sides(self, node: Node) -> tuple[int, int]:
        height, width = self._clean[node].shape[-2:]
        return height, width

    def _padded_map(self, node: Node, window: Window, of: str) -> Tensor:
        """The clean map that an operation reads, with its padding, laid out in memory as the operation likes it."""
        if node not in self._padded:
            clean = self._last[source(node)]
            sides = []
            for axis in range(2):
                before, length = window.padding[axis], clean.shape[2 + axis]
                behind = needed(self._sides(node)[axis], window, axis) - length - before
                sides.append((before, max(before, behind)))
            around, blank = (*sides[1], *sides[0]), -torch.inf if of == "MaxPool2d" else 0.0
            padded = (
                F.pad(clean, around, mode="replicate") if self._spreads(node) else F.pad(clean, around, value=blank)
            )
            layout = self._convolutions[node].layout if node in self._convolutions else torch.channels_last
            self._padded[node] = padded.contiguous(memory_format=layout)
        return self._padded[node]


def _is_map(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dim() == 4
