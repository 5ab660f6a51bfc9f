"""What texture and style have in common: pixels are changed until statistics of layers match."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal, NamedTuple

import numpy as np
import torch

from viz_core.errors import ConvscopeError
from viz_core.generate.optimiser import LBFGS, Adam, Optimiser
from viz_core.generate.style_statistics import StatisticName, style_layers
from viz_core.memory import available_memory
from viz_core.models.graph import GraphModel
from viz_core.tape import MOST_BYTES, MOST_FRAMES

OptimiserName = Literal["lbfgs", "adam"]

MEGABYTE = 2**20
NUMBER = 4  # bytes
VECTORS = 32  # as large as the picture: L-BFGS's past steps, line search, best and last
AT_ONCE = 6  # of the largest layer, while its gradient is computed: values, gradients, their rearrangements


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


def memory_needed(
    network: GraphModel, layers: Collection[str], shape: tuple[int, int], frames: int, abreast: int = 1
) -> int:
    """About how many bytes it takes to change pictures (height, width) until these layers match, one after the other.

    What is kept for the way back, what one layer's gradient takes meanwhile, the optimiser's vectors, and a film of so many
    frames with all pictures abreast.
    """
    inside = network.layers(shape)
    deepest = max(place for place, layer in enumerate(inside) if layer.name in layers)
    sizes = [math.prod(layer.shape) for layer in inside[: deepest + 1]]
    # a ReLU's gradient needs what came out of it alone
    kept = [size for place, size in enumerate(sizes) if place == deepest or inside[place + 1].kind != "ReLU"]
    pixels = math.prod(shape)
    film = min(MOST_BYTES, min(frames, MOST_FRAMES) * abreast * 3 * pixels)
    return NUMBER * (sum(kept) + AT_ONCE * max(sizes) + VECTORS * abreast * 3 * pixels) + film


def largest_side(side: int, needed: int, device: torch.device) -> int | None:
    """The largest side that the memory free now allows, where `side` needs so much; None where the system does not tell."""
    free = available_memory(device)
    return None if free is None else int(side * math.sqrt(free / needed))


def refuse_too_large(side: int, needed: int, device: torch.device) -> None:
    """Raise ConvscopeError, before anything is computed, where a picture of this side needs more memory than is free."""
    most = largest_side(side, needed, device)
    if most is not None and most < side:
        raise ConvscopeError("style_errors.memory", megabytes=needed // MEGABYTE, size=most)


@contextmanager
def undisturbed(generator: torch.Generator) -> Iterator[None]:
    """Whatever is drawn inside, the numbers drawn afterwards are the same: to look at a run does not change it."""
    state = generator.get_state()
    try:
        yield
    finally:
        generator.set_state(state)
