"""What texture and style have in common: pixels are changed until statistics of layers match."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal, NamedTuple

import numpy as np
import torch

from viz_core.generate.optimiser import LBFGS, Adam, Optimiser
from viz_core.generate.style_statistics import StatisticName, style_layers
from viz_core.models.graph import GraphModel

OptimiserName = Literal["lbfgs", "adam"]


class Stepping(NamedTuple):
    """How steps are taken: by the optimiser asked for, where the statistic allows it; `rate` is Adam's."""

    optimiser: OptimiserName
    statistic: StatisticName
    rate: float

    @property
    def uses_adam(self) -> bool:
        """L-BFGS wants the same question at every step, so random directions go with Adam."""
        return self.optimiser == "adam" or self.statistic == "wasserstein"

    @property
    def box(self) -> tuple[float, float] | None:
        """L-BFGS must not be clipped, which spoils what it knows of the curvature; its pictures are clipped in the end."""
        return (0.0, 1.0) if self.uses_adam else None

    def begin(self) -> Optimiser:
        """The optimiser at its start."""
        return Adam(self.rate) if self.uses_adam else LBFGS()


def measured_layers(network: GraphModel, chosen: Sequence[str]) -> tuple[str, ...]:
    """The layers whose statistics count: those chosen, or those that describe a style if none are; raises ConvscopeError."""
    return tuple(network.resolve_layer(name) for name in chosen) or style_layers(network)


def curve_arrays(curves: Mapping[str, Sequence[float]], of: str = "") -> dict[str, np.ndarray]:
    """The curves of a run as arrays of its result, `curve: <of><name>`."""
    return {f"curve: {of}{name}": np.asarray(values, np.float32) for name, values in curves.items()}


@contextmanager
def undisturbed(generator: torch.Generator) -> Iterator[None]:
    """Whatever is drawn inside, the numbers drawn afterwards are the same: to look at a run does not change it."""
    state = generator.get_state()
    try:
        yield
    finally:
        generator.set_state(state)
