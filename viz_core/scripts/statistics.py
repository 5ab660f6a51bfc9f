"""How scripts match statistics of layers: summaries that forget places, distances, and the steps that make them small."""

import textwrap
from collections.abc import Sequence
from typing import Any

from viz_core.generate.matching import Stepping
from viz_core.generate.style_statistics import DIRECTIONS, StatisticName, layer_shares
from viz_core.models.graph import GraphModel
from viz_core.scripts.parts import fill, value
from viz_core.scripts.steps import clamp_code, step_code, step_groundwork

GRAM = """
def summary(maps):  # which channels answer together, wherever that is: the Gram matrix
    flat = maps.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]
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
_SUMMARIES: dict[StatisticName, str] = {"gram": GRAM, "mean-variance": _MEAN_VARIANCE, "wasserstein": _WASSERSTEIN}
_DESCENT = """
losses()
step = $step
for _ in range($steps):
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
    network: GraphModel,
    layers: Sequence[str],
    watched: Sequence[str],
    weights: Sequence[float],
    stepping: Stepping,
    steps: int,
    indent: str = "",
) -> dict[str, Any]:
    """The pieces of a script that changes `values` until the layers' statistics match.

    The function `summary` and the expression of a `distance`, the layers' `answers` and `shares`, and the `descent` that
    calls `losses()`, indented. `far` and the step itself lie in the groundwork.
    """
    descent = fill(
        _DESCENT,
        step=step_code(_name(stepping), stepping.rate),
        steps=steps,
        clamp=clamp_code(_name(stepping)),
    )
    return {
        "summary": fill(_SUMMARIES[stepping.statistic]),
        "distance": "far(*shadows(summary(answers), target, generator))"
        if _random(stepping)
        else "far(summary(answers), target)",
        "answers": answers_code([value(network, layer, watched) for layer in layers]),
        "shares": list(layer_shares(layers, weights)),
        "descent": textwrap.indent(descent, indent).lstrip(),
    }


def matching_groundwork(stepping: Stepping) -> str:
    """The functions that `matching_code` needs beside the script."""
    shadows = fill(_SHADOWS, directions=DIRECTIONS) + "\n\n" if _random(stepping) else ""
    return fill(FAR) + "\n\n" + shadows + step_groundwork(_name(stepping))


def _random(stepping: Stepping) -> bool:
    return stepping.statistic == "wasserstein"


def _name(stepping: Stepping) -> str:
    return "adam" if stepping.uses_adam else "lbfgs"
