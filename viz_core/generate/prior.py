"""What pictures are believed to be like, imposed on the pixels after each step (Yosinski et al. 2015).

A prior takes the pictures about their centre colour, x (N, 3, H, W), the gradient of the objective that led there, and the
number of the step, and gives better pictures. Priors that are terms of the objective (norms, total variation) live there.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from viz_core.generate.optimiser import Ramp


class Prior(Protocol):
    """Imposes a belief about pictures after a step."""

    def __call__(self, x: Tensor, gradient: Tensor, step: int) -> Tensor:
        """The pictures as they should rather be; steps are counted from 0."""


@dataclass(frozen=True)
class Decay:
    """Pull all pixels towards the centre: x times (1 - rate), the step that an L2 penalty takes."""

    rate: float

    def __call__(self, x: Tensor, gradient: Tensor, step: int) -> Tensor:
        return x * (1 - self.rate)


@dataclass(frozen=True)
class Blur:
    """Blur with a Gaussian of standard deviation `sigma` pixels every so many steps: high frequencies mean little."""

    sigma: float
    every: int = 1

    def __call__(self, x: Tensor, gradient: Tensor, step: int) -> Tensor:
        return gaussian_blur(x, self.sigma) if step % self.every == 0 else x


@dataclass(frozen=True)
class ClipSmallPixels:
    """Set the pixels whose norm over colours is in the lowest `percent` to the centre: few pixels should do the work."""

    percent: float

    def __call__(self, x: Tensor, gradient: Tensor, step: int) -> Tensor:
        return _without_lowest(x, x.square().sum(1).sqrt(), self.percent)


@dataclass(frozen=True)
class ClipSmallContributions:
    """Set the pixels to the centre that change the objective least when they vanish: |sum over colours of x * gradient|."""

    percent: float

    def __call__(self, x: Tensor, gradient: Tensor, step: int) -> Tensor:
        return _without_lowest(x, (x * gradient).sum(1).abs(), self.percent)


@dataclass(frozen=True)
class Denoise:
    """Total-variation denoising of the given weight, as used for multifaceted images (Nguyen et al. 2016); Chambolle 2004.

    The larger the weight, the flatter: x becomes the minimiser of |u - x|^2 / (2 weight) + TV(u), in units of 1/255.
    """

    weight: float | Ramp
    rounds: int = 20

    def __call__(self, x: Tensor, gradient: Tensor, step: int) -> Tensor:
        weight = self.weight.at(step) if isinstance(self.weight, Ramp) else self.weight
        return tv_denoise(x, weight / 255, self.rounds)


def _without_lowest(x: Tensor, worth: Tensor, percent: float) -> Tensor:
    bound = worth.flatten(1).quantile(percent / 100, dim=1).view(-1, 1, 1)
    return x * (worth >= bound)[:, None]


def gaussian_blur(x: Tensor, sigma: float) -> Tensor:
    """Convolve (N, C, H, W) with a Gaussian cut at four standard deviations; the border is repeated outwards."""
    if sigma <= 0:
        return x
    radius = max(1, round(4 * sigma))
    weights = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype) / sigma) ** 2)
    weights = (weights / weights.sum()).repeat(x.shape[1], 1)
    across = F.conv2d(F.pad(x, (radius, radius, 0, 0), "replicate"), weights[:, None, None], groups=x.shape[1])
    return F.conv2d(F.pad(across, (0, 0, radius, radius), "replicate"), weights[:, None, :, None], groups=x.shape[1])


def tv_denoise(x: Tensor, weight: float, rounds: int) -> Tensor:
    """Chambolle's projection: the picture u that minimises |u - x|^2 / (2 weight) + TV(u), after so many rounds."""
    p = torch.zeros(2, *x.shape, device=x.device)
    for _ in range(rounds):
        gradient = _forward_difference(_divergence(p) - x / weight)
        p = (p + 0.248 * gradient) / (1 + 0.248 * gradient.square().sum(0, keepdim=True).sqrt())
    return x - weight * _divergence(p)


def _forward_difference(u: Tensor) -> Tensor:
    down, right = torch.zeros_like(u), torch.zeros_like(u)
    down[..., :-1, :] = u[..., 1:, :] - u[..., :-1, :]
    right[..., :-1] = u[..., 1:] - u[..., :-1]
    return torch.stack([down, right])


def _divergence(p: Tensor) -> Tensor:
    """The negative adjoint of the forward difference."""
    down, right = p[0], p[1]
    total = torch.zeros_like(down)
    total[..., :-1, :] += down[..., :-1, :]
    total[..., 1:, :] -= down[..., :-1, :]
    total[..., :-1] += right[..., :-1]
    total[..., 1:] -= right[..., :-1]
    return total
