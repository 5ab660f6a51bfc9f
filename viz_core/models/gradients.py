"""Gradients of a unit or of a class score with respect to the picture, by any of the ReLU rules."""

import torch
from torch import Tensor

from viz_core.models.graph import GraphModel
from viz_core.models.relu_rules import ReluRule

Position = tuple[int, int]


def strongest_position(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Row and column of the greatest value of each map (N, H, W); two tensors (N,)."""
    flat = maps.flatten(1).argmax(dim=1)
    width = maps.shape[-1]
    return flat // width, flat % width


def unit_gradient(
    network: GraphModel,
    x: Tensor,
    layer: str,
    channel: int,
    position: Position | None = None,
    rule: ReluRule = "backprop",
) -> Tensor:
    """The gradient of one unit of a layer with respect to each picture: (N, 3, H, W).

    x: pictures (N, 3, H, W), RGB in [0, 1]. The unit is the one of `channel` at `position` (row, column), or for None where
    the channel is strongest in each picture; in a layer without positions it is the channel itself. The rule says how the
    gradient passes every ReLU: Simonyan et al., 2013; Zeiler & Fergus 2014; Springenberg et al., 2015.
    """
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        values = network.with_relu(rule).activations(x, layer)[layer][:, channel]
        (gradient,) = torch.autograd.grad(_unit(values, position).sum(), x)
    return gradient


def _unit(values: Tensor, position: Position | None) -> Tensor:
    """One number for each picture from a channel's values (N, H, W) or (N,)."""
    if values.dim() == 1:
        return values
    rows, columns = strongest_position(values) if position is None else position
    return values[torch.arange(len(values), device=values.device), rows, columns]


def score_gradient(
    network: GraphModel, x: Tensor, target: int, rule: ReluRule = "backprop", against: int | None = None
) -> Tensor:
    """The gradient of the unnormalised score of class `target` with respect to each picture: (N, 3, H, W).

    With `against` it is the gradient of the difference of the two scores: what speaks for one class and not for the other.
    """
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        scores = network.with_relu(rule)(x)
        wanted = scores[:, target] if against is None else scores[:, target] - scores[:, against]
        (gradient,) = torch.autograd.grad(wanted.sum(), x)
    return gradient
