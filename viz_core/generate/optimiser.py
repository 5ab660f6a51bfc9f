"""How a step is taken: a normalised gradient, momentum, Adam, or L-BFGS one step at a time.

An optimiser is told the numbers to change once (`begin`) and then asked for one step after another. `halve` halves the
length of all later steps: the loop asks for it when a step led to something that is not a number.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

MOST_TRIALS = 25  # of a line search
Evaluate = Callable[[], Tensor]  # computes the total loss and leaves its gradient in `values.grad`
StepNorm = Literal["mean", "l2", "sign", "spread"]


class Optimiser(ABC):
    """Takes steps that make a loss smaller."""

    values: Tensor
    slowdown: float = 1.0

    def begin(self, values: Tensor) -> None:
        """Start anew on these numbers, a leaf tensor (N, ...) that wants gradients."""
        self.values, self.slowdown = values, 1.0

    @abstractmethod
    def step(self, loss: float, evaluate: Evaluate) -> None:
        """Change the numbers once; their loss and gradient have just been computed and need not be again."""

    def halve(self) -> None:
        """Take half as long steps from now on, and forget what led here."""
        self.slowdown /= 2


class Ramp(NamedTuple):
    """A number that goes evenly from `start` to `end` in so many steps, and stays there."""

    start: float
    end: float
    steps: int

    def at(self, step: int) -> float:
        """The number at a step, counted from 0."""
        return self.start + (self.end - self.start) * min(1.0, step / max(1, self.steps - 1))


class NormalisedStep(Optimiser):
    """A step of fixed size down the gradient of each picture, whatever its scale.

    `norm` says of what the size is: the mean absolute change ("mean", Google's DeepDream), the length ("l2", CS231n), the
    change of every number ("sign", FGSM), or the size of a change by one standard deviation of the gradient ("spread").
    """

    def __init__(self, size: float | Ramp, norm: StepNorm = "mean") -> None:
        self.size, self.norm = size if isinstance(size, Ramp) else Ramp(size, size, 1), norm

    def begin(self, values: Tensor) -> None:
        super().begin(values)
        self._taken = 0

    @torch.no_grad()
    def step(self, loss: float, evaluate: Evaluate) -> None:
        assert self.values.grad is not None
        size = self.size.at(self._taken) * self.slowdown
        self.values.sub_(size * normalised(self.values.grad, self.norm))
        self._taken += 1


class GradientDescent(Optimiser):
    """Steps of rate times gradient, with momentum; `rates` are (number of steps, rate), one after the other.

    The momentum begins anew at every change of the rate, as in Mahendran & Vedaldi's code. The last rate stays.
    """

    def __init__(self, rates: float | Sequence[tuple[int, float]], momentum: float = 0.0) -> None:
        self.rates = ((1, rates),) if isinstance(rates, float) else tuple(rates)
        self.momentum = momentum

    def begin(self, values: Tensor) -> None:
        super().begin(values)
        self._velocity, self._taken, self._rate = torch.zeros_like(values), 0, self.rates[0][1]

    @torch.no_grad()
    def step(self, loss: float, evaluate: Evaluate) -> None:
        assert self.values.grad is not None
        rate = self._rate_now()
        if rate != self._rate:
            self._velocity.zero_()
            self._rate = rate
        self._velocity.mul_(self.momentum).sub_(rate * self.slowdown * self.values.grad)
        self.values.add_(self._velocity)
        self._taken += 1

    def _rate_now(self) -> float:
        until = 0
        for steps, rate in self.rates:
            until += steps
            if self._taken < until:
                return rate
        return self.rates[-1][1]

    def halve(self) -> None:
        super().halve()
        self._velocity.zero_()


class Progress(Optimiser):
    """Steps that should lower the loss by `wanted` if it were linear: rate = wanted / |gradient|^2, at most `most`.

    The "progress" rate of Yosinski et al. 2015.
    """

    def __init__(self, wanted: float, most: float) -> None:
        self.wanted, self.most = wanted, most

    @torch.no_grad()
    def step(self, loss: float, evaluate: Evaluate) -> None:
        assert self.values.grad is not None
        square = _over_picture(self.values.grad.flatten(1).square().sum(1), self.values)
        rate = (self.wanted / square.clamp_min(1e-30)).clamp(max=self.most)
        self.values.sub_(self.slowdown * rate * self.values.grad)


class _FromTorch(Optimiser):
    """Steps taken by one of torch's optimisers."""

    rate: float

    @abstractmethod
    def make(self, rate: float) -> torch.optim.Optimizer:
        """The optimiser of `self.values`."""

    def begin(self, values: Tensor) -> None:
        super().begin(values)
        self._torch = self.make(self.rate)

    def halve(self) -> None:
        super().halve()
        self._torch = self.make(self.rate * self.slowdown)


class Adam(_FromTorch):
    """Adam (Kingma & Ba 2014)."""

    def __init__(self, rate: float = 0.05, betas: tuple[float, float] = (0.9, 0.999)) -> None:
        self.rate, self.betas = rate, betas

    def make(self, rate: float) -> torch.optim.Optimizer:
        return torch.optim.Adam([self.values], lr=rate, betas=self.betas)

    def step(self, loss: float, evaluate: Evaluate) -> None:
        self._torch.step()


class LBFGS(_FromTorch):
    """Limited-memory BFGS with a strong Wolfe line search, one step at a time, so that each can be watched and stopped.

    Loss and gradient are multiplied so that the first gradient has a mean size of 1: torch forgets curvature smaller than
    1e-10, which for losses that are means over many pixels would be all of it.
    """

    def __init__(self, rate: float = 1.0, history: int = 10, line_search: bool = True) -> None:
        self.rate, self.history, self.line_search = rate, history, line_search

    def begin(self, values: Tensor) -> None:
        super().begin(values)
        self._scale: Tensor | None = None

    def make(self, rate: float) -> torch.optim.Optimizer:
        search = "strong_wolfe" if self.line_search else None
        return torch.optim.LBFGS(
            [self.values],
            rate,
            max_iter=1,
            max_eval=1 + MOST_TRIALS,  # torch takes what this leaves for the length of its line search
            history_size=self.history,
            line_search_fn=search,
            tolerance_grad=0.0,
            tolerance_change=0.0,
        )

    def step(self, loss: float, evaluate: Evaluate) -> None:
        known = [loss]  # torch asks for the loss at the start first, which is there already

        def scaled() -> float:
            value = known.pop() if known else float(evaluate())
            assert self.values.grad is not None
            if self._scale is None:
                self._scale = 1 / self.values.grad.abs().mean().clamp_min(1e-30)
            self.values.grad = self.values.grad * self._scale
            return value * float(self._scale)

        self._torch.step(scaled)


def normalised(gradient: Tensor, norm: StepNorm) -> Tensor:
    """The gradient (N, ...) of each picture brought to size one; nothing where there is no gradient."""
    if norm == "sign":
        return gradient.sign()
    flat = gradient.flatten(1)
    size = {"mean": flat.abs().mean(1), "l2": flat.norm(dim=1), "spread": flat.std(1)}[norm]
    return gradient / _over_picture(size, gradient).clamp_min(1e-20)


def _over_picture(values: Tensor, like: Tensor) -> Tensor:
    """Values (N,) shaped to be multiplied with (N, ...)."""
    return values.view(-1, *[1] * (like.dim() - 1))
