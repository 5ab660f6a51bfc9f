"""Occlusion: hide a patch of the picture and see how far the class probability falls."""

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torchvision.transforms.v2.functional import gaussian_blur

from viz_core.images.render import colour_bar, heatmap, overlay
from viz_core.images.tensor import to_pixels
from viz_core.models.graph import GraphModel
from viz_core.models.work import batch_size
from viz_core.technique import Run, Section, Step, Technique

GREY = 0.5


class Occlusion(Technique):
    """Slide a patch over the picture and map the class probability at each of its positions. Zeiler & Fergus 2014."""

    slug: ClassVar[str] = "occlusion"
    section: ClassVar[Section] = "explain"
    order: ClassVar[int] = 10
    icon: ClassVar[str] = "select"
    live: ClassVar[bool] = True
    eager: ClassVar[bool] = True

    target: int | str | None = Field(None, description="class index or name; empty: the network's own first choice")
    patch: int = Field(32, ge=4, le=128, description="side of the patch, pixels")
    stride: int = Field(8, ge=1, le=64, description="distance between patches, pixels")
    fill: Literal["grey", "black", "mean", "blur"] = Field("grey", description="what the patch is filled with")

    def run(self) -> Run:
        """Cover position after position, coarse to fine: a first map of the whole picture comes at once and sharpens."""
        network, x = self.network(), self.input()
        target = network.target_index(self.target, x)
        base = float(network.probabilities(x)[0, target])
        filling = fill_picture(x, self.fill)
        rows, columns = positions(x.shape[-2], self.patch, self.stride), positions(x.shape[-1], self.patch, self.stride)
        probability = np.full((rows, columns), base, np.float32)
        total, done = rows * columns, 0
        pixels = to_pixels(x)
        for batch, reach in batches(rows, columns, batch_size(network, x)):
            values = self.occluded(network, x, filling, batch, target)
            for (row, column), value in zip(batch, values, strict=True):
                probability[row : row + reach, column : column + reach] = value
            done += len(batch)
            if (yield Step(done, total, overlay(pixels, spread(probability, x, self.patch, self.stride), 0.6))):
                break
        return self.finished(network, x, target, base, probability, done)

    def occluded(
        self,
        network: GraphModel,
        x: torch.Tensor,
        filling: torch.Tensor,
        batch: list[tuple[int, int]],
        target: int,
    ) -> np.ndarray:
        """The class probability with the patch at each (row, column) of the batch."""
        covered = x.repeat(len(batch), 1, 1, 1)
        for picture, (row, column) in zip(covered, batch, strict=True):
            top, left = row * self.stride, column * self.stride
            window = (slice(None), slice(top, top + self.patch), slice(left, left + self.patch))
            picture[window] = filling[0][window]
        with torch.inference_mode():
            return network.probabilities(covered)[:, target].cpu().numpy()

    def finished(
        self, network: GraphModel, x: torch.Tensor, target: int, base: float, probability: np.ndarray, done: int
    ):
        """The result: the probability map and what stands out in it."""
        row, column = np.unravel_index(int(probability.argmin()), probability.shape)
        shown = spread(probability, x, self.patch, self.stride)
        limits = (float(probability.min()), float(probability.max()))
        return self.result(
            arrays={"map": probability, "drop": base - probability},
            pictures={
                "overlay": overlay(to_pixels(x), shown, 0.6),
                "map": heatmap(shown),
                "legend": colour_bar(signed=False, limits=limits),
            },
            scores={
                "class": network.class_name(target),
                "class_index": target,
                "probability": base,
                "lowest": float(probability.min()),
                "lowest_top": int(row) * self.stride,
                "lowest_left": int(column) * self.stride,
                "positions": done,
                "positions_total": probability.size,
            },
        )


def positions(length: int, patch: int, stride: int) -> int:
    """How many patches lie along a side of this length; the last may hang over the border, so that everything gets covered."""
    return 1 + max(0, -(-(length - patch) // stride))


def fill_picture(x: torch.Tensor, fill: str) -> torch.Tensor:
    """What shows where the patch lies: a constant, the picture's mean colour, or the picture out of focus; (1, 3, H, W)."""
    if fill == "blur":
        sigma = min(x.shape[-2:]) / 16
        side = 2 * round(2 * sigma) + 1
        return gaussian_blur(x, [side, side], [sigma, sigma])
    if fill == "mean":
        return x.mean(dim=(2, 3), keepdim=True).expand_as(x)
    return torch.full_like(x, GREY if fill == "grey" else 0.0)


def batches(rows: int, columns: int, size: int) -> Iterator[tuple[list[tuple[int, int]], int]]:
    """All positions once, coarse to fine, in batches, each with the side of the square of positions it stands for till then."""
    reach = 1
    while reach * 4 < max(rows, columns):
        reach *= 2
    seen: set[tuple[int, int]] = set()
    while reach >= 1:
        level = [
            (row, column)
            for row in range(0, rows, reach)
            for column in range(0, columns, reach)
            if (row, column) not in seen
        ]
        seen.update(level)
        for start in range(0, len(level), size):
            yield level[start : start + size], reach
        reach //= 2


def spread(probability: np.ndarray, x: torch.Tensor, patch: int, stride: int) -> np.ndarray:
    """The map at the picture's size: each pixel gets the mean over the patches that covered it; (H, W)."""
    height, width = x.shape[-2:]
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for (row, column), value in np.ndenumerate(probability):
        window = (slice(row * stride, row * stride + patch), slice(column * stride, column * stride + patch))
        total[window] += value
        count[window] += 1
    far = count == 0
    return np.where(far, probability.mean(), total / np.maximum(count, 1))
