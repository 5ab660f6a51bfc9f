"""Occlusion: hide a patch of the picture and see how far the class probability falls."""

import math
from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torchvision.transforms.v2.functional import gaussian_blur

from viz_core.images.render import colour_bar, heatmap, overlay
from viz_core.images.tensor import to_pixels
from viz_core.models.graph import GraphModel
from viz_core.models.incremental import PatchedForward
from viz_core.models.work import batch_size
from viz_core.technique import Result, Run, Section, Step, Technique

GREY = 0.5
OVERLAY = 0.6
MAPS = ("map", "logit", "winner")
# Okabe & Ito's colours, which people with any colour vision can tell apart.
TAKEOVER_COLOURS = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)


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

    show: Literal["probability", "score", "takeover"] = Field("probability", description="what to map")

    def run(self) -> Run:
        """Cover position after position, coarse to fine: a first map of the whole picture comes at once and sharpens."""
        network, x = self.network(), self.input()
        target = network.target_index(self.target, x)
        with torch.inference_mode():
            clean = network(x)[0]
        base = float(clean.softmax(0)[target])
        filling = fill_picture(x, self.fill)
        rows, columns = positions(x.shape[-2], self.patch, self.stride), positions(x.shape[-1], self.patch, self.stride)
        probability = np.full((rows, columns), base, np.float32)
        total, done = rows * columns, 0
        pixels = to_pixels(x)
        logit, winner = (
            np.full((rows, columns), float(clean[target]), np.float32),
            np.full((rows, columns), int(clean.argmax())),
        )
        forward = PatchedForward(network, x)
        for batch, reach in batches(rows, columns, batch_size(network, x)):
            tops, lefts = ([place[axis] * self.stride for place in batch] for axis in (0, 1))
            logits = forward(filling, tops, lefts, self.patch)
            found = (logits.softmax(1)[:, target], logits[:, target], logits.argmax(1))
            for values, grid in zip(found, (probability, logit, winner), strict=True):
                for (row, column), value in zip(batch, values.tolist(), strict=True):
                    grid[row : row + reach, column : column + reach] = value
            done += len(batch)
            if (yield Step(done, total, overlay(pixels, spread(probability, x, self.patch, self.stride), OVERLAY))):
                break
        facts: dict[str, float | int | str] = {
            "class_index": target,
            "probability": base,
            "score": float(clean[target]),
            "positions": done,
        }
        return self.finished(x, {"map": probability, "logit": logit, "winner": winner}, facts)

    def computed(self) -> "Occlusion":
        """The same computation, looked at in the standard way."""
        return self.model_copy(update={"show": "probability"})

    def again(self, result: Result) -> Result:
        """The result of this technique from one of `computed()`, without asking the network again."""
        return self.finished(
            torch.from_numpy(result.arrays["input"]),
            {name: result.arrays[name] for name in MAPS},
            {name: result.scores[name] for name in ("class_index", "probability", "score", "positions")},
        )

    def finished(self, x: torch.Tensor, maps: dict[str, np.ndarray], facts: dict[str, float | int | str]) -> Result:
        """The maps, the one to show over the picture, and what stands out."""
        network, pixels, probability = self.network(), to_pixels(x), maps["map"]
        row, column = np.unravel_index(int(probability.argmin()), probability.shape)
        takeovers = self.takeovers(network, maps["winner"], int(facts["class_index"]))
        if self.show == "takeover":
            ranks = np.full(maps["winner"].shape, -1)
            for rank, entry in enumerate(takeovers):
                ranks[maps["winner"] == entry["index"]] = rank
            pictures = {"overlay": painted(pixels, ranks, self.patch, self.stride)}
        else:
            values = probability if self.show == "probability" else maps["logit"]
            shown = spread(values, x, self.patch, self.stride)
            legend = colour_bar(signed=False, limits=(float(values.min()), float(values.max())))
            pictures = {"overlay": overlay(pixels, shown, OVERLAY), "map": heatmap(shown), "legend": legend}
        return self.result(
            arrays={**maps, "drop": facts["probability"] - probability, "logit_drop": facts["score"] - maps["logit"]},
            pictures=pictures,
            scores=facts
            | {
                "class": network.class_name(int(facts["class_index"])),
                "lowest": float(probability.min()),
                "lowest_top": int(row) * self.stride,
                "lowest_left": int(column) * self.stride,
                "positions_total": probability.size,
            },
            tables={"takeovers": takeovers},
        )

    def takeovers(self, network: GraphModel, winner: np.ndarray, target: int) -> list[dict[str, int | str | float]]:
        """The other classes that come first at some position, the most frequent first; at most as many as have colours."""
        classes, counts = np.unique(winner[winner != target], return_counts=True)
        order = np.argsort(-counts, kind="stable")[: len(TAKEOVER_COLOURS)]
        return [
            {
                "index": int(classes[i]),
                "name": network.class_name(int(classes[i])),
                "share": float(counts[i] / winner.size),
            }
            for i in order
        ]


def painted(pixels: np.ndarray, ranks: np.ndarray, patch: int, stride: int) -> np.ndarray:
    """The picture (H, W, 3) with the middle of each patch tinted by the class that takes over there; -1 stays as it is."""
    tinted = pixels.copy()
    for (row, column), rank in np.ndenumerate(ranks):
        if rank >= 0:
            top, left = (max(0, place * stride + (patch - stride) // 2) for place in (row, column))
            part = tinted[top : top + stride, left : left + stride]
            part[:] = (0.4 * part + 0.6 * np.array(TAKEOVER_COLOURS[rank])).astype(np.uint8)
    return tinted


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
        for tile in tiles(level, size):
            yield tile, reach
        reach //= 2


def tiles(places: list[tuple[int, int]], size: int) -> list[list[tuple[int, int]]]:
    """Places (row, column) in groups of neighbours, at most `size` in each.

    The windows of a batch have one size, and those near a border of the picture are smaller than those in its middle.
    """
    tall = math.isqrt(size)
    bands = []
    for axis, side in enumerate((tall, size // tall)):
        along = sorted({place[axis] for place in places})
        parts = np.array_split(along, math.ceil(len(along) / side))
        bands.append({value: number for number, part in enumerate(parts) for value in part.tolist()})
    groups: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for row, column in places:
        groups.setdefault((bands[0][row], bands[1][column]), []).append((row, column))
    return list(groups.values())


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
