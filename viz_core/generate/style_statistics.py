"""What is left of a layer when places are forgotten: Gram matrices, means and deviations, sorted projections.

A texture is described by statistics of the activations that do not say where anything is. Each statistic here turns
features (N, C, H, W) into a summary and tells how far two summaries are apart, as a share of the size of the target, so
that layers, networks and statistics can be weighed against each other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from viz_core.errors import ConvscopeError
from viz_core.generate.objective import Objective, Sum, Term, View
from viz_core.models.graph import GraphModel
from viz_core.models.layers import Layer

StatisticName = Literal["gram", "mean-variance", "wasserstein"]

EPSILON = 1e-8
MOST_STYLE_LAYERS = 5
DIRECTIONS = 32  # of sliced Wasserstein, drawn for each distance
SMALLEST_MAP = 4  # a coarser map has too few places for a statistic


class Statistic(Protocol):
    """A summary of features that forgets places, and a distance between two of them."""

    def summary(self, features: Tensor, where: Tensor | None = None) -> Tensor:
        """The summary of features (N, C, H, W); `where` (1, 1, h, w) in [0, 1] says which places count."""
        ...

    def distance(self, features: Tensor, target: Tensor, where: Tensor | None = None) -> Tensor:
        """How far features are from a target summary, as a share of the target's size: one value for each picture, (N,)."""
        ...


def place_weights(features: Tensor, where: Tensor | None) -> Tensor:
    """How much each place counts, summing to 1 over the map: (1, 1, H, W)."""
    if where is None:
        return features.new_full((1, 1, *features.shape[-2:]), 1 / (features.shape[-2] * features.shape[-1]))
    weights = interpolate(where.to(features), features.shape[-2:], mode="area")
    return weights / weights.sum().clamp_min(EPSILON)


def gram(features: Tensor, where: Tensor | None = None) -> Tensor:
    """The Gram matrix F F^T averaged over the places: (N, C, C). Gatys, Ecker & Bethge 2015.

    Its gradient is right for all that treats entries (i, j) and (j, i) alike, as distances to another Gram matrix do: it is
    twice that of one factor, one product of matrices where both factors would take two and a transposed copy of F.
    """
    flat = features.flatten(2)
    still = flat.detach().transpose(1, 2)
    weighted = flat if where is None else flat * place_weights(features, where).flatten(2)
    # one alone goes faster as plain matrices, in whatever order its channels lie
    half = (weighted.squeeze(0) @ still.squeeze(0))[None] if len(flat) == 1 else weighted @ still
    half = half / flat.shape[2] if where is None else half
    return 2 * half - half.detach()


def relative(difference: Tensor, target: Tensor) -> Tensor:
    """The squared size of each difference (N, ...) over that of its target: (N,)."""
    return difference.square().flatten(1).sum(1) / target.square().flatten(1).sum(1).clamp_min(EPSILON)


class Gram:
    """Which channels are active together, wherever that is. Gatys, Ecker & Bethge 2015."""

    def summary(self, features: Tensor, where: Tensor | None = None) -> Tensor:
        return gram(features, where)

    def distance(self, features: Tensor, target: Tensor, where: Tensor | None = None) -> Tensor:
        return relative(gram(features, where) - target, target)


class MeanVariance:
    """Mean and standard deviation of every channel. Li, Wang, Liu & Hou 2017; Huang & Belongie 2017."""

    def summary(self, features: Tensor, where: Tensor | None = None) -> Tensor:
        weights = place_weights(features, where)
        mean = (features * weights).sum((2, 3))
        variance = ((features - mean[..., None, None]).square() * weights).sum((2, 3))
        return torch.stack([mean, (variance + EPSILON).sqrt()], 1)

    def distance(self, features: Tensor, target: Tensor, where: Tensor | None = None) -> Tensor:
        return relative(self.summary(features, where) - target, target)


