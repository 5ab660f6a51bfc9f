"""What a fooled network says elsewhere: along a line through the picture, on crops of it, and in other networks."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from viz_core.images.tensor import to_pixels, to_tensor
from viz_core.models.graph import GraphModel

AT_ONCE = 8


def as_shown(x: Tensor) -> Tensor:
    """A picture (1, 3, H, W) as it can be shown and saved: rounded to 8 bits, again in [0, 1]."""
    return to_tensor(to_pixels(x)).to(x.device)


class Line(NamedTuple):
    """Logits (K, classes) of the pictures x + epsilon * direction, rounded to 8 bits, for each epsilon (K,)."""

    epsilons: Tensor
    logits: Tensor


@torch.inference_mode()
def along(network: GraphModel, x: Tensor, direction: Tensor, epsilons: Tensor) -> Line:
    """Walk from the picture x (1, 3, H, W) along a direction of the same shape; Goodfellow et al. 2014, fig. 4."""
    places = (x + epsilons.view(-1, 1, 1, 1).to(x.device) * direction).clamp(0, 1)
    shown = places.mul(255).round() / 255
    return Line(epsilons, torch.cat([network(part) for part in shown.split(AT_ONCE)]).cpu())


@torch.inference_mode()
def crop_probabilities(
    network: GraphModel, x: Tensor, count: int, generator: torch.Generator, share: tuple[float, float] = (0.6, 0.95)
) -> Tensor:
    """Class probabilities (count, classes) of random crops of a picture, each brought back to its size.

    The sides of a crop are a random share of the picture's. Their mean is the verdict of a network that looks many times.
    """
    height, width = x.shape[-2:]
    crops = []
    for side, down, right in torch.rand(count, 3, generator=generator).tolist():
        part = share[0] + (share[1] - share[0]) * side
        rows, columns = round(part * height), round(part * width)
        top, left = int(down * (height - rows + 1)), int(right * (width - columns + 1))
        crop = x[..., top : top + rows, left : left + columns]
        crops.append(interpolate(crop, (height, width), mode="bilinear", antialias=True))
    views = torch.cat(crops)
    return torch.cat([network.probabilities(part) for part in views.split(AT_ONCE)]).cpu()


class Opinion(NamedTuple):
    """What another network sees first in the picture before and after: index and probability."""

    network: str
    before: int
    before_probability: float
    after: int
    after_probability: float
    class_before: str
    class_after: str

    @property
    def changed(self) -> bool:
        """Whether the other network changed its mind, too."""
        return self.before != self.after


@torch.inference_mode()
def opinion(network: GraphModel, before: Tensor, after: Tensor) -> Opinion:
    """Show both pictures (1, 3, H, W) to another network at its own size."""
    seen = [_sized(x, network.input_size).to(network.device) for x in (before, after)]
    (first, first_name, first_p), (second, second_name, second_p) = (network.top(x, 1)[0] for x in seen)
    return Opinion(network.name, first, first_p, second, second_p, first_name, second_name)


def _sized(x: Tensor, side: int) -> Tensor:
    factor = side / min(x.shape[-2:])
    size = [round(length * factor) for length in x.shape[-2:]]
    return interpolate(x, size, mode="bilinear", antialias=True)
