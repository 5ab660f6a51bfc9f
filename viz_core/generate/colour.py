"""Colours apart from the painting: give one picture the colours of another, or keep them and paint brightness alone.

Gatys, Bethge, Hertzmann & Shechtman 2016, "Preserving color in neural artistic style transfer".
"""

import torch
from torch import Tensor

# Brightness and two colour differences (YIQ, NTSC 1953).
YIQ = torch.tensor([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
EPSILON = 1e-5


def mean_and_root(picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean colour (3, 1) of a picture (1, 3, H, W), and the square root of its colours' covariance with that root's inverse."""
    flat = picture[0].flatten(1).double()
    mean = flat.mean(1, keepdim=True)
    covariance = (flat - mean) @ (flat - mean).T / flat.shape[1] + EPSILON * torch.eye(3, device=flat.device)
    values, vectors = torch.linalg.eigh(covariance)
    root = vectors * values.sqrt() @ vectors.T
    return mean, root, vectors / values.sqrt() @ vectors.T


def match_colours(picture: Tensor, wanted: Tensor) -> Tensor:
    """The picture (1, 3, H, W) moved linearly so that its colours have the mean and covariance of those of `wanted`."""
    mean, _, inverse = mean_and_root(picture)
    target_mean, target_root, _ = mean_and_root(wanted)
    moved = target_root @ inverse @ (picture[0].flatten(1).double() - mean) + target_mean
    return moved.clamp(0, 1).to(picture).view_as(picture)


def brightness(picture: Tensor) -> Tensor:
    """The picture (1, 3, H, W) in grey."""
    return torch.einsum("c,nchw->nhw", YIQ[0].to(picture), picture)[:, None].expand_as(picture)


def with_colours_of(painted: Tensor, picture: Tensor) -> Tensor:
    """The brightness of one picture with the colour differences of another, both (1, 3, H, W) in [0, 1]."""
    yiq = YIQ.to(picture)
    mixed = torch.einsum("oc,nchw->nohw", yiq, picture)
    mixed[:, 0] = torch.einsum("c,nchw->nhw", yiq[0], painted)
    return torch.einsum("oc,nchw->nohw", torch.linalg.inv(yiq), mixed).clamp(0, 1)
