"""The vocabulary of a traced network: what kind of operation a node is, whatever way it was written.

A ReLU may be a module, `F.relu`, `torch.relu`, a method or an operator of an exported program; here they are all
"ReLU".
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.fx import Node

Modules = Mapping[str, nn.Module]

_KIND_OF_FUNCTION = {
    "adaptive_avg_pool2d": "AdaptiveAvgPool2d",
    "adaptive_max_pool2d": "AdaptiveMaxPool2d",
    "add": "Add",
    "avg_pool2d": "AvgPool2d",
    "batch_norm": "BatchNorm2d",
    "cat": "Concat",
    "concat": "Concat",
    "conv2d": "Conv2d",
    "dropout": "Dropout",
    "feature_dropout": "Dropout",
    "flatten": "Flatten",
    "gelu": "GELU",
    "getitem": "Slice",
    "hardsigmoid": "Hardsigmoid",
    "hardswish": "Hardswish",
    "layer_norm": "LayerNorm",
    "linear": "Linear",
    "log_softmax": "LogSoftmax",
    "max_pool2d": "MaxPool2d",
    "mean": "Mean",
    "mul": "Multiply",
    "pad": "Pad",
    "permute": "Permute",
    "relu": "ReLU",
    "relu6": "ReLU6",
    "reshape": "Reshape",
    "sigmoid": "Sigmoid",
    "silu": "SiLU",
    "softmax": "Softmax",
    "stochastic_depth": "StochasticDepth",
    "transpose": "Transpose",
    "view": "Reshape",
}


def path(node: Node) -> str:
    """The dotted path of the module or constant a node refers to."""
    return str(node.target)


def source(node: Node) -> Node:
    """The first value a node works on."""
    return node.all_input_nodes[0]


def function_name(node: Node) -> str:
    """The plain name of what a node calls: `relu` for `F.relu`, `torch.relu`, `x.relu()` and `aten.relu`."""
    if isinstance(node.target, str):
        return node.target
    if isinstance(node.target, torch._ops.OpOverload):
        return node.target._schema.name.split("::")[-1]
    return node.target.__name__


def kind(node: Node, modules: Modules) -> str:
    """What a node does, in the words of `torch.nn`: "Conv2d", "ReLU", "Add", ...; else the function's own name."""
    if node.op == "call_module":
        return type(modules[path(node)]).__name__
    name = function_name(node)
    return _KIND_OF_FUNCTION.get(name, name)


def is_relu(node: Node, modules: Modules) -> bool:
    """Whether a node is a ReLU proper, max(x, 0). ReLU6, Hardswish and their like are other functions and are not."""
    return node.op in ("call_module", "call_function", "call_method") and kind(node, modules) == "ReLU"


def argument(node: Node, position: int, name: str, default: Any = None) -> Any:
    """The argument of a function node, given by position or by name."""
    if name in node.kwargs:
        return node.kwargs[name]
    return node.args[position] if len(node.args) > position else default
