"""Class activation maps: which places of a layer speak for a class. Each map is (N, h, w), the size of the layer's maps.

CAM (Zhou et al., 2016) weighs the last maps as the linear head does. The others replace those weights by gradients:
Grad-CAM (Selvaraju et al., 2017), Grad-CAM++ (Chattopadhay et al., 2018), LayerCAM (Jiang et al., 2021).
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from viz_core.errors import ConvscopeError
from viz_core.models.graph import GraphModel

GradientMethod = Literal["gradcam", "gradcam++", "layercam"]
TINY = 1e-6


def map_layers(network: GraphModel) -> tuple[str, ...]:
    """The layers whose maps can be weighed: they have positions and are no mere pooling or dropout of the one before.

    Behind the last attention of a vision transformer only the class token goes on to the score, and no place does.
    """
    passed_by = ("Pool2d", "Dropout", "Identity", "StochasticDepth")
    layers = [layer for layer in network.layers() if len(layer.shape) == 3 and max(layer.shape[1:]) > 1]
    attended = [place for place, layer in enumerate(layers) if layer.in_tokens and layer.kind == "Slice"]
    before = layers[: attended[-1]] if attended else layers
    return tuple(layer.name for layer in before if not layer.kind.endswith(passed_by))


def cams(network: GraphModel, x: Tensor, targets: Sequence[int]) -> list[Tensor]:
    """The unnormalised class activation map of each class: its mean plus `head().bias[target]` is the class score.

    Raises ConvscopeError where the network does not end in a global average and a linear layer.
    """
    head = network.head()
    if head is None:
        raise ConvscopeError("model_errors.no_cam", model=network.name)
    maps = network.activations(x, head.layer)[head.layer]
    return [torch.einsum("c,nchw->nhw", head.weight[target], maps) for target in targets]


def maps_and_gradients(
    network: GraphModel, x: Tensor, targets: Sequence[int], layer: str
) -> tuple[Tensor, list[Tensor]]:
    """The maps of a layer (N, C, h, w) and the gradient of each class's score with respect to them, from one forward pass.

    Raises ConvscopeError for a layer without positions.
    """
    output = network.layer_names[-1]
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        values = network.activations(x, (layer, output))
        maps = values[layer]
        if maps.dim() != 4:
            raise ConvscopeError("model_errors.no_positions", layer=layer, model=network.name)
        scores = values[output].sum(dim=0)
        gradients = [torch.autograd.grad(scores[target], maps, retain_graph=True)[0] for target in targets]
    return maps.detach(), gradients


def gradient_cam(network: GraphModel, x: Tensor, target: int, layer: str, method: GradientMethod = "gradcam") -> Tensor:
    """The map of a class at a layer by one of the gradient methods; not negative."""
    return gradient_cams(network, x, (target,), layer, method)[0]


def gradient_cams(
    network: GraphModel, x: Tensor, targets: Sequence[int], layer: str, method: GradientMethod = "gradcam"
) -> list[Tensor]:
    """The same for several classes, which share the forward pass."""
    maps, gradients = maps_and_gradients(network, x, targets, layer)
    return [_weighed(maps, gradient, method) for gradient in gradients]


def _weighed(maps: Tensor, gradients: Tensor, method: GradientMethod) -> Tensor:
    """Maps (N, C, h, w) added up as their gradients say: (N, h, w)."""
    if method == "layercam":
        return (gradients.relu() * maps).sum(dim=1).relu()
    weights = gradients.mean(dim=(2, 3)) if method == "gradcam" else _plus_plus_weights(maps, gradients)
    return torch.einsum("nc,nchw->nhw", weights, maps).relu()


def _plus_plus_weights(maps: Tensor, gradients: Tensor) -> Tensor:
    """The weights (N, C) of Grad-CAM++, equation 19, for the exponential of the score."""
    squares, cubes = gradients.square(), gradients**3
    alpha = squares / (2 * squares + maps.sum(dim=(2, 3), keepdim=True) * cubes + TINY)
    alpha = torch.where(gradients == 0, 0, alpha)
    return (gradients.relu() * alpha).sum(dim=(2, 3))


def at_picture_size(maps: Tensor, x: Tensor) -> Tensor:
    """Maps (N, h, w) scaled bilinearly to the size of the pictures: (N, H, W)."""
    return interpolate(maps[:, None], x.shape[-2:], mode="bilinear", align_corners=False)[:, 0]
