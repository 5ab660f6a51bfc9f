"""One network, many people at once: the same numbers as one after another, and nothing left behind on the modules."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn

from viz_core import models
from viz_core.models import zoo
from viz_core.models.graph import GraphModel
from viz_core.models.memory import Memory
from viz_core.models.trace import trace

PEOPLE = 30
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks", "_state_dict_hooks")


def gradient(model: GraphModel, x: Tensor, target: int) -> Tensor:
    x = x.clone().requires_grad_()
    return torch.autograd.grad(model(x)[0, target], x)[0]


def difference(a: Tensor, b: Tensor) -> float:
    """The largest difference, as a share of the largest value."""
    return float((a - b).abs().max() / a.abs().max())


def questions(model: GraphModel) -> list[Callable[[], Tensor]]:
    """Thirty different things to ask."""
    asked: list[Callable[[], Tensor]] = []
    for person in range(PEOPLE // 6):
        x = torch.rand(1, 3, 48 + 8 * person, 64, generator=torch.Generator().manual_seed(person))
        layer = model.layer_names[7 * person + 2]
        asked += [
            lambda x=x: model(x),
            lambda x=x, layer=layer: model.activations(x, layer)[layer],
            lambda x=x, person=person: gradient(model.with_relu("guided"), x, person),
            lambda x=x, person=person: gradient(model.with_relu("deconvnet"), x, person),
            lambda x=x, person=person: model.randomised("features.6.squeeze", person)(x),
            lambda x=x: torch.tensor(
                [layer.shape for layer in model.layers(tuple(x.shape[2:])) if len(layer.shape) > 1]
            ),
        ]
    return asked


def test_thirty_people_at_once_get_what_they_would_get_alone() -> None:
    model = models.load("random:squeezenet1_1")
    asked = questions(model)
    assert len(asked) == PEOPLE
    alone = [ask() for ask in asked]
    start = threading.Barrier(PEOPLE)

    def at_once(ask: Callable[[], Tensor]) -> Tensor:
        start.wait()
        return ask()

    with ThreadPoolExecutor(PEOPLE) as people:
        together = list(people.map(at_once, asked))
    # Some processors take another kernel from one call to the next: the last bits differ then. Mixed-up answers differ by far more.
    assert max(difference(a, b) for a, b in zip(alone, together, strict=True)) < 1e-4
    guided, deconvnet = alone[2], alone[3]
    assert difference(guided, deconvnet) > 0.1
    for module in model._program.modules.values():
        assert not any(getattr(module, hooks) for hooks in HOOKS)
    assert not torch.nn.modules.module._has_any_global_hook()


def test_networks_can_be_loaded_while_others_compute() -> None:
    """Tracing changes how modules are called, for the whole process; nobody else may notice."""
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.ReLU(), nn.Conv2d(4, 2, 3))).eval()
    x = torch.rand(1, 3, 12, 12)
    expected = plain(x)
    done = threading.Event()

    def compute() -> int:
        turns = 0
        while not done.is_set():
            assert torch.equal(plain(x), expected)
            turns += 1
        return turns

    with ThreadPoolExecutor(4) as people:
        computing = [people.submit(compute) for _ in range(3)]
        for _ in range(5):
            trace(zoo.empty_network("resnet18"))
        done.set()
        assert all(future.result() > 0 for future in computing)


def test_those_who_ask_for_the_same_network_get_one() -> None:
    start = threading.Barrier(8)

    def ask(_: int) -> GraphModel:
        start.wait()
        return models.load("random:squeezenet1_0", seed=5)

    with ThreadPoolExecutor(8) as people:
        assert len(set(map(id, people.map(ask, range(8))))) == 1


def test_the_one_not_asked_for_longest_leaves_first() -> None:
    memory: Memory[object] = Memory(2)
    made: list[str] = []

    def make(name: str) -> object:
        made.append(name)
        return object()

    first = memory.get("a", lambda: make("a"))
    memory.get("b", lambda: make("b"))
    assert memory.get("a", lambda: make("a")) is first
    memory.get("c", lambda: make("c"))
    assert memory.keys() == ("a", "c")
    memory.get("b", lambda: make("b"))
    assert made == ["a", "b", "c", "b"]


def test_a_failure_is_told_and_tried_again() -> None:
    memory: Memory[int] = Memory(2)

    def fail() -> int:
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            memory.get("a", fail)
    assert memory.get("a", lambda: 3) == 3
