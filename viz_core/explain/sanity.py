"""The sanity check of Adebayo et al., 2018: a map that does not change when the network forgets what it learnt explains nothing."""

import cv2
import numpy as np
from scipy.stats import rankdata
from skimage.metrics import structural_similarity

from viz_core.images.render import is_flat, normalise
from viz_core.models.graph import GraphModel

MOST_DEPTHS = 10
WINDOW = 5  # of the structural similarity, pixels, as in the paper


def depths(network: GraphModel) -> list[str]:
    """The layers from which on the weights get lost, one by one from the top, down to the first; at most ten of them."""
    learnt = [layer.name for layer in reversed(network.layers()) if layer.parameters]
    chosen = np.linspace(0, len(learnt) - 1, min(MOST_DEPTHS, len(learnt))).round().astype(int)
    return [learnt[index] for index in chosen]


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's rank correlation of two maps, -1 to 1; 0 if one of them is flat."""
    if is_flat(first) or is_flat(second):
        return 0.0
    ranks = [rankdata(values.ravel()) for values in (first, second)]
    return float(np.corrcoef(ranks)[0, 1])


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's rank correlation of two maps of any sizes, the second scaled bilinearly to the first's."""
    height, width = first.shape
    return rank_correlation(first, cv2.resize(np.asarray(second, np.float32), (width, height)))


def structural(first: np.ndarray, second: np.ndarray) -> float:
    """Structural similarity of two maps, each scaled to [0, 1]; 1 for the same map."""
    first, second = normalise(first), normalise(second)
    return float(structural_similarity(first, second, data_range=1.0, win_size=WINDOW))
