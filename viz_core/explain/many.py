"""Insertion and deletion over many pictures: mean areas with intervals, each method beside chance on the same pictures."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from scipy.stats import t as student
from torch import Tensor

from viz_core.models.faithfulness import area_under, deletion, insertion
from viz_core.models.graph import GraphModel
from viz_core.models.work import batch_size

CONFIDENCE = 0.95
GAMES: dict[str, Callable[[Tensor, GraphModel, np.ndarray, int], Iterator[Tensor]]] = {
    "deletion": deletion,
    "insertion": insertion,
}
BETTER = {"deletion": -1.0, "insertion": 1.0}  # which sign of a difference of areas is good


def batches(pictures: Iterator[Tensor], size: int) -> Iterator[Tensor]:
    """Single pictures (1, 3, H, W) in batches."""
    waiting: list[Tensor] = []
    for picture in pictures:
        waiting.append(picture)
        if len(waiting) == size:
            yield torch.cat(waiting)
            waiting = []
    if waiting:
        yield torch.cat(waiting)


def game_area(network: GraphModel, x: Tensor, target: int, values: np.ndarray, game: str, steps: int) -> float:
    """The area under one curve: the probability of the class while pixels go or come in the order of the map (H, W)."""
    pictures = batches(GAMES[game](x, network, values, steps), batch_size(network, x))
    with torch.inference_mode():
        curve = torch.cat([network.probabilities(batch)[:, target] for batch in pictures])
    return area_under(curve.cpu().numpy())


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """The mean of a sample (N,) and the ends of its 95 % interval by Student's t; infinitely wide for one value."""
    mean = float(values.mean())
    if len(values) < 2:
        return mean, -float("inf"), float("inf")
    half = float(student.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half


def summary(areas: dict[str, np.ndarray], names: Sequence[str], control: str) -> list[dict[str, float | str]]:
    """A row for each method: mean area and interval in each game, and what the paired difference to the control says.

    areas: by game, (pictures, methods) in the order of `names`. The verdict is "better" or "worse" where the interval of the
    difference leaves out zero, else "open".
    """
    rows: list[dict[str, float | str]] = []
    for place, name in enumerate(names):
        row: dict[str, float | str] = {"method": name}
        for game, values in areas.items():
            row[game], row[f"{game}_low"], row[f"{game}_high"] = interval(values[:, place])
            gains = BETTER[game] * (values[:, place] - values[:, names.index(control)])
            gain, low, high = interval(gains)
            row |= {f"{game}_gain": gain, f"{game}_gain_low": low, f"{game}_gain_high": high}
            row[f"{game}_verdict"] = "better" if low > 0 else "worse" if high < 0 else "open"
        rows.append(row)
    return rows
