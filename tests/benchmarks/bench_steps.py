"""What a step of the one loop costs: against the bare gradient of the cut network, and against hooks on the whole one.

    .venv/bin/python -m tests.benchmarks.bench_steps [steps]

The strength of a layer grows by Google's DeepDream step: shift, gradient, normalised change, clip. The three are measured
in turn, so that other work on the machine slows all alike; the lower quartile of each is told.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from viz_core import models
from viz_core.generate.canvas import Pixels
from viz_core.generate.loop import optimise
from viz_core.generate.objective import Strength
from viz_core.generate.optimiser import NormalisedStep
from viz_core.generate.transform import Roll
from viz_core.models import zoo
from viz_core.models.bundled import load_bundled
from viz_core.models.graph import GraphModel

SIDE, STEP, JITTER = 160, 1.5 / 255, 32
CASES = (
    ("bundled", "stage3.conv1"),
    ("bundled", "stage4.conv1"),
    ("random:vgg16", "features.21"),
    ("random:googlenet", "inception4c.branch1.conv"),
)


def bare(network: GraphModel, layer: str, x: Tensor) -> Callable[[], object]:
    """Forward and backward of the network cut at the layer, and nothing else."""

    def once() -> None:
        y = x.clone().requires_grad_()
        torch.autograd.grad(network.activations(y, layer)[layer].square().mean() / 2, y)

    return once


def loop(network: GraphModel, layer: str, x: Tensor) -> Callable[[], object]:
    """A step of the loop, with shift, change, clip, preview, film and curves."""
    generator = torch.Generator().manual_seed(0)
    painting = optimise(
        network,
        Pixels(x),
        -Strength(layer),
        NormalisedStep(STEP),
        10**9,
        transforms=(Roll(JITTER),),
        generator=generator,
    )
    return lambda: next(painting)


def hooks(module: nn.Module, layer: str, x: Tensor) -> Callable[[], object]:
    """The same step as it is often written: a hook catches the layer while the whole network is computed."""
    caught: dict[str, Tensor] = {}
    module.get_submodule(layer).register_forward_hook(lambda _, __, output: caught.update(at=output))
    picture = x.clone()

    def once() -> None:
        nonlocal picture
        down, right = np.random.randint(-JITTER, JITTER + 1, 2).tolist()
        y = picture.roll((down, right), (2, 3)).requires_grad_()
        module(y)
        (caught["at"].square().mean() / 2).backward()
        y = (y.detach() + STEP * y.grad / y.grad.abs().mean()).clamp(0, 1)
        picture = y.roll((-down, -right), (2, 3))

    return once


def plain_module(name: str) -> nn.Module:
    """The network as torch knows it, weights and all wanting gradients, as is usual."""
    if name == "bundled":
        return load_bundled("standard").module.eval()
    return zoo.build_random(name.removeprefix("random:"), seed=0).eval()


def main(steps: int = 15) -> None:
    """Measure all cases and print a line for each."""
    print(
        f"{'network':18} {'layer':26} {'bare ms':>8} {'loop ms':>8} {'hooks ms':>9} {'loop/bare':>10} {'hooks/loop':>11}"
    )
    for name, layer in CASES:
        network, x = models.load(name), torch.rand(1, 3, SIDE, SIDE)
        ways = [bare(network, layer, x), loop(network, layer, x), hooks(plain_module(name), layer, x)]
        times: list[list[float]] = [[], [], []]
        for way in ways:
            way()
        for _ in range(steps):
            for way, taken in zip(ways, times, strict=True):
                begin = time.perf_counter()
                way()
                taken.append(time.perf_counter() - begin)
        ms = [1e3 * float(np.quantile(taken, 0.25)) for taken in times]
        print(
            f"{name:18} {layer:26} {ms[0]:8.1f} {ms[1]:8.1f} {ms[2]:9.1f} {ms[1] / ms[0]:10.2f} {ms[2] / ms[1]:11.2f}"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
