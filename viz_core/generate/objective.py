"""What an optimisation wants: terms that can be weighted, added and printed.

An objective looks at a `View` and gives one value for each picture of the batch. Optimisation makes it small; what should
grow is subtracted: `-Score((207,)) + 0.1 * TotalVariation()`. Printing an objective tells what was optimised.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

LOGITS = "logits"


class View(NamedTuple):
    """What an objective sees: the pictures (N, 3, H, W) in [0, 1], and the activations of the layers it asked for, by name.

    The activations are those of the transformed pictures; `LOGITS` among the names stands for the scores before the softmax.
    """

    picture: Tensor
    activations: Mapping[str, Tensor]


class Objective(ABC):
    """A value for each picture of a batch, (N,), to be made small. `layers` are the activations it looks at.

    `name` is what its curve is called. `least` is the smallest first value worth dividing by: a term that begins nearer to
    nothing than that keeps its own units.
    """

    layers: tuple[str, ...] = ()
    least: float = 1e-6

    @abstractmethod
    def __call__(self, view: View) -> Tensor:
        """The values (N,)."""

    @property
    @abstractmethod
    def name(self) -> str:
        """A short name, the same whatever the weight."""

    def __str__(self) -> str:
        return self.name

    def terms(self) -> "tuple[Term, ...]":
        """The weighted terms this is the sum of."""
        return (Term(1.0, self),)

    def __add__(self, other: "Objective") -> "Sum":
        return Sum(self.terms() + other.terms())

    def __sub__(self, other: "Objective") -> "Sum":
        return self + -1.0 * other

    def __mul__(self, weight: float) -> "Sum":
        return Sum(tuple(Term(weight * term.weight, term.objective) for term in self.terms()))

    __rmul__ = __mul__

    def __neg__(self) -> "Sum":
        return -1.0 * self


class Term(NamedTuple):
    """One objective and how much it counts."""

    weight: float
    objective: Objective


class Sum(Objective):
    """A weighted sum of objectives."""

    def __init__(self, terms: tuple[Term, ...]) -> None:
        self._terms = tuple(term for term in terms if term.weight)
        self.layers = tuple(dict.fromkeys(layer for term in self._terms for layer in term.objective.layers))

    def terms(self) -> tuple[Term, ...]:
        return self._terms

    def __call__(self, view: View) -> Tensor:
        values = [weight * objective(view) for weight, objective in self._terms]
        return torch.stack(values).sum(0) if values else view.picture.new_zeros(len(view.picture))

    @property
    def name(self) -> str:
        words = " ".join(
            f"{'-' if weight < 0 else '+'} {'' if abs(weight) == 1 else f'{abs(weight):g} '}{objective}"
            for weight, objective in self._terms
        )
        return words.removeprefix("+ ") or "0"


@dataclass(frozen=True, eq=False)
class Score(Objective):
    """The score of a class before the softmax, one class for each picture (a single one serves all). Simonyan et al. 2013."""

    classes: tuple[int, ...]
    layers = (LOGITS,)

    def __call__(self, view: View) -> Tensor:
        return _chosen(view.activations[LOGITS], self.classes)

    @property
    def name(self) -> str:
        return f"score {_listed(self.classes)}"


@dataclass(frozen=True, eq=False)
class LogProbability(Objective):
    """The logarithm of a class's probability, one class for each picture (a single one serves all)."""

    classes: tuple[int, ...]
    layers = (LOGITS,)

    def __call__(self, view: View) -> Tensor:
        return _chosen(view.activations[LOGITS].log_softmax(1), self.classes)

    @property
    def name(self) -> str:
        return f"log probability {_listed(self.classes)}"


@dataclass(frozen=True, eq=False)
class Unit(Objective):
    """One channel of a layer for each picture: its mean over all positions, or its value at (row, column).

    Positions count as fractions of the map's height and width, so (0.5, 0.5) is the neuron in the middle; vectors have none.
    """

    layer: str
    channels: tuple[int, ...]
    at: tuple[float, float] | None = None
    layers: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", (self.layer,))

    def __call__(self, view: View) -> Tensor:
        return _pooled(_chosen(view.activations[self.layer], self.channels), self.at)

    @property
    def name(self) -> str:
        return f"{self.layer}[{_listed(self.channels)}]{_place(self.at)}"


