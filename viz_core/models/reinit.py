"""Fresh random weights for the later part of a network."""

import copy
import dataclasses
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.fx import Node

from viz_core.models.ops import kind, path
from viz_core.models.random_state import private_random_state
from viz_core.models.trace import Program


def reinitialised(program: Program, first: Node, seed: int) -> Program:
    """The program with every module first used at `first` or later initialised anew by its own `reset_parameters`.

    The other modules are the same objects. The same seed gives the same weights. Convolutions, linear layers and
    normalisations written as functions are initialised as their modules would be.
    """
    start = program.nodes.index(first)
    earlier = [node for node in program.nodes[:start] if node.op.startswith("call_")]
    before = {path(n) for node in earlier for n in (node, *node.all_input_nodes)}
    later = dict.fromkeys(path(node) for node in program.nodes[start:] if node.op == "call_module")
    modules, constants = dict(program.modules), dict(program.constants)
    with private_random_state(seed):
        for name in later:
            if name not in before and any(True for _ in modules[name].parameters()):
                modules[name] = _fresh(modules[name])
        for node in program.nodes[start:]:
            if node.op == "call_function":
                constants |= {name: value for name, value in _fresh_arguments(program, node) if name not in before}
    return dataclasses.replace(program, modules=modules, constants=constants)


def _fresh(module: nn.Module) -> nn.Module:
    """A copy drawn on the CPU, so that every device gets the same weights."""
    device = next(module.parameters()).device
    twin = copy.deepcopy(module).cpu()
    for part in twin.modules():
        for name in ("reset_parameters", "_reset_parameters"):  # attention has the latter
            if callable(reset := getattr(part, name, None)):
                reset()
    return twin.to(device).requires_grad_(False)


def _fresh_arguments(program: Program, node: Node) -> Iterator[tuple[str, Tensor]]:
    """New values for the weights and statistics given to a function: (name, tensor)."""
    given = [path(n) for n in node.all_input_nodes if n.op == "get_attr"]
    shapes = [program.constants[name].shape for name in given]
    match kind(node, program.modules):
        case "Conv2d" | "Linear":
            bound = 1 / math.sqrt(shapes[0][1:].numel())
            values = [torch.empty(shape).uniform_(-bound, bound) for shape in shapes]
        case "BatchNorm2d" | "LayerNorm":  # scale, shift and, of batch norm, running mean and variance
            values = [torch.full(shape, float(i in (0, 3))) for i, shape in enumerate(shapes)]
        case "shifted_window_attention":  # two linear layers of the same number of inputs: their weights, their biases
            bound = 1 / math.sqrt(shapes[0][1])
            values = [torch.empty(shape).uniform_(-bound, bound) for shape in shapes]
        case "_get_relative_position_bias":  # the table; the other constant is an index
            values = [nn.init.trunc_normal_(torch.empty(shapes[0]), std=0.02)]
        case _:
            values = []
    for name, value in zip(given, values, strict=False):
        old = program.constants[name]
        fresh = value.to(old.device)
        yield name, nn.Parameter(fresh, requires_grad=False) if isinstance(old, nn.Parameter) else fresh
