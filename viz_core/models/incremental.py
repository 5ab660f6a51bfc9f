"""Exact forward passes of a picture with a patch on it, below the cost of forward passes.

A patch changes only part of a map: keep every map of the clean picture, and for each position of the patch recompute only the
window a change can reach, reading its surroundings from the clean maps. Krypton: Nakandala, Kumar & Papakonstantinou, SIGMOD
2019. Windows of one batch have one size and each its own origin, so that one convolution serves them all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, fx, nn
from torch.fx import Node
from torch.nn import functional as F

from viz_core.models import trace
from viz_core.models.graph import GraphModel
from viz_core.models.layers import window_of
from viz_core.models.ops import Modules, argument, kind, path, source
from viz_core.models.receptive_field import Window

WHOLE_FROM = 0.85  # of a map's area: from there on the whole map costs less than its window

_POINTWISE = {
    "BatchNorm2d", "Dropout", "Dropout2d", "ELU", "GELU", "Hardsigmoid", "Hardswish", "Hardtanh", "Identity", "LeakyReLU",
    "Mish", "PReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softplus", "StochasticDepth", "Tanh", "clone", "contiguous",
}  # fmt: skip
_ALIGNED = {"Add", "Concat"}


@dataclass(frozen=True)
class Changed:
    """Where a map differs from the clean one: values (N, h, w, C) with the top row and left column of each, (N,)."""

    values: Tensor
    top: Tensor
    left: Tensor

    @property
    def size(self) -> tuple[int, int]:
        return self.values.shape[1], self.values.shape[2]

    @property
    def maps(self) -> Tensor:
        """The values as (N, C, h, w), the same memory."""
        return self.values.permute(0, 3, 1, 2)


Value = Changed | Any  # anything that is not a window is a whole value, as the network itself computes it


class PatchedForward:
    """The logits of one picture under patches. Remembers every map of the clean picture; safe to use from several threads."""

    @torch.inference_mode()
    def __init__(self, network: GraphModel, x: Tensor) -> None:
        """x: the clean picture (1, 3, H, W), RGB in [0, 1]."""
        self._program = network._program
        self._modules = network._program.modules
        self._mean, self._std = network._mean, network._std
        self._functions = dict(network._functions)
        self._weights = self._fold_batch_norms()
        self._steps = trace.plan(self._program, (self._program.output,), (self._program.input,))
        self._picture = x
        self._clean: dict[Node, Any] = {self._program.input: self._normalised(x)}
        everything = trace.Plan(self._steps.nodes, ((),) * len(self._steps.nodes))
        trace.compute(everything, self._functions, self._program.constants, self._clean)
        self._rows = {node: _rows(value) for node, value in self._clean.items() if _is_map(value)}
        self._padded: dict[Node, tuple[Tensor, int]] = {}

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
        top, left = (torch.tensor(places, device=filling.device) for places in (tops, lefts))
        window = Changed(
            torch.empty(len(tops), *size, 0), top.clamp(max=height - size[0]), left.clamp(max=width - size[1])
        )
        rows, columns = _places(window.top, size[0]), _places(window.left, size[1])
        inside = (rows >= top[:, None])[:, :, None] & (columns >= left[:, None])[:, None, :]
        at = (rows[:, :, None] * width + columns[:, None, :]).flatten()
        picture = torch.arange(len(tops), device=filling.device) * (len(filling) > 1) * (height * width)
        shown = _rows(self._normalised(filling)).index_select(0, at + picture.repeat_interleave(size[0] * size[1]))
        clean = _rows(self._normalised(self._picture)).index_select(0, at)
        mixed = torch.where(inside.flatten()[:, None], shown, clean)
        return Changed(mixed.view(len(tops), *size, -1), window.top, window.left)

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
            return self._pointwise(node, values)
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

    def _pointwise(self, node: Node, values: dict[Node, Value]) -> Changed:
        window = values[source(node)]
        return self._window(self._call(node, values | {source(node): window.maps}), window.top, window.left)

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
        top, rows = _union([(window.top, window.size[0]) for window in windows], height)
        left, columns = _union([(window.left, window.size[1]) for window in windows], width)
        if self._is_nearly_whole(rows, columns, height, width):
            return self._call(node, self._wholes(node, values))
        regridded = {
            value: self._read(value, values[value], top, left, (rows, columns)) for value in node.all_input_nodes
        }
        return self._window(self._call(node, regridded), top, left)

    def _slide(self, node: Node, of: str, window: Window, values: dict[Node, Value]) -> Value:
        """Convolution and pooling: the outputs whose windows meet the change."""
        (height, width), inputs = self._clean[node].shape[-2:], self._clean[source(node)].shape[-2:]
        spreads = _spreads(node, self._modules)
        before = values[source(node)]
        span = [
            _span(place, length, side, outputs, window, axis, spreads)
            for axis, (place, length, side, outputs) in enumerate(
                zip((before.top, before.left), before.size, inputs, (height, width), strict=True)
            )
        ]
        (top, rows), (left, columns) = span
        if self._is_nearly_whole(rows, columns, height, width):
            return self._call(node, self._wholes(node, values))
        first = top * window.stride[0], left * window.stride[1]
        size = _needed(rows, window, 0), _needed(columns, window, 1)
        inside = self._read(source(node), before, *first, size, (node, window, of, spreads))
        return self._window(self._operate(node, of, window, inside), top, left)

    def _operate(self, node: Node, of: str, window: Window, inside: Tensor) -> Tensor:
        """The operation itself, on windows that bring their padding along."""
        if of == "MaxPool2d":
            return F.max_pool2d(inside, window.kernel, window.stride, 0, window.dilation)
        if of == "AvgPool2d":
            return F.avg_pool2d(inside, window.kernel, window.stride)
        weight, bias = self._weights[node]
        groups = self._clean[source(node)].shape[1] // weight.shape[1]
        return F.conv2d(inside, weight, bias, window.stride, 0, window.dilation, groups)

    def _is_plain(self, node: Node, of: str) -> bool:
        """Whether padding the clean map once, by hand, is the same as what the operation does at every border."""
        if of == "Conv2d":
            return _padding_mode(node, self._modules) in ("zeros", "replicate")
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

    def _window(self, maps: Tensor, top: Tensor, left: Tensor) -> Changed:
        return Changed(maps.permute(0, 2, 3, 1).contiguous(), top, left)

    def _wholes(self, node: Node, values: dict[Node, Value]) -> dict[Node, Any]:
        return {value: self._whole(value, values[value]) for value in node.all_input_nodes}

    def _whole(self, node: Node, value: Value) -> Any:
        """The whole map of every position: clean, with the window pasted in."""
        if not isinstance(value, Changed):
            return value
        nowhere = torch.zeros_like(value.top)
        return self._read(node, value, nowhere, nowhere, tuple(self._clean[node].shape[-2:]))

    def _read(
        self,
        node: Node,
        value: Changed,
        top: Tensor,
        left: Tensor,
        size: tuple[int, int],
        padded_for: tuple[Node, Window, str, bool] | None = None,
    ) -> Tensor:
        """Windows (N, C, h, w) of a changed map, or of what it becomes when padded for a convolution or pooling."""
        height, width = self._clean[node].shape[-2:]
        rows, columns = _places(top, size[0]), _places(left, size[1])
        spreads = False
        if padded_for is None:
            if size == value.size and top.equal(value.top) and left.equal(value.left):
                return value.maps
            base, across, source_rows, source_columns = self._rows[node], width, rows, columns
        else:
            user, window, of, spreads = padded_for
            base, across = self._padded_rows(node, user, window, of, spreads)
            source_rows, source_columns = rows - window.padding[0], columns - window.padding[1]
            if spreads:
                source_rows, source_columns = source_rows.clamp(0, height - 1), source_columns.clamp(0, width - 1)
        in_window = [source_rows - value.top[:, None], source_columns - value.left[:, None]]
        reach = [(place >= 0) & (place < length) for place, length in zip(in_window, value.size, strict=True)]
        inside = (reach[0][:, :, None] & reach[1][:, None, :]).flatten()
        met, around = inside.nonzero()[:, 0], (~inside).nonzero()[:, 0]
        changed = value.values.flatten(0, 2)
        if spreads or len(met) < len(changed):  # not every row of the window once and in order
            first = torch.arange(len(top), device=top.device)[:, None, None] * (value.size[0] * value.size[1])
            at = first + in_window[0][:, :, None] * value.size[1] + in_window[1][:, None, :]
            changed = changed.index_select(0, at.flatten()[met])
        clean = base.index_select(0, (rows[:, :, None] * across + columns[:, None, :]).flatten()[around])
        out = base.new_empty(len(inside), base.shape[1])
        out.index_copy_(0, met, changed)
        out.index_copy_(0, around, clean)
        return out.view(len(top), *size, -1).permute(0, 3, 1, 2)

    def _padded_rows(self, node: Node, user: Node, window: Window, of: str, spreads: bool) -> tuple[Tensor, int]:
        """The clean map padded as its user wants it, one row for each place, and how many places lie side by side."""
        if user not in self._padded:
            clean, outputs = self._clean[node], self._clean[user].shape[-2:]
            sides = []
            for axis, (length, count) in enumerate(zip(clean.shape[-2:], outputs, strict=True)):
                before = window.padding[axis]
                sides.append((before, max(before, _needed(count, window, axis) - length - before)))
            around = (*sides[1], *sides[0])
            blank = -torch.inf if of == "MaxPool2d" else 0.0
            padded = F.pad(clean, around, mode="replicate") if spreads else F.pad(clean, around, value=blank)
            self._padded[user] = (_rows(padded), padded.shape[-1])
        return self._padded[user]

    def _fold_batch_norms(self) -> dict[Node, tuple[Tensor, Tensor | None]]:
        """Weight and bias of each convolution; a batch norm right behind one becomes part of it."""
        weights = {}
        for node in self._program.nodes:
            if kind(node, self._modules) != "Conv2d":
                continue
            weight, bias = trace.weight_and_bias(self._program, node)
            assert weight is not None
            user = next(iter(node.users)) if len(node.users) == 1 else None
            module = self._modules.get(path(user)) if user is not None and user.op == "call_module" else None
            if isinstance(module, nn.BatchNorm2d) and node.op == "call_module" and module.running_var is not None:
                assert user is not None
                assert module.running_mean is not None
                scale = (module.weight if module.affine else 1.0) / (module.running_var + module.eps).sqrt()
                shift = module.bias if module.affine else 0.0
                before = 0.0 if bias is None else bias
                weight, bias = weight * scale[:, None, None, None], shift + (before - module.running_mean) * scale
                self._functions[node] = _convolution(cast(nn.Conv2d, self._modules[path(node)]), weight, bias)
                self._functions[user] = lambda value: value
            weights[node] = weight.contiguous(memory_format=torch.channels_last), bias
        return weights


def _convolution(module: nn.Conv2d, weight: Tensor, bias: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda value: module._conv_forward(value, weight, bias)


def _padding_mode(node: Node, modules: Modules) -> str:
    return str(modules[path(node)].padding_mode) if node.op == "call_module" else "zeros"


def _spreads(node: Node, modules: Modules) -> bool:
    """Whether a change at the border changes the padding too."""
    return kind(node, modules) == "Conv2d" and _padding_mode(node, modules) == "replicate"


def _is_map(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dim() == 4


def _rows(maps: Tensor) -> Tensor:
    """The places of maps (N, C, H, W) one below the other: (N * H * W, C)."""
    return maps.permute(0, 2, 3, 1).flatten(0, 2).contiguous()


def _places(first: Tensor, count: int) -> Tensor:
    """The `count` places from each first one on: (N, count)."""
    return first[:, None] + torch.arange(count, device=first.device)


def _needed(outputs: int, window: Window, axis: int) -> int:
    """How many inputs so many outputs side by side look at."""
    return (outputs - 1) * window.stride[axis] + (window.kernel[axis] - 1) * window.dilation[axis] + 1


def _union(spans: list[tuple[Tensor, int]], side: int) -> tuple[Tensor, int]:
    """First place (N,) and common length of the spans that hold all the given ones, within a side."""
    first = torch.stack([place for place, _ in spans]).amin(dim=0)
    last = torch.stack([place + length for place, length in spans]).amax(dim=0)
    length = int((last - first).max())
    return first.clamp(max=side - length), length


def _span(
    place: Tensor, length: int, side: int, outputs: int, window: Window, axis: int, spreads: bool
) -> tuple[Tensor, int]:
    """First place (N,) and common length of the outputs that a change of inputs [place, place + length) can reach."""
    padding, stride = window.padding[axis], window.stride[axis]
    low, high = place + padding, place + padding + length - 1
    if spreads:
        low = torch.where(place == 0, 0, low)
        high = torch.where(place + length == side, side + 2 * padding - 1, high)
    reach = (window.kernel[axis] - 1) * window.dilation[axis]
    first = -torch.div(reach - low, stride, rounding_mode="floor")
    last = torch.div(high, stride, rounding_mode="floor").clamp(max=outputs - 1)
    first = first.clamp(0, outputs - 1)
    count = max(1, int((last - first).max()) + 1)
    return first.clamp(max=outputs - count), count
