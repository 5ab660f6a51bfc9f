"""Automatic differentiation against torch.autograd on many random formulas."""

import math

import numpy as np
import pytest
import torch

from viz_core.errors import ConvscopeError
from viz_core.learn.autograd import Autograd, parse_values
from viz_core.learn.expression import backward, forward
from viz_core.technique import finish

VALUES = {"x": 0.7, "y": -1.3, "z": 2.1}
FORMULAS = (
    "x * y + z",
    "relu(x * y + z) ** 2",
    "sigmoid(x) / (1 + exp(-y))",
    "tanh(x * x) - log(z) * x",
    "sin(x) * cos(y) / z",
    "x ** 3 - 2 * x * x + -y",
    "(relu(x * y) * z - 1) ** 2",
)


def random_formula(numbers: np.random.Generator, depth: int) -> str:
    if depth == 0:
        return str(numbers.choice(list(VALUES)))
    left, right = random_formula(numbers, depth - 1), random_formula(numbers, depth - 1)
    return str(
        numbers.choice(
            [f"({left} + {right})", f"({left} * {right})", f"({left} - {right})", f"tanh({left})", f"sigmoid({right})"]
        )
    )


def torch_gradients(formula: str) -> tuple[float, dict[str, float]]:
    variables = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in VALUES.items()}
    functions = {name: getattr(torch, name) for name in ("relu", "sigmoid", "tanh", "exp", "log", "sin", "cos")}
    result = eval(formula, {"__builtins__": {}}, variables | functions)
    result.backward()
    return float(result.detach()), {name: 0.0 if v.grad is None else float(v.grad) for name, v in variables.items()}


@pytest.mark.parametrize("formula", FORMULAS)
def test_equals_torch(formula):
    assert_equals_torch(formula)


def test_two_hundred_random_formulas_equal_torch():
    numbers = np.random.default_rng(0)
    for _ in range(200):
        assert_equals_torch(random_formula(numbers, int(numbers.integers(1, 4))))


def assert_equals_torch(formula: str) -> None:
    nodes = forward(formula, VALUES)
    gradients, walks = backward(nodes)
    value, expected = torch_gradients(formula)
    assert nodes[-1].value == pytest.approx(value, abs=1e-12)
    for node, gradient in zip(nodes, gradients, strict=True):
        if node.operation == "input":
            assert gradient == pytest.approx(expected[node.name], abs=1e-12)
    assert sum(len(node.inputs) for node in nodes) == len(walks)


@pytest.mark.parametrize(
    ("formula", "key"),
    [
        ("__import__('os')", "no_formula"),
        ("x.real", "no_formula"),
        ("x if y else z", "no_formula"),
        ("x +", "no_formula"),
        ("", "no_formula"),
        ("q + 1", "no_value"),
        ("1 / (x - x)", "not_finite"),
        ("log(y)", "not_finite"),
        ("y ** 0.5", "not_finite"),
        ("exp(1e6)", "not_finite"),
        ("x + " * 60 + "x", "too_long"),
        ("(" * 150 + "x" + ")" * 150, "too_long"),
    ],
)
def test_what_is_no_formula_is_told_in_a_sentence(formula, key):
    with pytest.raises(ConvscopeError) as problem:
        forward(formula, VALUES)
    assert problem.value.key == f"learn_errors.{key}"


@pytest.mark.parametrize("text", ["x", "x=two", "2=x", "=1"])
def test_what_is_no_value_is_told_in_a_sentence(text):
    with pytest.raises(ConvscopeError, match="x=2"):
        parse_values(text)


def test_the_result_tells_every_derivative():
    result = finish(Autograd(formula="x * y", values="x=3, y=4").run())
    assert result.scores["d/dx"] == 4
    assert result.scores["d/dy"] == 3
    assert result.scores["result"] == 12
    assert math.isclose(result.tables["nodes"][-1]["gradient"], 1)
