"""The linear head over a global average pooling, for which class activation maps are exact (Zhou et al., 2016)."""

from typing import Any

import torch
from torch import Tensor
from torch.fx import Node

from viz_core.models.ops import argument, kind, path, source
from viz_core.models.trace import Program, weight_and_bias, weight_of

_PASSED_BY = {"Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "squeeze"}


def find_head(program: Program) -> tuple[Node, Tensor, Tensor] | None:
    """The pooled maps, weight (classes, channels), bias (classes,): logits = mean(maps) @ weight.T + bias; or None.

    Where a network averages its class maps themselves, as SqueezeNet does, the weight is the identity.
    """
    node = _skip(program.output, program)
    linear = node if kind(node, program.modules) == "Linear" else None
    pool = _skip(source(linear), program) if linear else node
    if not _is_global_average(pool, program):
        return None
    maps = source(pool)
    if linear:
        weight, (_, bias) = weight_of(program, linear), weight_and_bias(program, linear)
        return maps, weight, torch.zeros(len(weight), device=weight.device) if bias is None else bias
    convolution = _skip(maps, program, _PASSED_BY | {"ReLU"})
    if convolution.op == "placeholder" or kind(convolution, program.modules) != "Conv2d":
        return None
    weight = weight_of(program, convolution)
    return maps, torch.eye(len(weight), device=weight.device), torch.zeros(len(weight), device=weight.device)


def _skip(node: Node, program: Program, passed_by: set[str] = _PASSED_BY) -> Node:
    while node.op != "placeholder" and kind(node, program.modules) in passed_by:
        node = source(node)
    return node


def _is_global_average(node: Node, program: Program) -> bool:
    if node.op == "placeholder":
        return False
    of = kind(node, program.modules)
    if of == "AdaptiveAvgPool2d":
        module: Any = program.modules[path(node)] if node.op == "call_module" else None
        size = module.output_size if module else argument(node, 1, "output_size")
        return size == 1 or tuple(size) == (1, 1)
    dims = argument(node, 1, "dim") if of == "Mean" else None
    return isinstance(dims, list | tuple) and sorted(d % 4 for d in dims) == [2, 3]
