"""Throughput of the pass that records every channel's strongest answers, against bare forward passes cut at the same layer.

    python tests/benchmarks/bench_patches.py [--network bundled] [--layer stage5.relu1] [--pictures 160] [--rounds 3]

Both go over the same decoded pictures in the same batches and take turns; the medians are of processor time, which others on
the machine disturb least, and of wall time.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch

from viz_core import models
from viz_core.images.datasets import PictureSet, open_dataset
from viz_core.images.intake import Picture
from viz_core.look.patches import BATCH, KEPT
from viz_core.look.recording import record
from viz_core.look.topk import Record

Times = tuple[float, float]


def timed(work: Callable[[], None]) -> Times:
    """Processor and wall seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.process_time() - processor, time.perf_counter() - wall


def decoded_set(pictures: PictureSet, count: int, size: int) -> PictureSet:
    """The first pictures of a set, held in memory at the size the network takes."""
    held = [Picture(pictures.seen(index, size)) for index in range(count)]
    return PictureSet(pictures.name, pictures.digest, pictures.titles[:count], None, lambda index, _: held[index])


def main() -> None:
    """Measure and print the ratio of the two rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="bundled")
    parser.add_argument("--layer", default="stage5.relu1")
    parser.add_argument("--pictures", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    network, layer = models.load(options.network), options.layer
    size = network.input_size
    pictures = decoded_set(open_dataset("builtin"), options.pictures, size)
    decoded = [x for _, x in pictures.batches(size, BATCH)]
    empty = {layer: Record.empty(KEPT, network.layer(layer).shape[0])}

    def bare() -> None:
        with torch.inference_mode():
            for x in decoded:
                network.activations(x.to(network.device), layer)

    def recording() -> None:
        for _ in record(network, pictures, size, BATCH, options.pictures, empty):
            pass

    bare()
    times: dict[str, list[Times]] = {"bare": [], "recording": []}
    for _ in range(options.rounds):
        times["bare"].append(timed(bare))
        times["recording"].append(timed(recording))
    for which, name in enumerate(("processor", "wall")):
        medians = {side: statistics.median(run[which] for run in runs) for side, runs in times.items()}
        rates = {side: options.pictures / seconds for side, seconds in medians.items()}
        share = rates["recording"] / rates["bare"]
        print(f"{name:9} {rates['bare']:7.1f} bare, {rates['recording']:7.1f} recording pictures/s: {share:.0%}")


if __name__ == "__main__":
    main()
