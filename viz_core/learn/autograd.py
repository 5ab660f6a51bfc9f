"""What autograd does: a formula forwards, then the chain rule backwards, one edge at a time."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from viz_core.errors import ConvscopeError
from viz_core.images.render import heatmap, resize
from viz_core.learn.expression import Node, Walk, backward, forward
from viz_core.technique import Run, Section, Technique

CELL = 48


PRESETS: dict[str, dict[str, Any]] = {
    "neuron": {},
    "network": {
        "formula": "(relu(w1 * x + b1) * v1 + relu(w2 * x + b2) * v2 + c - y) ** 2",
        "values": "x=1, w1=2, b1=-1, v1=0.5, w2=-1.5, b2=2, v2=-1, c=0.25, y=1",
    },
    "logistic": {"formula": "-log(sigmoid(w * x + b))", "values": "x=2, w=0.5, b=-0.25"},
    "meeting": {"formula": "x * sin(x) + x ** 2", "values": "x=1.5"},
}


class Autograd(Technique):
    """Differentiate a formula automatically: values forwards, then gradients backwards along every edge of its graph.

    Baydin, Pearlmutter, Radul & Siskind 2018.
    """

    slug: ClassVar[str] = "autograd"
    section: ClassVar[Section] = "learn"
    order: ClassVar[int] = 20
    icon: ClassVar[str] = "schema"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS

    formula: str = Field(
        "(relu(w1 * x + b1) * w2 - y) ** 2",
        description="formula with + - * / **, relu, sigmoid, tanh, exp, log, sin, cos",
    )
    values: str = Field("x=2, w1=1.5, b1=-1, w2=0.5, y=2", description="value of each variable: x=2, y=1")

    def run(self) -> Run:
        """Forward, then backward; there is nothing to wait for."""
        yield from ()
        nodes = forward(self.formula, parse_values(self.values))
        gradients, walks = backward(nodes)
        table = np.array([[node.value, gradient] for node, gradient in zip(nodes, gradients, strict=True)])
        inputs = {
            node.name: gradient for node, gradient in zip(nodes, gradients, strict=True) if node.operation == "input"
        }
        return self.result(
            arrays={"values": table[:, 0], "gradients": table[:, 1], "grid": table},
            pictures={"gradients": gradient_strip(table[:, 1])},
            scores={"result": nodes[-1].value} | {f"d/d{name}": gradient for name, gradient in inputs.items()},
            tables={
                "nodes": [node_row(place, node, gradients[place]) for place, node in enumerate(nodes)],
                "walks": [walk_row(nodes, walk) for walk in walks],
            },
        )


def parse_values(text: str) -> dict[str, float]:
    """Variables from `x=2, y=-1`; raises ConvscopeError where that is not what it says."""
    values = {}
    for part in filter(str.strip, text.replace(";", ",").split(",")):
        name, equals, number = part.partition("=")
        try:
            values[name.strip()] = float(number)
        except ValueError as error:
            raise ConvscopeError("learn_errors.bad_value", part=part.strip()) from error
        if not equals or not name.strip().isidentifier():
            raise ConvscopeError("learn_errors.bad_value", part=part.strip())
    return values


def node_row(place: int, node: Node, gradient: float) -> dict[str, object]:
    """One node as a row of the table."""
    return {
        "place": place,
        "name": node.name,
        "operation": node.operation,
        "inputs": list(node.inputs),
        "value": node.value,
        "gradient": gradient,
    }


def walk_row(nodes: tuple[Node, ...], walk: Walk) -> dict[str, object]:
    """One step of the chain rule as a row of the table."""
    return {
        "source": walk.source,
        "sink": walk.sink,
        "from": nodes[walk.source].name,
        "to": nodes[walk.sink].name,
        "gradient": walk.gradient,
        "local": walk.local,
        "added": walk.added,
        "total": walk.total,
    }


def gradient_strip(gradients: np.ndarray) -> np.ndarray:
    """The gradients of all nodes in a row, coloured about zero."""
    colours = heatmap(gradients[None], signed=True)
    return resize(colours, (CELL, CELL * len(gradients)), sharp=True)
