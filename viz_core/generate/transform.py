"""Small random changes of the picture before the network looks: what survives them is robust (Olah et al. 2017).

A transform takes pictures (N, 3, H, W) and a source of random numbers and gives pictures; differentiable, the same change
for the whole batch.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Transform = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True)
class Roll:
    """Shift by up to `pixels` in both directions; what leaves on one side enters on the other."""

    pixels: int

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        if not self.pixels:
            return x
        shift = torch.randint(-self.pixels, self.pixels + 1, (2,), generator=generator).tolist()
        return x.roll(shift, (2, 3))


@dataclass(frozen=True)
class Pad:
    """Add a border of one grey value."""

    pixels: int
    value: float = 0.5

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        return F.pad(x, (self.pixels,) * 4, value=self.value)


@dataclass(frozen=True)
class Jitter:
    """Cut `pixels` rows and columns off, at random from either side."""

    pixels: int

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        height, width = (side - self.pixels for side in x.shape[-2:])
        top, left = torch.randint(0, self.pixels + 1, (2,), generator=generator).tolist()
        return x[..., top : top + height, left : left + width]


@dataclass(frozen=True)
class Warp:
    """Zoom by a factor between `scale`'s ends and turn by up to `degrees` about the middle; outside lies the edge colour."""

    scale: tuple[float, float] = (1.0, 1.0)
    degrees: float = 0.0

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        draw = torch.rand(2, generator=generator).tolist()
        zoom = self.scale[0] + (self.scale[1] - self.scale[0]) * draw[0]
        angle = math.radians(self.degrees * (2 * draw[1] - 1))
        height, width = x.shape[-2:]
        cos, sin = math.cos(angle) / zoom, math.sin(angle) / zoom
        theta = torch.tensor([[cos, -sin * height / width, 0.0], [sin * width / height, cos, 0.0]], device=x.device)
        where = F.affine_grid(theta.expand(len(x), 2, 3), list(x.shape), align_corners=False)
        return F.grid_sample(x, where, mode="bilinear", padding_mode="border", align_corners=False)


@dataclass(frozen=True)
class Window:
    """Cut out a square of `side` pixels about the middle; `wander`: how far it strays, a share of the room there is."""

    side: int
    wander: float

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        room = [length - self.side for length in x.shape[-2:]]
        draw = (0.5 + self.wander * torch.randn(2, generator=generator)).clamp(0, 1).tolist()
        top, left = (round(most * share) for most, share in zip(room, draw, strict=True))
        return x[..., top : top + self.side, left : left + self.side]


LUCID: tuple[Transform, ...] = (Pad(12), Jitter(8), Warp((0.9, 1.1), 10.0), Jitter(4))


def apply(transforms: Sequence[Transform], x: Tensor, generator: torch.Generator) -> Tensor:
    """One transform after the other."""
    for transform in transforms:
        x = transform(x, generator)
    return x
