"""Memory of a pass that records every channel's strongest answers, while the number of pictures grows.

    python tests/benchmarks/bench_patches_memory.py [--folder pictures/] [--parquet train-0.parquet ...] [--counts 1000 5000 20000]

Without a folder or parquet files (with a column `image` that holds encoded files) the pictures are made: JPEG files of
random blobs, encoded once and decoded as those of a folder are. Prints the process's resident memory at each count.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from viz_core import models
from viz_core.images.datasets import PictureSet, open_dataset
from viz_core.images.intake import load_image
from viz_core.images.picture_set import digest_of
from viz_core.images.render import encode_jpeg, resize
from viz_core.look.patches import BATCH, KEPT
from viz_core.look.recording import record
from viz_core.look.topk import Record

SIDE = 128  # of a made picture, pixels
MADE = 500  # different pictures, which are used again and again


def resident() -> float:
    """Memory of this process in MiB."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024


def made(count: int) -> PictureSet:
    """Blobs of random colours as JPEG files."""
    random = np.random.default_rng(0)
    blobs = (random.integers(0, 256, (8, 8, 3), np.uint8) for _ in range(MADE))
    files = [encode_jpeg(resize(blob, (SIDE, SIDE))) for blob in blobs]
    return of_files("made", count, lambda index: files[index % MADE])


def parquet(paths: list[str]) -> PictureSet:
    """The pictures of parquet files, one after the other."""
    import pyarrow.parquet  # not one of our requirements: only for those who have such files

    files = [row["bytes"] for path in paths for row in pyarrow.parquet.read_table(path)["image"].to_pylist()]
    return of_files("parquet", len(files), files.__getitem__)


def of_files(name: str, count: int, content: Callable[[int], bytes]) -> PictureSet:
    """A set of encoded pictures."""
    titles = tuple(f"{name} {index}" for index in range(count))
    return PictureSet(name, digest_of(titles), titles, None, lambda index, enough: load_image(content(index), enough))


def main() -> None:
    """Run the pass and print the memory on the way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="bundled")
    parser.add_argument("--layer", default="stage5.relu1")
    parser.add_argument(
        "--size", type=int, default=32, help="side of the pictures for the network: small ones are quick"
    )
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 5000, 20_000])
    parser.add_argument("--folder")
    parser.add_argument("--parquet", nargs="+")
    options = parser.parse_args()
    if options.folder:
        pictures = open_dataset(f"folder:{options.folder}")
    else:
        pictures = parquet(options.parquet) if options.parquet else made(max(options.counts))
    network = models.load(options.network)
    empty = {options.layer: Record.empty(KEPT, network.layer(options.layer).shape[0])}
    begin, left = time.perf_counter(), sorted(options.counts)
    for records in record(network, pictures, options.size, BATCH, min(left[-1], len(pictures)), empty):
        seen = records[options.layer].seen
        if left and seen >= left[0]:
            rate = seen / (time.perf_counter() - begin)
            kept = sum(array.nbytes for array in records[options.layer].to_arrays().values()) / 2**20
            print(
                f"{seen:6} pictures: {resident():7.1f} MiB, of it the record {kept:.2f} MiB; {rate:.0f} pictures/s",
                flush=True,
            )
            left.pop(0)


if __name__ == "__main__":
    main()
