"""Segmentation from a saliency map: its strongest and weakest pixels seed GrabCut (Rother et al., 2004).

The quantiles, and keeping the largest connected part, are those of Simonyan, Vedaldi & Zisserman 2013, section 3.2.
"""

import cv2
import numpy as np

from viz_core.images.render import is_flat

ITERATIONS = 5
FEWEST_SEEDS = 5  # as many colours as GrabCut's mixtures have
PAPER = 255


def segment(pixels: np.ndarray, saliency: np.ndarray, foreground: float = 0.95, background: float = 0.30) -> np.ndarray:
    """The object as a mask (H, W) of bool; empty where the map is flat or leaves too few seeds.

    pixels: (H, W, 3) uint8; saliency: (H, W), great on the object. Pixels above the quantile `foreground` of the map are
    taken for the object, those below the quantile `background` for its surroundings; colours and edges decide the rest.
    """
    nothing = np.zeros(saliency.shape, bool)
    if is_flat(saliency) or not np.isfinite(saliency).all():
        return nothing
    high, low = np.quantile(saliency, [foreground, min(background, foreground)])
    sure, surely_not = saliency > high, saliency < low
    if min(sure.sum(), surely_not.sum()) < FEWEST_SEEDS:
        return nothing
    labels = np.full(saliency.shape, cv2.GC_PR_BGD, np.uint8)
    labels[saliency >= (high + low) / 2] = cv2.GC_PR_FGD
    labels[sure], labels[surely_not] = cv2.GC_FGD, cv2.GC_BGD
    cv2.setRNGSeed(0)
    mixtures = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(  # type: ignore[call-overload]  # the stub wants a rectangle even beside a mask
        pixels, labels, None, *mixtures, ITERATIONS, cv2.GC_INIT_WITH_MASK
    )
    return largest_part((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD))


def largest_part(mask: np.ndarray) -> np.ndarray:
    """The largest connected part of a mask (H, W); an empty mask stays empty."""
    count, parts, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return mask
    return parts == 1 + int(facts[1:, cv2.CC_STAT_AREA].argmax())


def cut_out(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The object on white paper: (H, W, 3) uint8."""
    return np.where(mask[..., None], pixels, PAPER).astype(np.uint8)
