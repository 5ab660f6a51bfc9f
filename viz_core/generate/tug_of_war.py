"""Which part of an objective moves which pixel: the parts' gradients, seen apart, as a map and as shares over the run."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from torch import Tensor

from viz_core.generate.canvas import by_pixel
from viz_core.generate.loop import activations
from viz_core.generate.objective import Objective, View
from viz_core.images.render import GREY, resize
from viz_core.models.graph import GraphModel

Colour = tuple[int, int, int]

BRIGHTEST = 99  # percentile of the strengths that is drawn at full brightness
DIMMEST = 0.15
NEIGHBOURHOOD = 5  # pixels; single pixels flicker between the parts
GAP = 4  # pixels between the panels


def pulls(
    network: GraphModel, picture: Tensor, parts: Mapping[str, Objective], total: Tensor | None = None
) -> dict[str, np.ndarray]:
    """How strongly each part of an objective pulls at each pixel: the norm over colours of its gradient, (H, W) by name.

    One forward pass serves all parts; `picture` is (1, 3, H, W) in [0, 1]. Where the gradient of them all together is known,
    the part with most layers is not computed: its gradient is what the others leave of the `total` (1, 3, H, W).
    """
    leaf = picture.detach().clone().requires_grad_()
    seen = by_pixel(leaf)
    left = None if total is None else max(parts, key=lambda name: len(parts[name].layers))
    computed = {name: part for name, part in parts.items() if name != left}
    layers = tuple(dict.fromkeys(layer for part in computed.values() for layer in part.layers))
    view = View(seen, activations(network, seen, layers))
    gradients = {name: _gradient(part(view).sum(), leaf) for name, part in computed.items()}
    if total is not None and left is not None:
        gradients[left] = total - sum(gradients.values(), torch.zeros_like(total))
    # torch's own norm over so short a dimension takes fifty times as long
    return {name: gradients[name][0].square().sum(0).sqrt().cpu().numpy() for name in parts}


def _gradient(value: Tensor, leaf: Tensor) -> Tensor:
    return torch.autograd.grad(value, leaf, retain_graph=True)[0] if value.requires_grad else torch.zeros_like(leaf)


def shares(strengths: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The mean strength of each part as a share of all."""
    means = {name: float(values.mean()) for name, values in strengths.items()}
    total = sum(means.values()) or 1.0
    return {name: mean / total for name, mean in means.items()}


def winners(strengths: Mapping[str, np.ndarray], colours: Mapping[str, Colour]) -> np.ndarray:
    """The colour of the part that pulls hardest at each pixel, brighter where it pulls harder: (H, W, 3) uint8."""
    each = np.stack([cv2.blur(values, (NEIGHBOURHOOD, NEIGHBOURHOOD)) for values in strengths.values()])
    strongest = each.max(0)
    bright = np.sqrt(strongest / max(float(np.percentile(strongest, BRIGHTEST)), 1e-30)).clip(DIMMEST, 1)
    table = np.array([colours[name] for name in strengths], float)
    return np.rint(table[each.argmax(0)] * bright[..., None]).astype(np.uint8)


@dataclass
class TugOfWar:
    """The parts' pulls, looked at now and then during a run."""

    colours: Mapping[str, Colour]
    steps: list[int] = field(default_factory=list)
    shares: list[dict[str, float]] = field(default_factory=list)
    strengths: dict[str, np.ndarray] = field(default_factory=dict)
    _panel: np.ndarray | None = None

    def look(
        self,
        step: int,
        network: GraphModel,
        picture: Tensor,
        parts: Mapping[str, Objective],
        total: Tensor | None = None,
    ) -> None:
        """Measure at this step of the run; `total` as in `pulls`."""
        self.strengths = pulls(network, picture, parts, total)
        self._panel = None
        self.steps.append(step)
        self.shares.append(shares(self.strengths))

    def map(self) -> np.ndarray:
        """Who pulls where at the last look, (H, W, 3) uint8."""
        return winners(self.strengths, self.colours)

    def bar(self, height: int, width: int) -> np.ndarray:
        """The shares over the looks so far as a stacked bar, the first on the left: (height, width, 3) uint8."""
        look = np.arange(width) * len(self.shares) // width
        levels = (np.arange(height)[:, None] + 0.5) / height
        pixels, below = np.zeros((height, width, 3), np.uint8), np.zeros(width)
        for name, colour in self.colours.items():
            above = below + np.array([share.get(name, 0.0) for share in self.shares])[look]
            pixels[(levels >= below) & (levels < above)] = colour
            below = above
        return pixels

    def beside(self, picture: np.ndarray) -> np.ndarray:
        """A picture (H, W, 3) with the map and the bar of the last look to its right, at half its size."""
        height, width = picture.shape[0], GAP + picture.shape[1] // 2
        if self._panel is None or self._panel.shape[:2] != (height, width):
            self._panel = self._drawn(height, width)
        return np.hstack([picture, self._panel])

    def _drawn(self, height: int, width: int) -> np.ndarray:
        """The map over the bar, with a gap to the left and between them."""
        panel, upper = np.full((height, width, 3), GREY, np.uint8), (height - GAP) // 2
        panel[:upper, GAP:] = resize(self.map(), (upper, width - GAP))
        panel[upper + GAP :, GAP:] = self.bar(height - upper - GAP, width - GAP)
        return panel
