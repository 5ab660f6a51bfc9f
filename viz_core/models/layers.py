"""The layers people can pick from: name, kind, shape, parameters and receptive field, for a size of the picture."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.fx import Node

from viz_core.models.ops import argument, kind, path, source
from viz_core.models.receptive_field import ONE_PIXEL, ReceptiveField, Window, union
from viz_core.models.tokens import are_places
from viz_core.models.trace import Plan, Program, compute, functions, weight_of


@dataclass(frozen=True)
class Layer:
    """One value of the forward pass that can be looked at.

    name: the module's path, or the graph's name of a function such as `relu_1`; kind: "Conv2d", "ReLU", "Add", ...;
    shape: of the output without the batch, channels first: (C, H, W) or (C,); parameters: how many numbers were
    learnt here; receptive_field: None where a unit sees the whole picture (after a global pooling, a flattening, a
    channel gate, attention); in_tokens: whether the network itself keeps these maps as tokens, or with the channels last.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    receptive_field: ReceptiveField | None
    in_tokens: bool = False


@dataclass(frozen=True)
class _Seen:
    """A value during the walk: its shape, the field of its units, and whether its channels come last."""

    shape: tuple[int, ...]
    field: ReceptiveField | None
    channels_last: bool = False

    @property
    def map_shape(self) -> tuple[int, ...]:
        return self.shape[1:3] if self.channels_last else self.shape[-2:]


def layer_names(program: Program) -> dict[Node, str]:
    """A unique name for every node: the module's path, with `_1`, ... from its second use on; else the node's name."""
    names: dict[Node, str] = {}
    taken: set[str] = set()
    for node in program.nodes:
        base = path(node) if node.op == "call_module" else node.meta.get("path", node.name)
        name, again = base, 0
        while name in taken:
            again += 1
            name = f"{base}_{again}"
        taken.add(name)
        names[node] = name
    return names


def describe(program: Program, names: Mapping[Node, str], size: tuple[int, int]) -> tuple[Layer, ...]:
    """All layers of the program for pictures of `size` (height, width), in the order of computation.

    Tokens and maps with the channels last are told as maps. Values that are no maps or vectors of features (sizes,
    tuples), and those that do not depend on the picture, are left out. Only shapes are computed, no numbers; raises
    RuntimeError where the picture is too small or of a size the network does not take.
    """
    values = _shapes_only(program, size)
    seen: dict[Node, _Seen] = {program.input: _Seen((1, 3, *size), ONE_PIXEL)}
    depending: set[Node] = {program.input}
    layers, grid = [], None
    for node in program.nodes:
        value = values[node]
        part = value[0] if isinstance(value, tuple | list) and value else value  # of a split into parts of one shape
        if not isinstance(part, Tensor) or depending.isdisjoint(node.all_input_nodes):
            continue
        depending.add(node)
        seen[node] = _look(node, program, tuple(part.shape), seen)
        shape = _shape_of_maps(part, seen[node], grid)
        if len(shape) == 3:
            grid = shape[1:]
        if part is value and shape and value.is_floating_point():
            parameters, field = _count_parameters(node, program), seen[node].field
            in_tokens = value.dim() == 3 or (seen[node].channels_last and value.dim() == 4)
            layers.append(Layer(names[node], kind(node, program.modules), shape, parameters, field, in_tokens))
    return tuple(layers)


def _shape_of_maps(value: Tensor, seen: _Seen, grid: tuple[int, ...] | None) -> tuple[int, ...]:
    """The shape (C, H, W) or (C,) of a value as maps or features, the last maps having had this grid; else nothing."""
    if value.dim() == 3 and are_places(value.shape[1], grid):
        assert grid is not None
        return value.shape[2], *grid
    if value.dim() == 4 and seen.channels_last:
        return value.shape[3], *value.shape[1:3]
    return tuple(value.shape[1:]) if value.dim() in (2, 4) else ()


def _shapes_only(program: Program, size: tuple[int, int]) -> dict[Node, Any]:
    """Every value of a forward pass as a tensor without numbers (torch's meta device)."""
    used = {path(node) for node in program.nodes if node.op == "call_module"}
    twins = {name: _without_numbers(program.modules[name]) for name in used}
    constants = {name: value.to("meta") for name, value in program.constants.items()}
    everything = Plan(program.nodes, ((),) * len(program.nodes))
    picture = torch.empty(1, 3, *size, device="meta")
    with torch.no_grad():
        return compute(everything, functions(program, twins), constants, {program.input: picture})


def _without_numbers(module: nn.Module) -> nn.Module:
    """A shallow copy of a module with tensors of the meta device."""
    twin = copy.copy(module)
    twin._parameters = {k: p if p is None else nn.Parameter(p.to("meta"), False) for k, p in module._parameters.items()}
    twin._buffers = {k: b if b is None else b.to("meta") for k, b in module._buffers.items()}
    twin._modules = {k: m if m is None else _without_numbers(m) for k, m in module._modules.items()}
    return twin


def _count_parameters(node: Node, program: Program) -> int:
    if kind(node, program.modules) == "Slice" and kind(source(node), program.modules) == "MultiheadAttention":
        node = source(node)  # which gives a pair, and is no layer itself
    if node.op == "call_module":
        return sum(parameter.numel() for parameter in program.modules[path(node)].parameters())
    given = (program.constants[path(n)] for n in node.all_input_nodes if n.op == "get_attr")
    return sum(value.numel() for value in given if isinstance(value, nn.Parameter))


