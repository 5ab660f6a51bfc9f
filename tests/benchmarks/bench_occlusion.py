"""Occlusion of all 196 positions at 224 px: incremental, plain batched forward passes, and captum.

    python tests/benchmarks/bench_occlusion.py [--networks alexnet resnet18 vgg16] [--rounds 5] [--no-captum]

One thread; Kaiming weights, on which the answer does change from place to place; the sides take turns in every round, each at
the fastest of its batch sizes, found beforehand; the medians are of processor time, which others on the machine disturb least.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch

import viz_core  # noqa: F401  (before anything that imports torchvision)
from tests.explain.reference import Answer, kaiming_network, plain_logits
from viz_core.models.incremental import PatchedForward

SIZE, PATCH, STRIDE, TARGET = 224, 16, 16, 7
PLACES = [(top, left) for top in range(0, SIZE - PATCH + 1, STRIDE) for left in range(0, SIZE - PATCH + 1, STRIDE)]
BATCHES = (16, 32, 64)
TRIAL_HEIGHT = 80  # pixels: 70 places


def parts(size: int) -> list[tuple[list[int], list[int]]]:
    """The places in batches: rows and columns."""
    chunks = [PLACES[start : start + size] for start in range(0, len(PLACES), size)]
    return [([top for top, _ in chunk], [left for _, left in chunk]) for chunk in chunks]


def incremental(network, x, filling, size: int, count: int | None = None) -> torch.Tensor:
    """Logits at the places, with what is remembered of the clean picture made anew."""
    forward = PatchedForward(network, x)
    return torch.cat([forward(filling, *part, PATCH) for part in parts(size)[:count]])


def plain(network, x, filling, size: int, count: int | None = None) -> torch.Tensor:
    """Logits at the places by forward passes of whole pictures."""
    return torch.cat([plain_logits(network, x, filling, *part, PATCH) for part in parts(size)[:count]])


def captum(network, x, filling, size: int, count: int | None = None) -> torch.Tensor:
    """Captum's attribution; it has no way to stop early, so a trial is of the upper part of the picture."""
    from captum.attr import Occlusion

    if count is not None:
        x = x[:, :, :TRIAL_HEIGHT]
    return Occlusion(Answer(network)).attribute(
        x, (3, PATCH, PATCH), (3, STRIDE, STRIDE), baselines=0.5, target=TARGET, perturbations_per_eval=size
    )


def seconds(work: Callable[[], torch.Tensor]) -> tuple[float, float, torch.Tensor]:
    """Processor and wall time."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    return time.process_time() - processor, time.perf_counter() - wall, result


def fastest(side: Callable, network, x, filling) -> int:
    """The batch size with the least time for each place, on 64 places."""
    costs = {size: seconds(lambda size=size: side(network, x, filling, size, 64 // size))[0] for size in BATCHES}
    return min(costs, key=costs.get)


def measure(name: str, rounds: int, sides: dict[str, Callable]) -> None:
    """Print the medians of one network and their ratios."""
    network = kaiming_network(name)[1]
    x = torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    filling = torch.full_like(x, 0.5)
    sizes = {side: fastest(work, network, x, filling) for side, work in sides.items()}
    times: dict[str, list[float]] = {side: [] for side in sides}
    walls: dict[str, list[float]] = {side: [] for side in sides}
    found: dict[str, torch.Tensor] = {}
    for _ in range(rounds):
        for side, work in sides.items():
            cost, wall, found[side] = seconds(lambda side=side, work=work: work(network, x, filling, sizes[side]))
            times[side].append(cost)
            walls[side].append(wall)
    medians = {side: statistics.median(costs) for side, costs in times.items()}
    spread = float(found["plain"].std())
    difference = float((found["incremental"] - found["plain"]).abs().max()) / spread
    control = float((found["plain"] - found["plain"].roll(1, 0)).abs().max()) / spread
    print(f"{name}: {len(PLACES)} places, {rounds} rounds, median")
    print(f"  largest difference of a logit {difference:.1e} standard deviations (shifted by a place: {control:.1e})")
    for side, cost in medians.items():
        ratio = cost / medians["incremental"]
        wall = statistics.median(walls[side])
        print(f"  {side:12} batch {sizes[side]:3} {cost:7.2f} s processor {wall:7.2f} s wall  x {ratio:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="+", default=["alexnet", "resnet18", "vgg16"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-captum", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    sides = {"incremental": incremental, "plain": plain} | ({} if given.no_captum else {"captum": captum})
    for name in given.networks:
        measure(name, given.rounds, sides)


if __name__ == "__main__":
    main()