class SlicedWasserstein:
    """All activations along random directions, sorted: the whole distribution, one shadow at a time. Heitz et al. 2021.

    The summary is the features themselves (1, C, places); a distance draws `directions` new directions each time.
    """

    def __init__(self, generator: torch.Generator, directions: int = DIRECTIONS) -> None:
        self.generator, self.directions = generator, directions

    def summary(self, features: Tensor, where: Tensor | None = None) -> Tensor:
        flat = features.flatten(2)
        if where is None:
            return flat
        inside = place_weights(features, where).flatten() > 0.5 / flat.shape[2]
        return flat[:, :, inside] if inside.any() else flat

    def distance(self, features: Tensor, target: Tensor, where: Tensor | None = None) -> Tensor:
        directions = torch.randn(self.directions, features.shape[1], generator=self.generator).to(features)
        directions = directions / directions.norm(dim=1, keepdim=True)
        ours = (directions @ self.summary(features, where)).sort(-1).values
        wanted = quantiles((directions @ target).sort(-1).values, ours.shape[-1])
        return relative(ours - wanted, wanted.expand_as(ours))


def quantiles(ordered: Tensor, count: int) -> Tensor:
    """Sorted values (N, K, places) at `count` evenly spaced ranks."""
    if ordered.shape[-1] == count:
        return ordered
    return interpolate(ordered, count, mode="linear", align_corners=False)


def statistic(name: StatisticName, generator: torch.Generator) -> Statistic:
    """The statistic of this name; random directions come from the generator."""
    plain: dict[str, Callable[[], Statistic]] = {"gram": Gram, "mean-variance": MeanVariance}
    return plain.get(name, lambda: SlicedWasserstein(generator))()


def style_layers(network: GraphModel) -> tuple[str, ...]:
    """The layers that describe a style if none are chosen: the first ReLU at each resolution, fine to coarse.

    Gatys, Ecker & Bethge 2015 took those of VGG-19.
    """
    found: dict[tuple[int, ...], str] = {}
    for layer in _maps(network):
        if min(layer.shape[1:]) >= SMALLEST_MAP:
            found.setdefault(layer.shape[1:], layer.name)
    return tuple(found.values())[:MOST_STYLE_LAYERS]


def content_layer(network: GraphModel) -> str:
    """The layer that describes what is where if none is chosen: the last ReLU before the third halving of the resolution."""
    layers = _maps(network)
    sizes = list(dict.fromkeys(layer.shape[1:] for layer in layers))
    wanted = sizes[min(2, len(sizes) - 1)]
    return [layer.name for layer in layers if layer.shape[1:] == wanted][-1]


def _maps(network: GraphModel) -> list[Layer]:
    layers = [layer for layer in network.layers() if len(layer.shape) == 3 and layer.shape[1] * layer.shape[2] > 1]
    return [layer for layer in layers if layer.kind == "ReLU"] or layers


@dataclass(frozen=True, eq=False)
class StyleDistance(Objective):
    """How far a layer's statistic is from that of a style, as a share of its size; `where` (1, 1, h, w) limits the places."""

    layer: str
    statistic: Statistic
    target: Tensor
    where: Tensor | None = None
    label: str = ""
    layers: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", (self.layer,))

    def __call__(self, view: View) -> Tensor:
        return self.statistic.distance(view.activations[self.layer], self.target, self.where)

    @property
    def name(self) -> str:
        return f"style in {self.layer}{self.label}"


@torch.no_grad()
def style_objective(
    network: GraphModel,
    picture: Tensor,
    layers: Sequence[str],
    statistic: Statistic,
    weights: Sequence[float],
    *,
    where: Tensor | None = None,
    label: str = "",
) -> Sum:
    """The distances to a style picture (1, 3, H, W) in several layers, each times its weight; the weights sum to 1.

    Raises ConvscopeError where there are not as many weights as layers.
    """
    shares = layer_shares(layers, weights)
    values = network.activations(picture, tuple(layers))
    return Sum(
        tuple(
            Term(share, StyleDistance(layer, statistic, statistic.summary(values[layer]), where, label))
            for layer, share in zip(layers, shares, strict=True)
        )
    )


def layer_shares(layers: Sequence[str], weights: Sequence[float]) -> tuple[float, ...]:
    """The weights of the layers scaled to sum to 1, all the same where none are given; raises ConvscopeError."""
    if not weights:
        return (1 / len(layers),) * len(layers)
    if len(weights) != len(layers) or min(weights) < 0 or sum(weights) <= 0:
        raise ConvscopeError("style_errors.layer_weights", layers=len(layers), weights=len(weights))
    return tuple(weight / sum(weights) for weight in weights)
