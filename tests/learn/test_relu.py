"""The number grids against the lecture's own figure, torch.autograd and the networks' ReLU rules."""

import numpy as np
import pytest
import torch

from viz_core.errors import ConvscopeError
from viz_core.learn.relu import Relu, backward, grid_text, parse_grid
from viz_core.models.relu_rules import RULES, rule_function
from viz_core.technique import finish


def test_the_published_figure():
    sent = backward(parse_grid("1 -1 5; 2 -5 -7; -3 2 4"), parse_grid("-2 3 -1; 6 -3 1; 2 -1 3"))
    np.testing.assert_array_equal(sent["backprop"], [[-2, 0, -1], [6, 0, 0], [0, -1, 3]])
    np.testing.assert_array_equal(sent["deconvnet"], [[0, 3, 0], [6, 0, 1], [2, 0, 3]])
    np.testing.assert_array_equal(sent["guided"], [[0, 0, 0], [6, 0, 0], [0, 0, 3]])


@pytest.mark.parametrize("rule", RULES)
def test_two_hundred_random_grids_equal_autograd(rule):
    numbers = np.random.default_rng(1)
    for _ in range(200):
        values, signal = numbers.normal(size=(2, *numbers.integers(1, 8, 2)))
        x = torch.tensor(values, requires_grad=True)
        (expected,) = torch.autograd.grad(rule_function(rule)(x), x, torch.tensor(signal))
        np.testing.assert_array_equal(backward(values, signal)[rule], expected.numpy())


def test_the_picture_follows_the_same_rules():
    result = finish(Relu(model="random:squeezenet1_1", size=48, target=3).run())
    x = torch.from_numpy(result.arrays["input"])
    for rule in RULES:
        again = x.clone().requires_grad_()
        network = Relu(model="random:squeezenet1_1").network().with_relu(rule)
        (gradient,) = torch.autograd.grad(network(again)[0, 3], again)
        np.testing.assert_array_equal(result.arrays[f"picture_{rule}"], gradient[0].numpy())


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "no_rectangle"),
        ("1 2; 3", "no_rectangle"),
        ("a b", "no_numbers"),
        ("nan 1", "too_large"),
        ("1e9", "too_large"),
        (" ".join("1" * 9), "too_many"),
    ],
)
def test_what_is_no_grid_is_told_in_a_sentence(text, key):
    with pytest.raises(ConvscopeError) as problem:
        parse_grid(text)
    assert problem.value.key == f"learn_errors.{key}"


def test_grids_of_different_shape_are_refused():
    with pytest.raises(ConvscopeError, match="2×1"):
        finish(Relu(values="1; 2", signal="1 2").run())


def test_a_grid_survives_as_text():
    grid = np.random.default_rng(0).normal(size=(3, 4)).round(6)
    np.testing.assert_array_equal(parse_grid(grid_text(grid)), grid)


def test_a_neuron_follows_the_same_rules():
    technique = Relu(model="random:squeezenet1_1", size=48, layer="features.3.squeeze", channel=2)
    result, network = finish(technique.run()), technique.network()
    x = torch.from_numpy(result.arrays["input"]).requires_grad_()
    maps = network.with_relu("guided").activations(x, "features.3.squeeze")["features.3.squeeze"]
    (gradient,) = torch.autograd.grad(maps[0, 2].max(), x)
    np.testing.assert_allclose(result.arrays["picture_guided"], gradient[0].numpy(), atol=1e-7)
    with pytest.raises(ConvscopeError):
        finish(technique.model_copy(update={"channel": 999}).run())
