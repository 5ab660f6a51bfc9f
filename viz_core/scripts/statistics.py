"""How scripts match statistics of layers: summaries that forget places, distances, and the steps that make them small."""

from collections.abc import Sequence
from typing import Any

from viz_core.generate.matching import Stepping
from viz_core.generate.style_statistics import DIRECTIONS, StatisticName, layer_shares
from viz_core.models.graph import GraphModel
from viz_core.scripts.parts import fill, value
from viz_core.scripts.steps import clamp_code, step_code, step_groundwork

_GRAM = """
def summary(maps):  # which channels answer together, wherever that is: the Gram matrix
    flat = maps.squeeze(0).flatten(1)
    half = flat @ flat.detach().T / flat.shape[1]
    return (2 * half - half.detach())[None]  # symmetric: the gradient of one factor, twice
"""
_MEAN_VARIANCE = """
def summary(maps):  # mean and standard deviation of every channel
    share = 1 / (maps.shape[2] * maps.shape[3])
    average = (maps * share).sum((2, 3))
    variance = ((maps - average[..., None, None]).square() * share).sum((2, 3))
    return torch.stack([average, (variance + 1e-8).sqrt()], 1)
"""
_WASSERSTEIN = """
def summary(maps):  # the answers at all places, in no order
    return maps.flatten(2)
"""
_PLACES = """
def places(maps, where):  # how much each place of the maps counts, 1 in all
    weights = F.interpolate(where, maps.shape[-2:], mode="area")
    return weights / weights.sum().clamp_min(1e-8)
"""
_GRAM_WITHIN = """
def summary(maps, where=None):  # which channels answer together (the Gram matrix), in a region or anywhere
    flat = maps.squeeze(0).flatten(1)
    still = flat.detach().T
    half = flat @ still / flat.shape[1] if where is None else (flat * places(maps, where).squeeze(0).flatten(1)) @ still
    return (2 * half - half.detach())[None]  # symmetric: the gradient of one factor, twice
"""
_MEAN_VARIANCE_WITHIN = """
def summary(maps, where=None):  # mean and standard deviation of every channel, in a region or anywhere
    share = 1 / (maps.shape[2] * maps.shape[3]) if where is None else places(maps, where)
    average = (maps * share).sum((2, 3))
    variance = ((maps - average[..., None, None]).square() * share).sum((2, 3))
    return torch.stack([average, (variance + 1e-8).sqrt()], 1)
"""
_WASSERSTEIN_WITHIN = """
def summary(maps, where=None):  # the answers at all places, in no order; in a region or anywhere
    flat = maps.flatten(2)
    inside = None if where is None else places(maps, where).flatten() > 0.5 / flat.shape[2]
    return flat if where is None or not inside.any() else flat[:, :, inside]
"""
_SHADOWS = """
# The values (N, C, places) of both along random directions, sorted, with as many ranks.
def shadows(values, target, generator):
    directions = torch.randn($directions, values.shape[1], generator=generator)
    directions = directions / directions.norm(dim=1, keepdim=True)
    ours, wanted = (directions @ values).sort(-1).values, (directions @ target).sort(-1).values
    return ours, wanted if wanted.shape == ours.shape else F.interpolate(wanted, ours.shape[-1], mode="linear")
"""
FAR = """
def far(summary, target):  # as a share of the target's size
    return (summary - target).square().flatten(1).sum(1) / target.square().flatten(1).sum(1).clamp_min(1e-8)
"""
_SUMMARIES: dict[StatisticName, tuple[str, str]] = {  # of all places, and of a region
    "gram": (_GRAM, _GRAM_WITHIN),
    "mean-variance": (_MEAN_VARIANCE, _MEAN_VARIANCE_WITHIN),
    "wasserstein": (_WASSERSTEIN, _WASSERSTEIN_WITHIN),
}
_DESCEND = """
def descend(values, losses, steps):  # changes the leaf `values` so that `losses()` falls
    losses()
    step = $step
    for _ in range(steps):
        step()
        $clamp
        losses()
"""


def answers_code(answers: list[str]) -> str:
    """What watched layers answer, as one list: by their names where each is used once."""
    if all(answer.count("[") == 1 for answer in answers):
        return "[seen[name] for name in [" + ", ".join(answer[5:-1] for answer in answers) + "]]"
    return "[" + ", ".join(answers) + "]"


def matching_code(
    network: GraphModel, layers: Sequence[str], watched: Sequence[str], weights: Sequence[float], stepping: Stepping
) -> dict[str, Any]:
    """The pieces of a script that makes the statistics of layers match: their `answers`, `shares` and the `distance`."""
    within = "far(*shadows({}, target, generator))" if _random(stepping) else "far({}, target)"
    return {
        "distance": within,
        "answers": answers_code([value(network, layer, watched) for layer in layers]),
        "shares": list(layer_shares(layers, weights)),
    }


def matching_groundwork(stepping: Stepping, region: bool = False) -> str:
    """The functions that scripts with `matching_code` need: `summary`, `far`, `shadows` and `descend`.

    `region`: summaries can be limited to a region.
    """
    name = "adam" if stepping.uses_adam else "lbfgs"
    descend = fill(
        _DESCEND,
        step=step_code(name, stepping.rate),
        clamp=clamp_code(name),
    )
    parts = [
        fill(_PLACES) if region else "",
        fill(_SHADOWS, directions=DIRECTIONS) if _random(stepping) else "",
        step_groundwork(name),
        descend,
        fill(FAR),
        fill(_SUMMARIES[stepping.statistic][region]),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part)


def _random(stepping: Stepping) -> bool:
    return stepping.statistic == "wasserstein"
