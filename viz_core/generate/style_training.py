"""Training a style network: Johnson, Alahi & Fei-Fei 2016, with distances relative to the size of their targets.

The Gram matrix alone can be had by a few glaring blobs: the mean of every channel stands beside it, and both are asked of
every part of the picture by itself.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from viz_core.generate.style_network import StyleNetwork
from viz_core.generate.style_statistics import Gram, MeanVariance, Statistic, content_layer, style_layers
from viz_core.models.graph import GraphModel

STATISTICS: tuple[Statistic, ...] = (Gram(), MeanVariance())
MOST_CELLS, SMALLEST_CELL = 3, 8  # along a side; places
WARM_UP = 20  # steps over which the learning rate rises
LAST_RATE = 0.1  # of the first, reached at the end of a cosine
MOST_GRADIENT = 10.0  # norm; longer ones are shortened


@dataclass(frozen=True)
class Weights:
    """How much each part of the loss counts; all parts are shares of their targets' sizes."""

    style: float = 10.0
    content: float = 1.5
    smooth: float = 2.0


class Crops:
    """Random square crops of pictures (3, H, W) uint8, flipped at random, as batches (N, 3, side, side) in [0, 1]."""

    def __init__(self, pictures: Sequence[Tensor], side: int, generator: torch.Generator) -> None:
        self.pictures, self.side, self.generator = pictures, side, generator

    def batch(self, count: int) -> Tensor:
        """The next crops, each of a scale between the crop's own pixels and the whole picture."""
        return torch.cat([self._crop() for _ in range(count)])

    def _crop(self) -> Tensor:
        draw = torch.rand(4, generator=self.generator).tolist()
        picture = self.pictures[int(draw[0] * len(self.pictures))]
        short = min(picture.shape[1:])
        side = round(min(self.side, short) + draw[1] * max(0, short - self.side))
        top, left = (int(draw[2 + axis] * (picture.shape[1 + axis] - side + 1)) for axis in range(2))
        crop = picture[None, :, top : top + side, left : left + side].float() / 255
        crop = crop.flip(3) if draw[2] * 1000 % 1 < 0.5 else crop
        return interpolate(crop, (self.side, self.side), mode="bilinear", antialias=True, align_corners=False)


@dataclass
class StyleTraining:
    """A style network in training: `step` improves it by one batch and returns the parts of its loss.

    styles: one picture (1, 3, H, W) in [0, 1] for each style; judge: the network whose layers say what a style is.
    """

    network: StyleNetwork
    judge: GraphModel
    styles: Sequence[Tensor]
    crops: Crops
    steps: int
    batch: int = 4
    rate: float = 5e-3
    weights: Weights = field(default_factory=Weights)

    def __post_init__(self) -> None:
        self.style_layers, self.content_layer = style_layers(self.judge), content_layer(self.judge)
        self.layers = tuple(dict.fromkeys((*self.style_layers, self.content_layer)))
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=self.rate)
        self.done = 0
        self.targets = self._targets()

    @torch.no_grad()
    def _targets(self) -> dict[str, list[Tensor]]:
        """For each layer and statistic the summaries of all styles, the first dimension counting the styles."""
        values = [self.judge.activations(picture, self.style_layers) for picture in self.styles]
        return {
            layer: [torch.cat([one.summary(value[layer]) for value in values]) for one in STATISTICS]
            for layer in self.style_layers
        }

    def step(self) -> dict[str, float]:
        """One batch, its styles in turn: the parts of the loss before the step."""
        x = self.crops.batch(self.batch).to(self.judge.device)
        styles = (torch.arange(self.batch) + self.done * self.batch) % len(self.styles)
        mix = torch.eye(len(self.styles), device=x.device)[styles.to(x.device)]
        parts = self.losses(x, self.network(x, mix), styles)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * self.pace()
        self.optimizer.zero_grad(set_to_none=True)
        cast(Tensor, sum(parts.values())).backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), MOST_GRADIENT)
        self.optimizer.step()
        self.done += 1
        return {name: float(value.detach()) for name, value in parts.items()}

    def losses(self, x: Tensor, painted: Tensor, styles: Tensor) -> Mapping[str, Tensor]:
        """Weighted distances of the painted pictures (N, 3, H, W): to their styles, to what x shows, and to smoothness."""
        ours = self.judge.activations(painted, self.layers)
        with torch.no_grad():
            shown = self.judge.activations(x, self.content_layer)[self.content_layer]
        distances = []
        for layer in self.style_layers:
            parts = cells(ours[layer])
            of = styles.to(x.device).repeat_interleave(len(parts) // len(painted))
            for one, target in zip(STATISTICS, self.targets[layer], strict=True):
                distances.append(one.distance(parts, target[of]).mean())
        style = torch.stack(distances).mean()
        content = (ours[self.content_layer] - shown).square().mean() / shown.square().mean().clamp_min(1e-8)
        rough = painted.diff(dim=2).square().mean() + painted.diff(dim=3).square().mean()
        weights = self.weights
        return {"style": weights.style * style, "content": weights.content * content, "rough": weights.smooth * rough}

    def pace(self) -> float:
        """The share of the learning rate at this step: a short rise, then half a cosine."""
        rise = min(1.0, (self.done + 1) / WARM_UP)
        fall = LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * min(1.0, self.done / self.steps)))
        return rise * fall


def cells(features: Tensor) -> Tensor:
    """Features (N, C, H, W) cut into at most 3 x 3 cells of at least 8 places a side: (N * cells, C, h, w).

    Each cell has to show the style: over a whole picture a few glaring spots would do.
    """
    rows, columns = (max(1, min(MOST_CELLS, side // SMALLEST_CELL)) for side in features.shape[-2:])
    height, width = features.shape[-2] // rows, features.shape[-1] // columns
    cut = features[..., : rows * height, : columns * width].unfold(2, height, height).unfold(3, width, width)
    return cut.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
