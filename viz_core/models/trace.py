"""From a module to a program: the graph of its forward pass, free of in-place operations and of training-time parts."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx import Node

from viz_core.models.ops import argument, function_name, path

_tracing = threading.Lock()


@dataclass(frozen=True)
class Program:
    """A forward pass as a graph that is never changed again, with the modules and tensors its nodes refer to.

    `nodes` are the ones the output needs, in the order of computation, without the input; `graph` keeps them alive.
    """

    graph: fx.Graph
    input: Node
    output: Node
    nodes: tuple[Node, ...]
    modules: Mapping[str, nn.Module]
    constants: Mapping[str, Tensor]


@dataclass(frozen=True)
class Plan:
    """The part of a program between given inputs and outputs; `frees[i]`: values no longer needed after step i."""

    nodes: tuple[Node, ...]
    frees: tuple[tuple[Node, ...], ...]


Functions = Mapping[Node, Callable[..., Any]]


class _Tracer(fx.Tracer):
    """Tracing replaces `nn.Module.__call__` for the whole process; here calls of other threads pass through."""

    def __init__(self) -> None:
        super().__init__()
        self.thread = threading.get_ident()

    def call_module(self, m: nn.Module, forward: Callable, args: tuple, kwargs: dict) -> Any:
        if threading.get_ident() != self.thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict) -> Any:
        if threading.get_ident() != self.thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)


def trace(module: nn.Module) -> Program:
    """The program of a module's forward pass in evaluation mode.

    Freezes the weights. In-place operations become plain ones, and whoever read the overwritten value later reads the
    result, as it did before: so every value of the graph can be looked at, and the numbers stay the same. Nodes the
    output does not need, such as checks of sizes, are left out.
    """
    module.eval().requires_grad_(False)
    with _tracing:
        graph = _Tracer().trace(module)
    constants = {path(node): _attribute(module, path(node)) for node in graph.nodes if node.op == "get_attr"}
    return program_of(graph, dict(module.named_modules()), constants)


def program_of(graph: fx.Graph, modules: Mapping[str, nn.Module], constants: Mapping[str, Tensor]) -> Program:
    """The program of a graph, which is rewritten; see `trace`."""
    _undo_in_place(graph, modules)
    placeholder = next(node for node in graph.nodes if node.op == "placeholder")
    output = _first_node(next(node for node in graph.nodes if node.op == "output").args[0])
    return Program(graph, placeholder, output, ancestors(graph.nodes, [output], {placeholder}), modules, constants)


def weight_and_bias(program: Program, node: Node) -> tuple[Tensor | None, Tensor | None]:
    """The weight and bias of a layer, where it has them, whether it is a module or a function."""
    if node.op == "call_module":
        module: Any = program.modules[path(node)]
        return getattr(module, "weight", None), getattr(module, "bias", None)
    given = [argument(node, position, name) for position, name in ((1, "weight"), (2, "bias"))]
    weight, bias = (program.constants[path(n)] if isinstance(n, Node) and n.op == "get_attr" else None for n in given)
    return weight, bias


def weight_of(program: Program, node: Node) -> Tensor:
    """The weight of a layer that has one."""
    weight, _ = weight_and_bias(program, node)
    assert weight is not None
    return weight


def _attribute(module: nn.Module, path: str) -> Any:
    """The attribute at a dotted path, such as `features.1.layer_scale`."""
    owner, _, name = path.rpartition(".")
    return getattr(module.get_submodule(owner), name)


def _first_node(value: Any) -> Node:
    """The output itself, or the first of a tuple, list or dict of outputs: the logits of networks with extra heads."""
    if isinstance(value, Node):
        return value
    return _first_node(next(iter(value.values() if isinstance(value, Mapping) else value)))


def _undo_in_place(graph: fx.Graph, modules: Mapping[str, nn.Module]) -> None:
    order = {node: position for position, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        if not _works_in_place(node, modules):
            continue
        overwritten = node.args[0]
        _make_out_of_place(node)
        if isinstance(overwritten, Node):
            overwritten.replace_all_uses_with(node, delete_user_cb=partial(_comes_later, order, node))
    for module in modules.values():
        if getattr(module, "inplace", False):
            setattr(module, "inplace", False)  # noqa: B010  (no attribute of every module)


def _comes_later(order: Mapping[Node, int], node: Node, other: Node) -> bool:
    return order[other] > order[node]


def _is_in_place_name(name: str) -> bool:
    return name.endswith("_") and not name.endswith("__")


def _works_in_place(node: Node, modules: Mapping[str, nn.Module]) -> bool:
    if node.op == "call_module":
        return bool(getattr(modules[path(node)], "inplace", False))
    if node.op not in ("call_function", "call_method"):
        return False
    return bool(node.kwargs.get("inplace", False)) or _is_in_place_name(function_name(node))


def _make_out_of_place(node: Node) -> None:
    if node.op == "call_module":
        return
    if node.kwargs.get("inplace", False):
        node.kwargs = {**node.kwargs, "inplace": False}
        return
    name = function_name(node).rstrip("_")
    if node.op == "call_method":
        node.target = name
    elif isinstance(node.target, torch._ops.OpOverload):
        packet = getattr(torch.ops.aten, name)
        node.target = getattr(packet, node.target._overloadname)
    else:
        node.target = getattr(torch if hasattr(torch, name) else nn.functional, name)


def ancestors(nodes: Iterable[Node], outputs: Sequence[Node], inputs: set[Node]) -> tuple[Node, ...]:
    """The nodes that must be computed for the outputs when the inputs are given, in the order of computation."""
    needed: set[Node] = set()
    pending = list(outputs)
    while pending:
        node = pending.pop()
        if node not in needed and node not in inputs:
            needed.add(node)
            pending.extend(node.all_input_nodes)
    return tuple(node for node in nodes if node in needed)


def plan(program: Program, outputs: Sequence[Node], inputs: Sequence[Node]) -> Plan:
    """The shortest way from the inputs to the outputs; each value is let go after its last use."""
    nodes = ancestors(program.nodes, outputs, set(inputs))
    last_use = {value: node for node in nodes for value in node.all_input_nodes}
    frees: dict[Node, list[Node]] = {node: [] for node in nodes}
    for value, node in last_use.items():
        if value not in outputs:
            frees[node].append(value)
    return Plan(nodes, tuple(tuple(frees[node]) for node in nodes))


def functions(program: Program, modules: Mapping[str, nn.Module]) -> dict[Node, Callable[..., Any]]:
    """What each node computes, with these modules in the places of its own. Modules are entered past any hook."""
    return {node: _function(node, modules) for node in program.nodes if node.op.startswith("call_")}


def _function(node: Node, modules: Mapping[str, nn.Module]) -> Callable[..., Any]:
    if node.op == "call_module":
        return modules[path(node)].forward
    if node.op == "call_method":
        return lambda value, *args, method=node.target, **kwargs: getattr(value, method)(*args, **kwargs)
    assert callable(node.target)
    return node.target


def compute(
    steps: Plan, functions: Functions, constants: Mapping[str, Tensor], values: dict[Node, Any]
) -> dict[Node, Any]:
    """Walk through a plan; `values` starts with the inputs and ends with the outputs."""
    for node, frees in zip(steps.nodes, steps.frees, strict=True):
        if node.op == "get_attr":
            values[node] = constants[path(node)]
        else:
            args = fx.node.map_arg(node.args, values.__getitem__)
            kwargs = fx.node.map_arg(node.kwargs, values.__getitem__)
            values[node] = functions[node](*args, **kwargs)
        for value in frees:
            del values[value]
    return values
