"""Colours apart from the painting: give one picture the colours of another, or keep them and paint brightness alone.

Gatys, Bethge, Hertzmann & Shechtman 2016, "Preserving color in neural artistic style transfer".
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from viz_core.generate.objective import Objective, View

# Brightness and two colour differences (YIQ, NTSC 1953).
YIQ = torch.tensor([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
EPSILON = 1e-5
JUST_SEEN = 0.02  # standard deviation of colours that people just notice


def mean_and_root(picture: Tensor, least: float = EPSILON) -> tuple[Tensor, Tensor, Tensor]:
    """Mean colour (3, 1) of a picture (1, 3, H, W), and its colours' covariance's square root with its inverse.

    `least` is added to the variances.
    """
    flat = picture[0].flatten(1).double()
    mean = flat.mean(1, keepdim=True)
    covariance = (flat - mean) @ (flat - mean).T / flat.shape[1] + least * torch.eye(3, device=flat.device)
    values, vectors = torch.linalg.eigh(covariance)
    root = vectors * values.sqrt() @ vectors.T
    return mean, root, vectors / values.sqrt() @ vectors.T


def match_colours(picture: Tensor, wanted: Tensor) -> Tensor:
    """The picture (1, 3, H, W) moved linearly so that its colours have the mean and covariance of those of `wanted`."""
    mean, _, inverse = mean_and_root(picture)
    target_mean, target_root, _ = mean_and_root(wanted)
    moved = target_root @ inverse @ (picture[0].flatten(1).double() - mean) + target_mean
    return moved.clamp(0, 1).to(picture).view_as(picture)


def noise_in_colours_of(sample: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Noise (1, 3, side, side) in [0, 1] whose colours have the mean and covariance of those of a sample (1, 3, H, W)."""
    mean, root, _ = mean_and_root(sample)
    noise = torch.randn((1, 3, side, side), generator=generator).to(sample)
    return (mean + root @ noise.flatten(2).double()).to(sample).view_as(noise).clamp(0, 1)


def brightness(picture: Tensor) -> Tensor:
    """The picture (1, 3, H, W) in grey."""
    return torch.einsum("c,nchw->nhw", YIQ[0].to(picture), picture)[:, None].expand_as(picture)


def with_colours_of(painted: Tensor, picture: Tensor) -> Tensor:
    """The brightness of one picture with the colour differences of another, both (1, 3, H, W) in [0, 1]."""
    yiq = YIQ.to(picture)
    mixed = torch.einsum("oc,nchw->nohw", yiq, picture)
    mixed[:, 0] = torch.einsum("c,nchw->nhw", yiq[0], painted)
    return torch.einsum("oc,nchw->nohw", torch.linalg.inv(yiq), mixed).clamp(0, 1)


def colour_statistics(picture: Tensor, mean: Tensor, whitening: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (N, 3) and covariance (N, 3, 3) of colours less a mean (3, 1), whitened (3, 3); pictures are (N, 3, H, W)."""
    flat = whitening @ (picture.flatten(2) - mean)
    middle = flat.mean(2)
    centred = flat - middle[..., None]
    return middle, centred @ centred.transpose(1, 2) / flat.shape[2]


@dataclass(frozen=True, eq=False)
class ColourDistance(Objective):
    """How far the colours of a picture are from those of a sample (1, 3, H, W): squared, in mean and in covariance.

    Both are measured by how much colours vary in the sample, and by what people just see where they do not: a tint counts
    for much in a grey sample. Networks see brightness far better than colour, and statistics of layers leave it open.
    """

    sample: Tensor
    measure: tuple[Tensor, Tensor] = field(init=False)
    covariance: Tensor = field(init=False)

    def __post_init__(self) -> None:
        mean, _, whitening = mean_and_root(self.sample, JUST_SEEN**2)
        measure = mean.to(self.sample), whitening.to(self.sample)
        object.__setattr__(self, "measure", measure)
        object.__setattr__(self, "covariance", colour_statistics(self.sample, *measure)[1])

    def __call__(self, view: View) -> Tensor:
        mean, covariance = colour_statistics(view.picture, *self.measure)
        return (mean.square().sum(1) + (covariance - self.covariance).square().sum((1, 2))) / 3

    @property
    def name(self) -> str:
        return "colours"
