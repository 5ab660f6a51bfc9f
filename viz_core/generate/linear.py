"""Why networks are fooled, by hand: many tiny nudges along the signs of the weights add up (Goodfellow et al. 2014)."""

from typing import NamedTuple

import numpy as np


class Nudged(NamedTuple):
    """A linear classifier before and after the nudge: score w.x + b and probability 1 / (1 + exp(-score))."""

    x: np.ndarray
    score_before: float
    score_after: float
    probability_before: float
    probability_after: float


def example(dimensions: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A picture x of small whole numbers and weights w of -1 and 1, (dimensions,) each, with the score w.x = -3."""
    random = np.random.default_rng(seed)
    w = random.choice([-1.0, 1.0], dimensions)
    x = random.integers(-4, 5, dimensions).astype(float)
    shares, rest = divmod(-3 - int(w @ x), dimensions)
    change = np.full(dimensions, float(shares))
    change[:rest] += 1
    return x + w * change, w


def nudge(x: np.ndarray, w: np.ndarray, epsilon: float, bias: float = 0.0) -> Nudged:
    """Move every number of x by `epsilon` in the direction of its weight's sign: the score grows by epsilon * sum |w|."""
    moved = x + epsilon * np.sign(w)
    before, after = float(w @ x) + bias, float(w @ moved) + bias
    return Nudged(moved, before, after, _logistic(before), _logistic(after))


def _logistic(score: float) -> float:
    return float(1 / (1 + np.exp(-score)))
