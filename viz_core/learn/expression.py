"""A formula as a graph, its value, and its derivatives by the chain rule: what automatic differentiation does."""

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from viz_core.errors import ConvscopeError

LONGEST_FORMULA = 200
MOST_NODES = 60


@dataclass(frozen=True)
class Node:
    """One value of the computation: its name, what made it, and the derivative of it by each of its inputs.

    operation: "input", "number", or the operator; inputs: places of the inputs in the list of nodes; local: d value /
    d input for each of them.
    """

    name: str
    operation: str
    inputs: tuple[int, ...]
    value: float
    local: tuple[float, ...]


@dataclass(frozen=True)
class Walk:
    """One edge walked backwards: `gradient` at `source` times `local` is added to the gradient at `sink`."""

    source: int
    sink: int
    gradient: float
    local: float
    added: float
    total: float


_BINARY: dict[type, tuple[str, Callable[[float, float], tuple[float, float, float]]]] = {
    ast.Add: ("+", lambda a, b: (a + b, 1.0, 1.0)),
    ast.Sub: ("−", lambda a, b: (a - b, 1.0, -1.0)),
    ast.Mult: ("×", lambda a, b: (a * b, b, a)),
    ast.Div: ("÷", lambda a, b: (a / b, 1 / b, -a / b**2)),
}


def _power(base: float, exponent: float) -> tuple[float, float]:
    return base**exponent, exponent * base ** (exponent - 1) if exponent else 0.0


def _sigmoid(a: float) -> tuple[float, float]:
    value = 1 / (1 + math.exp(-a))
    return value, value * (1 - value)


_UNARY: dict[str, Callable[[float], tuple[float, float]]] = {
    "relu": lambda a: (max(a, 0.0), float(a > 0)),
    "sigmoid": _sigmoid,
    "tanh": lambda a: (math.tanh(a), 1 - math.tanh(a) ** 2),
    "exp": lambda a: (math.exp(a), math.exp(a)),
    "log": lambda a: (math.log(a), 1 / a),
    "sin": lambda a: (math.sin(a), math.cos(a)),
    "cos": lambda a: (math.cos(a), -math.sin(a)),
}
FUNCTIONS = tuple(_UNARY)


class _Forward:
    """Builds the nodes of a formula in the order of their computation."""

    def __init__(self, values: Mapping[str, float]) -> None:
        self.values = values
        self.nodes: list[Node] = []
        self.places: dict[str, int] = {}

    def add(
        self, operation: str, inputs: tuple[int, ...], value: float, local: tuple[float, ...], name: str = ""
    ) -> int:
        if len(self.nodes) >= MOST_NODES:
            raise ConvscopeError("learn_errors.too_long", limit=LONGEST_FORMULA)
        if not all(map(math.isfinite, (value, *local))):
            raise ConvscopeError("learn_errors.not_finite", operation=operation)
        self.nodes.append(Node(name or f"v{len(self.nodes)}", operation, inputs, value, local))
        return len(self.nodes) - 1

    def visit(self, tree: ast.expr) -> int:
        match tree:
            case ast.Constant(value=int() | float() as value):
                return self.add("number", (), float(value), (), f"{value:g}")
            case ast.Name(id=name):
                return self.variable(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                place = self.visit(operand)
                return self.add("−", (place,), -self.nodes[place].value, (-1.0,))
            case ast.BinOp(op=ast.Pow(), left=left, right=ast.Constant(value=int() | float() as exponent)):
                place = self.visit(left)
                value, local = _power(self.nodes[place].value, float(exponent))
                return self.add(f"^{exponent:.12g}", (place,), value, (local,))
            case ast.BinOp(op=op, left=left, right=right) if type(op) in _BINARY:
                a, b = self.visit(left), self.visit(right)
                symbol, rule = _BINARY[type(op)]
                value, by_a, by_b = rule(self.nodes[a].value, self.nodes[b].value)
                return self.add(symbol, (a, b), value, (by_a, by_b))
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _UNARY:
                place = self.visit(argument)
                value, local = _UNARY[name](self.nodes[place].value)
                return self.add(name, (place,), value, (local,))
        raise ConvscopeError("learn_errors.no_formula", known=", ".join(FUNCTIONS))

    def variable(self, name: str) -> int:
        if name not in self.places:
            if name not in self.values:
                raise ConvscopeError("learn_errors.no_value", name=name, known=", ".join(self.values))
            self.places[name] = self.add("input", (), float(self.values[name]), (), name)
        return self.places[name]


def forward(formula: str, values: Mapping[str, float]) -> tuple[Node, ...]:
    """The nodes of a formula such as `relu(w * x + b) ** 2` in the order of computation, the result last.

    Raises ConvscopeError for anything but numbers, the given variables, + - * / **, and the known functions.
    """
    if len(formula) > LONGEST_FORMULA:
        raise ConvscopeError("learn_errors.too_long", limit=LONGEST_FORMULA)
    try:
        tree = ast.parse(formula.strip(), mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise ConvscopeError("learn_errors.no_formula", known=", ".join(FUNCTIONS)) from error
    builder = _Forward(values)
    try:
        builder.visit(tree)
    except (ArithmeticError, ValueError, TypeError) as error:
        raise ConvscopeError("learn_errors.not_finite", operation=formula) from error
    return tuple(builder.nodes)


def backward(nodes: tuple[Node, ...]) -> tuple[tuple[float, ...], tuple[Walk, ...]]:
    """The derivative of the last node by every node, and the edges in the order in which the chain rule walks them."""
    gradients = [0.0] * len(nodes)
    gradients[-1] = 1.0
    walks = []
    for source in range(len(nodes) - 1, -1, -1):
        node = nodes[source]
        for sink, local in zip(node.inputs, node.local, strict=True):
            added = gradients[source] * local
            gradients[sink] += added
            walks.append(Walk(source, sink, gradients[source], local, added, gradients[sink]))
    return tuple(gradients), tuple(walks)
