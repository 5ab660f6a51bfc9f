"""Occlusion: hide a patch of the picture and see how far the class probability falls."""

import dataclasses
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import ClassVar, Literal

import cv2
import numpy as np
import torch
from pydantic import Field
from torchvision.transforms.v2.functional import gaussian_blur

from viz_core.images.render import Limits, colour_bar, heatmap, limits_of, overlay
from viz_core.images.tensor import to_pixels, to_tensor
from viz_core.models.graph import GraphModel
from viz_core.models.incremental import PatchedForward
from viz_core.models.work import batch_size
from viz_core.tape import taped
from viz_core.technique import Result, Run, Section, Step, Technique

GREY = 0.5
OVERLAY = 0.6
MAPS = ("map", "logit", "winner")
KINDS = (np.float32, np.float32, np.int64)
FACTS = ("class_index", "probability", "score", "positions", "positions_total")
SMALLEST_PATCH = 4
INPAINT_RADIUS = 3  # pixels
INPAINT_MARGIN = 8  # pixels around a patch that in-painting looks at
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
    several: bool = Field(False, description="patches of half and of double the side, too")
    stride: int = Field(8, ge=1, le=64, description="distance between patches, pixels")
    fill: Literal["grey", "black", "mean", "blur", "inpaint"] = Field(
        "grey", description="what the patch is filled with"
    )

    show: Literal["probability", "score", "takeover"] = Field("probability", description="what to map")

    def sides(self, x: torch.Tensor) -> tuple[int, ...]:
        """The sides of the patches, pixels, the one asked for first; no other hides the whole picture."""
        others = (max(SMALLEST_PATCH, self.patch // 2), 2 * self.patch) if self.several else ()
        return tuple(dict.fromkeys((self.patch, *(side for side in others if side < min(x.shape[-2:])))))

    @taped
    def run(self) -> Run:
        """Cover position after position, coarse to fine: a first map of the whole picture comes at once and sharpens."""
        network, x = self.network(), self.input()
        target, pixels = network.target_index(self.target, x), to_pixels(x)
        with torch.inference_mode():
            clean = network(x)[0]
        facts: dict[str, float | int] = {
            "class_index": target,
            "probability": float(clean.softmax(0)[target]),
            "score": float(clean[target]),
        }
        start = (facts["probability"], facts["score"], int(clean.argmax()))
        grids = {side: tuple(positions(length, side, self.stride) for length in x.shape[-2:]) for side in self.sides(x)}
        found: dict[int, dict[str, np.ndarray]] = {}
        total, done = sum(rows * columns for rows, columns in grids.values()), 0
        forward, filled = PatchedForward(network, x), fillings(x, self.fill)
        for side, (rows, columns) in grids.items():
            maps = [np.full((rows, columns), value, kind) for value, kind in zip(start, KINDS, strict=True)]
            found[side] = dict(zip(MAPS, maps, strict=True))
            for batch, reach in batches(rows, columns, batch_size(network, x)):
                tops, lefts = ([place[axis] * self.stride for place in batch] for axis in (0, 1))
                logits = forward(filled(tops, lefts, side), tops, lefts, side)
                answers = (logits.softmax(1)[:, target], logits[:, target], logits.argmax(1))
                for values, grid in zip(answers, maps, strict=True):
                    for (row, column), value in zip(batch, values.tolist(), strict=True):
                        grid[row : row + reach, column : column + reach] = value
                done += len(batch)
                if (yield Step(done, total, overlay(pixels, spread(maps[0], x, side, self.stride), OVERLAY))):
                    return self.finished(x, found, {**facts, "positions": done, "positions_total": total})
        return self.finished(x, found, {**facts, "positions": done, "positions_total": total})

    def computed(self) -> "Occlusion":
        """The same computation, looked at in the standard way."""
        return self.model_copy(update={"show": "probability"})

    def again(self, result: Result) -> Result:
        """The result of this technique from one of `computed()`, without asking the network again."""
        x = torch.from_numpy(result.arrays["input"])
        found = {
            side: {name: result.arrays[self.array(name, side)] for name in MAPS}
            for side in self.sides(x)
            if self.array("map", side) in result.arrays
        }
        shown = self.finished(x, found, {name: result.scores[name] for name in FACTS})
        return dataclasses.replace(shown, frames=result.frames)

    def shown(self, result: Result) -> np.ndarray:
        """The map of the patch asked for at the picture's size: probability or score, (H, W)."""
        return spread(result.arrays[self.value], torch.from_numpy(result.arrays["input"]), self.patch, self.stride)

    @property
    def value(self) -> str:
        """What the map of the patch asked for is called in the result: probabilities or scores."""
        return "logit" if self.show == "score" else "map"

    def limits(self, result: Result) -> Limits:
        """The least and the greatest value over the maps of all sizes of the patch."""
        names = (self.array(self.value, side) for side in self.sides(torch.from_numpy(result.arrays["input"])))
        return limits_of(*(result.arrays[name] for name in names if name in result.arrays))

    def array(self, name: str, side: int) -> str:
        """What a map is called in the result: those of the patch asked for by their plain names."""
        return name if side == self.patch else f"{name}_{side}"

    def finished(
        self, x: torch.Tensor, found: dict[int, dict[str, np.ndarray]], facts: dict[str, float | int]
    ) -> Result:
        """The maps, the one to show over the picture, and what stands out."""
        network, target = self.network(), int(facts["class_index"])
        maps = found[self.patch]
        takeovers = self.takeovers(network, np.concatenate([part["winner"].ravel() for part in found.values()]), target)
        row, column = np.unravel_index(int(maps["map"].argmin()), maps["map"].shape)
        arrays = {self.array(name, side): part[name] for side, part in found.items() for name in MAPS}
        return self.result(
            arrays=arrays | {"drop": facts["probability"] - maps["map"], "logit_drop": facts["score"] - maps["logit"]},
            pictures=self.pictures(x, found, takeovers),
            scores=facts
            | {
                "class": network.class_name(target),
                "lowest": float(maps["map"].min()),
                "lowest_top": int(row) * self.stride,
                "lowest_left": int(column) * self.stride,
            },
            tables={"takeovers": takeovers},
        )

    def pictures(
        self, x: torch.Tensor, found: dict[int, dict[str, np.ndarray]], takeovers: list[dict]
    ) -> dict[str, np.ndarray]:
        """The picture under the map of each size of patch, all on one scale."""
        pixels = to_pixels(x)
        if self.show == "takeover":
            tinted = {
                side: painted(pixels, part["winner"], takeovers, side, self.stride) for side, part in found.items()
            }
            return {self.array("overlay", side): picture for side, picture in tinted.items()}
        shown = {side: spread(part[self.value], x, side, self.stride) for side, part in found.items()}
        limits = limits_of(*(part[self.value] for part in found.values()))
        over = {
            self.array("overlay", side): overlay(pixels, values, OVERLAY, False, limits)
            for side, values in shown.items()
        }
        return over | {
            "map": heatmap(shown[self.patch], limits=limits),
            "legend": colour_bar(signed=False, limits=limits),
        }

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


def painted(
    pixels: np.ndarray, winner: np.ndarray, takeovers: list[dict[str, int | str | float]], patch: int, stride: int
) -> np.ndarray:
    """The picture (H, W, 3) with the middle of each patch tinted by the class that takes over there, if one does."""
    tinted = pixels.copy()
    colours = {entry["index"]: colour for entry, colour in zip(takeovers, TAKEOVER_COLOURS, strict=False)}
    for (row, column), index in np.ndenumerate(winner):
        if index in colours:
            top, left = (max(0, place * stride + (patch - stride) // 2) for place in (row, column))
            part = tinted[top : top + stride, left : left + stride]
            part[:] = (0.4 * part + 0.6 * np.array(colours[index])).astype(np.uint8)
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


def fillings(x: torch.Tensor, fill: str) -> Callable[[list[int], list[int], int], torch.Tensor]:
    """What shows where patches lie, from their rows, columns and side: (1, 3, H, W) for all, or (N, 3, H, W) one for each."""
    if fill == "inpaint":
        return partial(inpainted, x)
    same = fill_picture(x, fill)
    return lambda tops, lefts, side: same


def inpainted(x: torch.Tensor, tops: list[int], lefts: list[int], side: int) -> torch.Tensor:
    """The picture with each patch grown over from its surroundings (Telea 2004): (N, 3, H, W)."""
    pixels, filled = to_pixels(x), x.repeat(len(tops), 1, 1, 1)
    for picture, top, left in zip(filled, tops, lefts, strict=True):
        rows, columns = (slice(max(0, place - INPAINT_MARGIN), place + side + INPAINT_MARGIN) for place in (top, left))
        around = np.ascontiguousarray(pixels[rows, columns])
        hidden = np.zeros(around.shape[:2], np.uint8)
        first, before = top - rows.start, left - columns.start
        hidden[first : first + side, before : before + side] = 1
        if hidden.all():
            picture[:] = x[0].mean(dim=(1, 2), keepdim=True)
            continue
        grown = cv2.inpaint(around, hidden, INPAINT_RADIUS, cv2.INPAINT_TELEA)
        picture[:, rows, columns] = to_tensor(grown)[0].to(x.device)
    return filled


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
        for group in alike(level, size):
            yield group, reach
        reach //= 2


def alike(places: list[tuple[int, int]], size: int) -> list[list[tuple[int, int]]]:
    """Places (row, column) in groups equally far from the borders, at most `size` in each.

    The windows of a batch have one size, and those near a border of the picture are smaller than those in its middle.
    """
    tall = math.isqrt(size)
    bands = []
    for axis, side in enumerate((tall, size // tall)):
        along = np.unique([place[axis] for place in places])
        inwards = along[np.argsort(np.minimum(along - along[0], along[-1] - along), kind="stable")]
        parts = np.array_split(inwards, math.ceil(len(along) / side))
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
