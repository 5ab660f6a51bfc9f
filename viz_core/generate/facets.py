"""The several faces of a class: start once from the mean of each kind of picture the class knows (Nguyen et al. 2016)."""

from collections.abc import Generator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from torch import Tensor

from viz_core.generate.canvas import Pixels
from viz_core.generate.loop import Outcome, activations, optimise
from viz_core.generate.objective import LOGITS, Objective
from viz_core.generate.optimiser import NormalisedStep, Ramp
from viz_core.generate.prior import Denoise
from viz_core.generate.transform import Window
from viz_core.images.picture_set import PictureSet
from viz_core.models.graph import GraphModel
from viz_core.tape import Tape
from viz_core.technique import Sent, Step

LEVELS = 255
MOST_LOOKED_AT = 480
BATCH = 8
KEPT_FOR_EACH = 25  # pictures of the class for each facet
NEAREST = 15
COMPONENTS = 50


class Phase(NamedTuple):
    """A part of a run: its share of the steps; step size (mean change of 255) and denoising weight from first to last step;
    how much larger the picture becomes before it; how far from the middle the network looks (standard deviation, a share of
    the room there is)."""

    share: float
    size: tuple[float, float]
    denoise: tuple[float, float]
    enlarge: float = 1.0
    wander: float = 0.0


# The step sizes, shares and enlargements of Nguyen et al.'s code. Its denoiser counts the other way round (Bregman's weight
# w is 1 / (2 w) here) and is cut off early, so the strongest weights are bounded.
FACETS = (
    Phase(190, (1.0, 2.0), (1.25, 1.25)),
    Phase(150, (1.0, 1.0), (4.0, 0.25), enlarge=1.2, wander=0.5),
    Phase(20, (2.0, 2.0), (4.0, 0.25), wander=0.15),
    Phase(10, (2.0, 2.0), (1.25, 0.25), wander=0.15),
)
CENTRE = (
    Phase(190, (11.0, 11.0), (10.0, 6.0)),
    Phase(150, (6.0, 6.0), (8.0, 3.0), enlarge=1.2, wander=0.3),
    Phase(150, (1.0, 1.0), (4.0, 0.25), enlarge=1.2, wander=0.2),
    Phase(30, (3.0, 3.0), (1.25, 0.25), wander=0.1),
    Phase(10, (6.0, 3.0), (0.5, 0.25), wander=0.1),
)


def facet_means(
    network: GraphModel, index: int, pictures: PictureSet, size: int, count: int, seed: int, total: int
) -> Generator[Step, Sent, Tensor | None]:
    """Mean pictures (count, 3, size, size) of the kinds of pictures a class knows, yielding steps while it looks.

    Of the pictures the class scores highest, the codes before the scores are reduced by PCA and grouped by k-means; each
    mean is that of the pictures nearest a group's centre. None if somebody asked for the end. `total` is the number of
    steps of the whole run.
    """
    looked_at = np.unique(np.linspace(0, len(pictures) - 1, min(len(pictures), MOST_LOOKED_AT)).round().astype(int))
    layers = (network.layer_names[-2], LOGITS)
    seen, codes, scores = [], [], []
    for done, (_, batch) in enumerate(pictures.batches(size, BATCH, indices=looked_at.tolist()), start=1):
        with torch.no_grad():
            values = activations(network, batch.to(network.device), layers)
        seen.append(batch)
        codes.append(values[layers[0]].flatten(1).cpu())
        scores.append(values[LOGITS][:, index].cpu())
        if (yield Step(0, total, None, {"pictures": done * BATCH})):
            return None
    best = torch.cat(scores).argsort(descending=True)[: count * KEPT_FOR_EACH]
    return _means(torch.cat(seen)[best], torch.cat(codes)[best].numpy(), count, seed)


def _means(pictures: Tensor, codes: np.ndarray, count: int, seed: int) -> Tensor:
    reduced = PCA(min(COMPONENTS, *codes.shape), random_state=seed).fit_transform(codes)
    groups = KMeans(count, n_init=4, random_state=seed).fit(reduced)
    distances = groups.transform(reduced)
    near = distances.argsort(0)[: min(NEAREST, len(codes))]
    return torch.stack([pictures[near[:, group]].mean(0) for group in range(count)])


def in_phases(
    network: GraphModel,
    start: Tensor,
    objective: Objective,
    phases: tuple[Phase, ...],
    steps: int,
    generator: torch.Generator,
    before: int = 0,
    total: int | None = None,
) -> Generator[Step, Sent, Outcome]:
    """Paint in phases from `start` (N, 3, H, W); the network always sees a window of the first size."""
    side, picture, done, tape = start.shape[-1], start, 0, Tape()
    shares = sum(phase.share for phase in phases)
    ends = np.cumsum([phase.share for phase in phases]) / shares * steps
    curves: dict[str, list[float]] = {}
    for phase, end in zip(phases, ends.round().astype(int), strict=True):
        length = int(end) - done
        if length <= 0:
            continue
        picture = torch.nn.functional.interpolate(picture, scale_factor=phase.enlarge, mode="bicubic").clamp(0, 1)
        outcome = yield from optimise(
            network,
            Pixels(picture),
            objective,
            NormalisedStep(Ramp(phase.size[0] / LEVELS, phase.size[1] / LEVELS, length)),
            length,
            transforms=(Window(side, phase.wander),),
            priors=(Denoise(Ramp(*phase.denoise, length)),),
            relative=False,
            generator=generator,
            tape=tape,
            before=before + done,
            total=total or steps,
        )
        for name, values in outcome.curves.items():
            curves.setdefault(name, []).extend(values)
        picture, done = outcome.last, done + outcome.steps
        if outcome.stopped:
            break
    told = {name: tuple(values) for name, values in curves.items()}
    return replace(outcome, best=picture, last=picture, curves=told, steps=done, frames=tape.frames)
