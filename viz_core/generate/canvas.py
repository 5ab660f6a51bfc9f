"""What is painted on: the numbers that an optimisation changes, and the picture they stand for."""

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

# Correlation of the colours in photographs (square root of their covariance) and their mean; Olah et al. 2017.
COLOUR = ((0.26, 0.09, 0.02), (0.27, 0.0, -0.05), (0.27, -0.09, 0.03))
COLOUR_MEAN = (0.48, 0.46, 0.41)
GREY = 0.5
DARKEST = 0.01  # the sigmoid never quite arrives at 0 and 1


class Canvas(Protocol):
    """Numbers to optimise, `values` (a leaf that wants gradients), and the pictures (N, 3, H, W) in [0, 1] they mean."""

    values: Tensor

    def picture(self) -> Tensor:
        """The pictures, differentiable with respect to `values`."""

    def project(self) -> None:
        """Bring `values` back to what is allowed, after a step."""


def by_pixel(pictures: Tensor) -> Tensor:
    """Pictures (N, 3, H, W) with the channels of a pixel beside each other in memory; convolutions keep them so."""
    return pictures.contiguous(memory_format=torch.channels_last)


class Pixels:
    """The pictures themselves. After every step they are clipped to `box`, or brought back by `project` (a ball, say).

    `show` makes the pictures of the numbers where they are not the same. With `by_pixel` the network gets them in that order,
    which it goes through faster.
    """

    def __init__(
        self,
        start: Tensor,
        box: tuple[float, float] | None = (0.0, 1.0),
        project: Callable[[Tensor], Tensor] | None = None,
        show: Callable[[Tensor], Tensor] | None = None,
        by_pixel: bool = False,
    ) -> None:
        self.values = start.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
        self._box, self._project = box, project
        self._show, self._by_pixel = show, by_pixel

    def picture(self) -> Tensor:
        picture = self.values if self._show is None else self._show(self.values)
        return by_pixel(picture) if self._by_pixel else picture

    @torch.no_grad()
    def project(self) -> None:
        if self._project is not None:
            self.values.copy_(self._project(self.values))
        if self._box is not None:
            self.values.clamp_(*self._box)


class Fourier:
    """Pictures by their Fourier coefficients, each scaled by 1 / frequency**decay, in decorrelated colours, through a sigmoid.

    Equal steps then move coarse and fine structure alike, and no pixel can leave [0, 1]. Olah, Mordvintsev & Schubert 2017;
    the scales are those of its code.
    """

    def __init__(
        self,
        shape: tuple[int, int, int, int],
        generator: torch.Generator,
        spread: float = 0.01,
        decay: float = 1.0,
        device: torch.device | str = "cpu",
    ) -> None:
        """`shape` is (N, 3, H, W); `spread` the standard deviation of the coefficients to begin with."""
        count, colours, height, width = shape
        self._size = (height, width)
        rows, columns = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
        frequency = (rows.square() + columns.square()).sqrt().clamp(min=1 / max(height, width))
        self._scale = (math.sqrt(height * width) / frequency**decay / 4).to(device)
        basis = torch.tensor(COLOUR)
        self._colour = (basis / basis.square().sum(0).sqrt().max()).to(device)
        start = spread * torch.randn(count, colours, *frequency.shape, 2, generator=generator)
        self.values = start.to(device).requires_grad_()

    @classmethod
    def of(cls, picture: Tensor) -> "Fourier":
        """The canvas that shows pictures (N, 3, H, W), in [0, 1] but for black and white themselves, which are nearly met."""
        count, colours, height, width = picture.shape
        canvas = cls((count, colours, height, width), torch.Generator(), device=picture.device)
        inner = picture.clamp(DARKEST, 1 - DARKEST).logit()
        spectrum = torch.fft.rfft2(torch.einsum("oc,nchw->nohw", canvas._colour.inverse(), inner))
        canvas.values = torch.view_as_real(spectrum / canvas._scale).contiguous().requires_grad_()
        return canvas

    def picture(self) -> Tensor:
        spectrum = torch.view_as_complex(self.values) * self._scale
        colours = torch.fft.irfft2(spectrum, s=self._size)
        return torch.einsum("oc,nchw->nohw", self._colour, colours).sigmoid()

    def project(self) -> None:
        """Nothing to do: the sigmoid keeps pictures in [0, 1]."""


def grey(shape: tuple[int, int, int, int], centre: Tensor | float = GREY) -> Tensor:
    """A start without anything in it: (N, 3, H, W) filled with one colour."""
    return torch.ones(shape) * centre


def noise(
    shape: tuple[int, int, int, int], generator: torch.Generator, spread: float, centre: Tensor | float = GREY
) -> Tensor:
    """Normal noise of standard deviation `spread` about a colour; not clipped."""
    return centre + spread * torch.randn(shape, generator=generator)


def ball(centre: Tensor, radius: float, norm: str) -> Callable[[Tensor], Tensor]:
    """The projection onto the pictures within `radius` of `centre` (N, 3, H, W), each number ("linf") or all together ("l2")."""

    def project(x: Tensor) -> Tensor:
        change = x - centre
        if norm == "linf":
            return centre + change.clamp(-radius, radius)
        length = change.flatten(1).norm(dim=1).clamp_min(1e-12).view(-1, 1, 1, 1)
        return centre + change * (radius / length).clamp(max=1)

    return project
