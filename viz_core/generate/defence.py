"""Adversarial training: two small networks learn the same digits, one of them from attacked pictures."""

from typing import ClassVar, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from sklearn.datasets import load_digits
from torch import Tensor, nn

from viz_core.images.render import filter_tiles, grid
from viz_core.models.random_state import private_random_state
from viz_core.tape import taped
from viz_core.technique import Result, Run, Section, Step, Technique

BRIGHTEST = 16  # of scikit-learn's digits
TESTED = 397
MEASURED = 200
BATCH = 64
RATE = 3e-3
SHOWN = 8
EVERY = 10  # steps from one measurement to the next
TILE = 6  # pixels on the screen for one of a digit
EPSILONS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3)


class Digits(NamedTuple):
    """Handwritten digits (N, 1, 8, 8) in [0, 1] and what they are, (N,)."""

    pictures: Tensor
    labels: Tensor


class Defence(Technique):
    """Train one small network on digits as they are and one on digits attacked anew in every step, and attack both.

    Goodfellow et al. 2014; Madry et al. 2018.
    """

    slug: ClassVar[str] = "defence"
    section: ClassVar[Section] = "generate"
    order: ClassVar[int] = 25
    icon: ClassVar[str] = "shield"
    live: ClassVar[bool] = True

    epsilon: float = Field(
        0.15,
        ge=0,
        le=0.5,
        description="largest change of a pixel in training, black to white is 1",
        json_schema_extra={"step": 0.01},
    )
    rounds: int = Field(2, ge=1, le=10, description="steps of each attack while training")
    steps: int = Field(200, ge=10, le=2000, description="steps of training", json_schema_extra={"step": 10})
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of weights, order and attacks")

    @taped
    def run(self) -> Run:
        """Train both in step, measuring them clean and attacked on digits they have not seen."""
        train, test = digits(self.generator())
        generator, plain = self.generator(), small_network(self.seed)
        defended = small_network(self.seed)
        optimisers = [torch.optim.Adam(network.parameters(), RATE) for network in (plain, defended)]
        curves: dict[str, list[float]] = {}
        at: list[int] = []
        done, measured = 0, dict[str, float]()
        for done in range(1, self.steps + 1):
            sheet = None
            rows = torch.randint(len(train.labels), (BATCH,), generator=generator)
            batch = Digits(train.pictures[rows], train.labels[rows])
            attacked = pgd(defended, batch, self.epsilon, self.rounds, generator)
            for network, optimiser, pictures in zip(
                (plain, defended), optimisers, (batch.pictures, attacked), strict=True
            ):
                optimiser.zero_grad()
                F.cross_entropy(network(pictures), batch.labels).backward()
                optimiser.step()
            if done == 1 or done % EVERY == 0 or done == self.steps:
                measured, sheet = self._measured(plain, defended, test), gradients_sheet(plain, defended, test)
                at.append(done)
                for name, value in measured.items():
                    curves.setdefault(name, []).append(value)
            if (yield Step(done, self.steps, sheet, measured)):
                break
        return self._finished(plain, defended, test, curves, at, done)

    def _measured(self, plain: nn.Module, defended: nn.Module, test: Digits) -> dict[str, float]:
        """Shares of some unseen digits that each network gets right, as they are and attacked."""
        test = Digits(*(part[:MEASURED] for part in test))
        shares = {}
        for name, network in (("plain", plain), ("defended", defended)):
            shares[f"{name}_clean"] = accuracy(network, test)
            shares[f"{name}_attacked"] = accuracy(network, Digits(pgd(network, test, self.epsilon, 3), test.labels))
        return shares

    def _finished(
        self,
        plain: nn.Module,
        defended: nn.Module,
        test: Digits,
        curves: dict[str, list[float]],
        at: list[int],
        done: int,
    ) -> Result:
        """How both hold out against stronger and stronger attacks, and the gradients they would be attacked along."""
        rows = [
            {
                "epsilon": epsilon,
                **{
                    name: accuracy(network, Digits(pgd(network, test, epsilon, 5), test.labels))
                    for name, network in (("plain", plain), ("defended", defended))
                },
            }
            for epsilon in EPSILONS
        ]
        return self.result(
            arrays={f"curve: {name}": np.asarray(values, np.float32) for name, values in curves.items()}
            | {"steps": np.asarray(at)},
            pictures={"gradients": gradients_sheet(plain, defended, test)},
            scores={name: values[-1] for name, values in curves.items()} | {"steps": done},
            tables={"strength": rows},
        )


def digits(generator: torch.Generator) -> tuple[Digits, Digits]:
    """scikit-learn's 1797 digits, shuffled: those to learn from, and 397 to be tested on."""
    data = load_digits()
    order = torch.randperm(len(data.target), generator=generator)
    pictures = torch.from_numpy(data.images).float().div(BRIGHTEST)[order, None]
    labels = torch.from_numpy(data.target)[order]
    return Digits(pictures[TESTED:], labels[TESTED:]), Digits(pictures[:TESTED], labels[:TESTED])


def small_network(seed: int) -> nn.Sequential:
    """Two convolutions and a linear layer for pictures (N, 1, 8, 8); the same seed gives the same weights."""
    with private_random_state(seed):
        return nn.Sequential(
            *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU()),
            *(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(32 * 4 * 4, 10)),
        )


def pgd(
    network: nn.Module, batch: Digits, epsilon: float, rounds: int, generator: torch.Generator | None = None
) -> Tensor:
    """Pictures within `epsilon` of the given ones in every pixel where the loss is high; Madry et al. 2018.

    Steps of 2.5 epsilon / rounds along the signs of the gradient; from a random place in the cube where a generator is
    given, else from the pictures themselves.
    """
    start = torch.zeros_like(batch.pictures)
    if generator is not None:
        start = epsilon * (2 * torch.rand(start.shape, generator=generator) - 1)
    x = (batch.pictures + start).clamp(0, 1)
    for _ in range(rounds):
        moved = x + 2.5 * epsilon / rounds * loss_gradient(network, Digits(x, batch.labels)).sign()
        x = (batch.pictures + (moved - batch.pictures).clamp(-epsilon, epsilon)).clamp(0, 1)
    return x


def loss_gradient(network: nn.Module, batch: Digits) -> Tensor:
    """The gradient of the cross-entropy with respect to each picture."""
    x = batch.pictures.detach().requires_grad_()
    with torch.enable_grad():
        loss = F.cross_entropy(network(x), batch.labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, x)
    return gradient


@torch.no_grad()
def accuracy(network: nn.Module, batch: Digits) -> float:
    """The share of the pictures that are recognised."""
    return float((network(batch.pictures).argmax(1) == batch.labels).float().mean())


def gradients_sheet(plain: nn.Module, defended: nn.Module, test: Digits) -> np.ndarray:
    """Some digits, and under each the gradient of the plain and of the defended network's loss: grey is zero."""
    few = Digits(test.pictures[:SHOWN], test.labels[:SHOWN])
    rows = [np.repeat(few.pictures.numpy()[:, 0, :, :, None] * 255, 3, -1).round().astype(np.uint8)]
    rows += [np.stack(filter_tiles(loss_gradient(network, few)[:, 0].numpy())) for network in (plain, defended)]
    tiles = [tile.repeat(TILE, 0).repeat(TILE, 1) for row in rows for tile in row]
    return grid(tiles, columns=SHOWN)