@dataclass(frozen=True, eq=False)
class Direction(Objective):
    """The activations of a layer along a direction (C,): mean dot product over positions, or that at (row, column)."""

    layer: str
    vector: Tensor
    at: tuple[float, float] | None = None
    layers: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", (self.layer,))

    def __call__(self, view: View) -> Tensor:
        return _pooled(torch.einsum("nc...,c->n...", view.activations[self.layer], self.vector), self.at)

    @property
    def name(self) -> str:
        return f"direction in {self.layer}{_place(self.at)}"


@dataclass(frozen=True, eq=False)
class Strength(Objective):
    """Half the mean square of a layer's activations, of one channel if given: its gradient is the activation itself.

    Mordvintsev, Olah & Tyka 2015.
    """

    layer: str
    channel: int | None = None
    layers: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", (self.layer,))

    def __call__(self, view: View) -> Tensor:
        activation = view.activations[self.layer]
        if self.channel is not None:
            activation = activation[:, self.channel]
        return activation.flatten(1).square().mean(1) / 2

    @property
    def name(self) -> str:
        return f"strength of {self.layer}" + ("" if self.channel is None else f"[{self.channel}]")


@dataclass(frozen=True, eq=False)
class Match(Objective):
    """How far a layer's activations are from given ones: |a - a0|^2 / |a0|^2; `mask` (broadcast to a) chooses among them.

    Mahendran & Vedaldi 2015.
    """

    layer: str
    target: Tensor
    mask: Tensor | None = None
    layers: tuple[str, ...] = field(init=False)
    least = 1e-3

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", (self.layer,))

    def __call__(self, view: View) -> Tensor:
        difference, target = view.activations[self.layer] - self.target, self.target
        if self.mask is not None:
            difference, target = difference * self.mask, target * self.mask
        return difference.flatten(1).square().sum(1) / target.flatten(1).square().sum(1).clamp_min(1e-12)

    @property
    def name(self) -> str:
        return f"distance in {self.layer}"


@dataclass(frozen=True, eq=False)
class Guide(Objective):
    """Every position of a layer towards the feature of a guide picture (C, P) it already agrees with most (dot product).

    Mean dot product over positions. Mordvintsev, Olah & Tyka 2015.
    """

    layer: str
    features: Tensor
    layers: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", (self.layer,))

    def __call__(self, view: View) -> Tensor:
        activation = view.activations[self.layer].flatten(2)
        agreement = torch.einsum("ncp,cg->npg", activation, self.features)
        return agreement.amax(2).mean(1)

    @property
    def name(self) -> str:
        return f"guide in {self.layer}"


@dataclass(frozen=True, eq=False)
class Norm(Objective):
    """The mean of |x - centre|^power over a picture's numbers: power 2 is the L2 prior of class images."""

    power: float = 2.0
    centre: Tensor | float = 0.5
    least = 1e-3

    def __call__(self, view: View) -> Tensor:
        return (view.picture - self.centre).abs().flatten(1).pow(self.power).mean(1)

    @property
    def name(self) -> str:
        return f"L{self.power:g} norm"


@dataclass(frozen=True, eq=False)
class TotalVariation(Objective):
    """The mean over pixels and colours of (dx^2 + dy^2)^(beta/2), dx and dy to the neighbours. Mahendran & Vedaldi 2015."""

    beta: float = 2.0
    least = 1e-3

    def __call__(self, view: View) -> Tensor:
        x = view.picture
        right = x[..., :-1, 1:] - x[..., :-1, :-1]
        down = x[..., 1:, :-1] - x[..., :-1, :-1]
        steepness = right.square() + down.square()
        if self.beta != 2:
            steepness = (steepness + 1e-12).pow(self.beta / 2)
        return steepness.flatten(1).mean(1)

    @property
    def name(self) -> str:
        return f"TV{self.beta:g}"


def _chosen(values: Tensor, indices: tuple[int, ...]) -> Tensor:
    """The entry of dimension 1 meant for each picture: (N, C, ...) to (N, ...)."""
    if len(indices) == 1:
        return values[:, indices[0]]
    return values[torch.arange(len(values)), torch.as_tensor(indices)]


def _pooled(values: Tensor, at: tuple[float, float] | None) -> Tensor:
    """Values (N,) or maps (N, H, W) to (N,): the mean, or what is at a place."""
    if values.dim() == 1:
        return values
    if at is None:
        return values.flatten(1).mean(1)
    row, column = (min(int(where * side), side - 1) for where, side in zip(at, values.shape[-2:], strict=True))
    return values[..., row, column]


def _place(at: tuple[float, float] | None) -> str:
    return "" if at is None else f" at ({at[0]:g}, {at[1]:g})"


def _listed(indices: tuple[int, ...]) -> str:
    return ", ".join(map(str, indices))
