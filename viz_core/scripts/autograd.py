"""A formula and its derivatives as a script: the same graph, walked by torch."""

import re

from viz_core.learn.autograd import Autograd, parse_values
from viz_core.learn.expression import Node, forward
from viz_core.scripts.parts import comment, compose, fill
from viz_core.scripts.script import Script

OBEYED = ("formula", "values")
_BODY = """
def number(value):
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)

# $formula
$steps

# Autograd walks the graph backwards from the result.
nodes = [$names]
gradients = torch.autograd.grad(nodes[-1], nodes, allow_unused=True)
for name, value, gradient in zip("$listed".split(), nodes, gradients):
    print(name, "=", float(value.detach()), "  d result / d", name, "=", float(gradient))
result = np.array([float(gradient) for gradient in gradients])
"""
_TAKEN = ("torch", "np", "number", "nodes", "name", "value", "gradient", "gradients", "result", "zip", "float", "print")
_SYMBOLS = {"+": "+", "−": "-", "×": "*", "÷": "/"}


def write(technique: Autograd) -> Script:
    """The derivative of the result by every node."""
    nodes = forward(technique.formula, parse_values(technique.values))
    names = [_safe(node.name) if node.operation == "input" else f"v{place}" for place, node in enumerate(nodes)]
    steps = "\n".join(f"{name} = {_step(node, names)}" for name, node in zip(names, nodes, strict=True))
    body = fill(_BODY, formula=comment(technique.formula), steps=steps, names=", ".join(names), listed=" ".join(names))
    return compose(technique, "gradients", body, network_too=False)


def _safe(variable: str) -> str:
    """A variable's name that means nothing else in the script."""
    return f"{variable}_" if variable in _TAKEN or re.fullmatch(r"v\d+", variable) else variable


def _step(node: Node, names: list[str]) -> str:
    """One operation of the graph in torch's words."""
    inputs = [names[place] for place in node.inputs]
    if not inputs:
        return f"number({node.value!r})"
    if len(inputs) == 2:
        return f"{inputs[0]} {_SYMBOLS[node.operation]} {inputs[1]}"
    if node.operation == "−":
        return f"-{inputs[0]}"
    if node.operation.startswith("^"):
        return f"{inputs[0]} ** {node.operation[1:]}"
    return f"torch.{node.operation}({inputs[0]})"
