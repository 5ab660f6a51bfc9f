"""Occlusion of all 196 positions at 224 px: incremental, plain batched forward passes, and captum.

    python tests/benchmarks/bench_occlusion.py [--networks alexnet resnet18 vgg16] [--rounds 5] [--no-captum]
    python tests/benchmarks/bench_occlusion.py --networks vgg16 --rounds 1 --batches 32 16 16 --kept rounds.json

One thread; Kaiming weights, on which the answer does change from place to place; the sides take turns in every round, each at
the fastest of its batch sizes, found beforehand or given; the medians are of processor time, which others on the machine disturb
least. With a file to keep the rounds in, a long measurement can be made in several short ones.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch

import viz_core  # noqa: F401  (before anything that imports torchvision)
from tests.explain.reference import Answer, kaiming_network, plain_logits
from viz_core.explain.occlusion import alike
from viz_core.models.incremental import PatchedForward

SIZE, PATCH, STRIDE, TARGET = 224, 16, 16, 7
ALONG = range(0, SIZE - PATCH + 1, STRIDE)
PLACES = [(top, left) for top in ALONG for left in ALONG]
BATCHES = (8, 16, 32, 64)


Parts = list[list[tuple[int, int]]]


def rows_of(size: int) -> Parts:
    """The places in batches, row by row."""
    return [PLACES[start : start + size] for start in range(0, len(PLACES), size)]


def trial(parts: Parts) -> Parts:
    """A third of the batches, evenly from all of them."""
    return parts[1::3] or parts


def incremental(network, x, filling, size: int, brief: bool = False) -> torch.Tensor:
    """Logits at the places, with what is remembered of the clean picture made anew."""
    parts, found = alike(PLACES, size), {}
    forward = PatchedForward(network, x)
    for part in trial(parts) if brief else parts:
        logits = forward(filling, [top for top, _ in part], [left for _, left in part], PATCH)
        found |= dict(zip(part, logits, strict=True))
    return torch.stack([found[place] for place in PLACES if place in found])


def plain(network, x, filling, size: int, brief: bool = False) -> torch.Tensor:
    """Logits at the places by forward passes of whole pictures."""
    parts = trial(rows_of(size)) if brief else rows_of(size)
    at = [([top for top, _ in part], [left for _, left in part]) for part in parts]
    return torch.cat([plain_logits(network, x, filling, *places, PATCH) for places in at])


def captum(network, x, filling, size: int, brief: bool = False) -> torch.Tensor:
    """Captum's attribution; it has no way to stop early, so a trial is at every second place down and across."""
    from captum.attr import Occlusion

    stride = STRIDE * (1 + brief)
    sides = PATCH * (1 + brief)  # captum wants no stride beyond the window
    return Occlusion(Answer(network)).attribute(
        x, (3, sides, sides), (3, stride, stride), baselines=0.5, target=TARGET, perturbations_per_eval=size
    )


def seconds(work: Callable[[], torch.Tensor]) -> tuple[float, float, torch.Tensor]:
    """Processor and wall time."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    return time.process_time() - processor, time.perf_counter() - wall, result


def fastest(side: Callable, network, x, filling) -> int:
    """The batch size with the least time for each place, on about a third of them."""
    costs = {}
    for size in BATCHES:
        cost, _, found = seconds(lambda size=size: side(network, x, filling, size, brief=True))
        costs[size] = cost / len(found)
    return min(costs, key=costs.get)


def measure(name: str, given: argparse.Namespace, sides: dict[str, Callable]) -> None:
    """Print the medians of one network and their ratios."""
    network = kaiming_network(name)[1]
    x = torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    filling = torch.full_like(x, 0.5)
    if given.batches:
        sizes = dict(zip(sides, given.batches, strict=True))
    else:
        sizes = {side: fastest(work, network, x, filling) for side, work in sides.items()}
    rounds = []
    found: dict[str, torch.Tensor] = {}
    for _ in range(given.rounds):
        times = {}
        for side, work in sides.items():
            *times[side], found[side] = seconds(lambda side=side, work=work: work(network, x, filling, sizes[side]))
        rounds.append(times)
    spread = float(found["plain"].std())
    difference = float((found["incremental"] - found["plain"]).abs().max()) / spread
    control = float((found["plain"] - found["plain"].roll(1, 0)).abs().max()) / spread
    rounds = kept(given.kept, name, rounds)
    print(f"{name}: {len(PLACES)} places, {len(rounds)} rounds, median")
    print(f"  largest difference of a logit {difference:.1e} standard deviations (shifted by a place: {control:.1e})")
    medians = {side: [statistics.median(times[side][i] for times in rounds) for i in (0, 1)] for side in sides}
    for side, (cost, wall) in medians.items():
        ratio = cost / medians["incremental"][0]
        print(
            f"  {side:12} batch {sizes[side]:3} {cost:7.2f} s processor {wall:7.2f} s wall  x {ratio:.2f}", flush=True
        )


def kept(file: Path | None, name: str, rounds: list[dict]) -> list[dict]:
    """These rounds and those of this network that the file holds, which now holds both."""
    if file is None:
        return rounds
    held = json.loads(file.read_text()) if file.exists() else {}
    held[name] = held.get(name, []) + rounds
    file.write_text(json.dumps(held))
    return held[name]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=["alexnet", "resnet18", "vgg16"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", nargs="+", type=int, help="one for each side, instead of trying which is fastest")
    parser.add_argument("--kept", type=Path, help="file that rounds are added to and medians taken from")
    parser.add_argument("--no-captum", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    sides = {"incremental": incremental, "plain": plain} | ({} if given.no_captum else {"captum": captum})
    for name in given.networks:
        measure(name, given, sides)


if __name__ == "__main__":
    main()