_POINTWISE = {
    *("BatchNorm2d", "Dropout", "Dropout2d", "Identity", "StochasticDepth"),
    *("ELU", "GELU", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU", "Mish", "PReLU", "ReLU", "ReLU6", "SELU"),
    *("SiLU", "Sigmoid", "Softplus", "Tanh", "Add", "Multiply", "sub", "truediv", "clone", "contiguous"),
    *("Concat", "Reshape", "Slice", "chunk", "unsqueeze"),
}
_POINTWISE_CHANNELS_LAST = _POINTWISE | {"LayerNorm", "Linear"}


def _look(node: Node, program: Program, shape: tuple[int, ...], seen: Mapping[Node, _Seen]) -> _Seen:
    """Shape, field and layout of a node's value, from those of its inputs."""
    of = kind(node, program.modules)
    inputs = [seen[value] for value in node.all_input_nodes if value in seen]
    channels_last = any(value.channels_last for value in inputs)
    if of == "Permute":
        return _look_through_permute(node, program, shape, inputs[0])
    if of == "Transpose":
        dims = {argument(node, place, name) % len(shape) for place, name in ((1, "dim0"), (2, "dim1"))}
        return _Seen(shape, inputs[0].field if dims <= {1, len(shape) - 3} else None, channels_last)
    if of.startswith("Adaptive") and of.endswith("Pool2d"):
        return _Seen(shape, _look_through_adaptive_pool(shape, inputs[0]), channels_last)
    window = window_of(node, program)
    if window is not None:
        field = inputs[0].field
        return _Seen(shape, window.of(field) if field else None, channels_last)
    here = _Seen(shape, None, channels_last)
    pointwise = of in (_POINTWISE_CHANNELS_LAST if channels_last else _POINTWISE)
    if pointwise and all(value.map_shape == here.map_shape for value in inputs):
        return _Seen(shape, union([value.field for value in inputs]), channels_last)
    return here


def _look_through_permute(node: Node, program: Program, shape: tuple[int, ...], value: _Seen) -> _Seen:
    dims: Any = program.modules[path(node)].dims if node.op == "call_module" else argument(node, 1, "dims")
    dims = tuple(dims) if isinstance(dims, list | tuple) else tuple(node.args[1:])
    if dims == (0, 2, 3, 1) and not value.channels_last:
        return _Seen(shape, value.field, channels_last=True)
    if dims == (0, 3, 1, 2) and value.channels_last:
        return _Seen(shape, value.field, channels_last=False)
    return _Seen(shape, None, channels_last=True)


def _look_through_adaptive_pool(shape: tuple[int, ...], value: _Seen) -> ReceptiveField | None:
    """A regular window where the input divides into equal bins, else None; None for one bin too: the whole picture."""
    pairs = list(zip(value.map_shape, shape[-2:], strict=True))
    if value.field is None or shape[-2:] == (1, 1) or any(size % bins for size, bins in pairs):
        return None
    sides = tuple(size // bins for size, bins in pairs)
    return Window(sides, sides).of(value.field)


def window_of(node: Node, program: Program) -> Window | None:
    """The window of a convolution, pooling or padding; None for other operations."""
    of = kind(node, program.modules)
    if node.op == "call_module" and of in ("Conv2d", "MaxPool2d", "AvgPool2d"):
        module: Any = program.modules[path(node)]
        given: tuple = (module.kernel_size, module.stride, module.padding, getattr(module, "dilation", 1))
    elif of == "Conv2d":
        kernel: Any = weight_of(program, node).shape[2:]
        stride, padding, dilation = (
            argument(node, 3, "stride", 1),
            argument(node, 4, "padding", 0),
            argument(node, 5, "dilation", 1),
        )
        given = (kernel, stride, padding, dilation)
    elif of in ("MaxPool2d", "AvgPool2d"):
        kernel = argument(node, 1, "kernel_size")
        dilation = argument(node, 4, "dilation", 1) if of == "MaxPool2d" else 1
        given = (kernel, argument(node, 2, "stride") or kernel, argument(node, 3, "padding", 0), dilation)
    else:
        return None
    kernel, stride, dilation = _pair(given[0]), _pair(given[1]), _pair(given[3])
    return Window(kernel, stride, _padding(given[2], kernel, dilation), dilation)


def _pair(value: Any) -> tuple[int, ...]:
    return (value, value) if isinstance(value, int) else tuple(int(v) for v in value) * (2 // len(value))


def _padding(padding: Any, kernel: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[int, ...]:
    if padding == "valid":
        return 0, 0
    if padding == "same":
        return tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))
    return _pair(padding)


def layer_table(layers: Sequence[Layer]) -> list[dict[str, Any]]:
    """One row for each layer; `field` is empty and `stride` None where a unit sees the whole picture."""
    return [
        {
            "name": layer.name,
            "kind": layer.kind,
            "shape": " × ".join(map(str, layer.shape)),
            "parameters": layer.parameters,
            "field": "×".join(map(str, layer.receptive_field.size)) if layer.receptive_field else "",
            "stride": layer.receptive_field.stride[0] if layer.receptive_field else None,
        }
        for layer in layers
    ]


def layer_arrays(layers: Sequence[Layer]) -> dict[str, np.ndarray]:
    """The layers in numbers: names (L,), parameters (L,), shapes (L, 3), and size and stride of the fields, (L, 2) each.

    Sides that a layer lacks, and fields of the whole picture, are 0.
    """
    fields = [layer.receptive_field for layer in layers]
    return {
        "names": np.array([layer.name for layer in layers]),
        "parameters": np.array([layer.parameters for layer in layers]),
        "shapes": np.array([(*layer.shape, 0, 0)[:3] for layer in layers]),
        "field_sizes": np.array([field.size if field else (0, 0) for field in fields]),
        "field_strides": np.array([field.stride if field else (0, 0) for field in fields]),
    }
