"""The embedding side in numbers: describing, searching, mapping, and precision at five against pixels.

    python tests/benchmarks/bench_embed.py --part throughput|precision|index|map|engines [--data FOLDER] [--count N]

`--data` is a folder of Tiny-ImageNet's parquet files; without it random pictures and vectors stand in, except for precision.
Throughput: files read, decoded, described and stored (`--folder` of pictures, else such a folder is made), against bare forward
passes over the same pictures, decoded before, in turns: plain, as (N, 3, H, W) in memory, and in the faster layout with the
colours of a pixel beside each other, which extraction uses. Processor time is least disturbed by others. Engines: the neighbours
found here, by a Ray cluster of two workers, and by a Milvus server.
Index: recall at ten of the graph on clustered vectors against exact search. Map: seconds to the first map and between two
frames of t-SNE.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from PIL import Image

from tests.serving import milvus
from viz_core import models
from viz_core.embed.features import BATCH, Looks, default_layer, extract, pixel_vectors
from viz_core.embed.index import ExactIndex, build_graph
from viz_core.embed.mosaic import scattered
from viz_core.embed.projection import Arranging, chunk, plane
from viz_core.embed.search import neighbour_graph, precision
from viz_core.images.datasets import open_dataset
from viz_core.images.intake import Picture
from viz_core.images.picture_set import PictureSet
from viz_core.models.tiny_imagenet import load_split

SIDE = 64
T = TypeVar("T")


def drained(passing):
    """What a generator returns."""
    while True:
        try:
            next(passing)
        except StopIteration as end:
            return end.value


def pictures_of(options: argparse.Namespace, split: str) -> PictureSet:
    """Pictures of Tiny-ImageNet spread evenly over a split, or random ones."""
    if options.data is None:
        pixels = np.random.default_rng(0).integers(0, 255, (options.count, SIDE, SIDE, 3), np.uint8)
        labels = [str(number % 200) for number in range(options.count)]
    else:
        known = load_split(options.data, split, Path(tempfile.gettempdir()) / "convscope-bench")
        chosen = np.linspace(0, len(known) - 1, min(options.count, len(known))).astype(int)
        pixels = known.images[chosen].numpy().transpose(0, 2, 3, 1)
        labels = [str(int(label)) for label in known.labels[chosen]]
    held = [Picture(one) for one in pixels]
    titles = tuple(map(str, range(len(held))))
    digests = tuple(picture.digest for picture in held)
    return PictureSet("bench", digests[0], titles, tuple(labels), lambda index, _: held[index], members=digests)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Processor and wall seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.process_time() - processor, time.perf_counter() - wall


def throughput(options: argparse.Namespace) -> None:
    """Extraction against bare passes; a fresh store for every round."""
    with tempfile.TemporaryDirectory() as made:
        compare(options, options.folder or written(pictures_of(options, "train-0"), Path(made), "jpg"))


def written(pictures: PictureSet, folder: Path, kind: str) -> Path:
    """The pictures as files."""
    for place in range(len(pictures)):
        Image.fromarray(pictures.read(place).pixels).save(folder / f"{place:05}.{kind}", quality=90)
    return folder


def compare(options: argparse.Namespace, folder: Path) -> None:
    """Extraction from a folder against bare passes."""
    network, pictures = models.load(options.network), open_dataset(f"folder:{folder}")
    layer = default_layer(network)
    fast = [x for _, x in pictures.batches(SIDE, BATCH[0])]  # in the layout that extraction uses
    plain = [x.contiguous() for x in fast]

    def forward(decoded: list[torch.Tensor]) -> None:
        with torch.inference_mode():
            for x in decoded:
                network(x)

    def extracting() -> None:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["CONVSCOPE_CACHE"] = folder
            drained(extract(network, pictures, [layer], SIDE))

    with torch.inference_mode():
        network(fast[0])
    runs: dict[str, list[tuple[float, float]]] = {"plain": [], "fast": [], "extract": []}
    for _ in range(options.rounds):
        for name, work in (
            ("plain", partial(forward, plain)),
            ("fast", partial(forward, fast)),
            ("extract", extracting),
        ):
            runs[name].append(timed(work))
    for at, name in enumerate(("processor", "wall")):
        rate = {kind: len(pictures) / statistics.median(run[at] for run in kept) for kind, kept in runs.items()}
        told = ", ".join(
            f"{rate['extract'] / rate[kind]:.0%} of {kind} ({rate[kind]:.1f})" for kind in ("plain", "fast")
        )
        print(f"{name:9} {rate['extract']:.1f} extracted pictures/s: {told}")


def described(options: argparse.Namespace, split: str):
    """The features and labels of a split."""
    network, pictures = models.load(options.network), pictures_of(options, split)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CONVSCOPE_CACHE"] = folder
        features = drained(extract(network, pictures, [default_layer(network)], SIDE))[default_layer(network)]
        looks = Looks(*map(np.array, (features.looks.pixels, features.looks.classes, features.looks.confidence)))
        return np.array(features.values), looks, pictures.label_of


def precise(options: argparse.Namespace) -> None:
    """Precision at five in both spaces."""
    values, looks, labels = described(options, "val")
    features, pixels = (float(precision(5, space, labels)[4]) for space in (values, pixel_vectors(looks)))
    print(
        f"{len(values)} pictures, precision at 5: features {features:.4f}, pixels {pixels:.4f}, {features / pixels:.1f}x"
    )


def index(options: argparse.Namespace) -> None:
    """Recall at ten and milliseconds of one query, graph against exact."""
    numbers = np.random.default_rng(0)
    middles = numbers.normal(size=(200, 512))
    kinds = {
        "clustered": middles[numbers.integers(200, size=options.count)] + numbers.normal(size=(options.count, 512))
    }
    kinds["low rank"] = numbers.normal(size=(options.count, 24)) @ numbers.normal(size=(24, 512))
    for name, drawn in kinds.items():
        vectors = drawn.astype(np.float32)
        queries = vectors[:: options.count // 200] + 0.05 * numbers.normal(size=512).astype(np.float32)
        graph, building = returned(lambda vectors=vectors: drained(build_graph(vectors)))
        answers, spent = {}, {}
        for kind, searched in (("exact", ExactIndex(vectors.astype(np.float16))), ("graph", graph)):
            answers[kind], seconds = returned(
                lambda at=searched, asked=queries: [set(at.nearest(query, 10)[0]) for query in asked]
            )
            spent[kind] = f"{kind} {1e3 * seconds / len(queries):.2f} ms"
        recall = np.mean([len(one & other) / 10 for one, other in zip(answers["exact"], answers["graph"], strict=True)])
        told = f"{len(vectors)} x 512, built in {building:.1f} s, recall@10 {recall:.4f}"
        print(f"{name}: {told}; a query: {', '.join(spent.values())} (processor time)")


def returned(work: Callable[[], T]) -> tuple[T, float]:
    """What some work returns and its processor seconds."""
    started = time.process_time()
    return work(), time.process_time() - started


def mapping(options: argparse.Namespace) -> None:
    """Seconds to the first map after the features, of the graph, and between two frames."""
    if options.data is None:
        numbers = np.random.default_rng(0)
        middles = numbers.normal(size=(200, 512))
        values = (
            middles[numbers.integers(200, size=options.count)] + numbers.normal(size=(options.count, 512))
        ).astype("f2")
        pixels = numbers.integers(0, 255, (options.count, 32, 32, 3), np.uint8)
    else:
        values, looks, _ = described(options, "train-0")
        pixels = looks.pixels
    tiles, sheets = pixels[:, ::2, ::2], []
    first = timed(lambda: sheets.append(scattered(plane(values), tiles, 640)))
    graphs: list = []
    graph = timed(lambda: graphs.append(neighbour_graph(values, 90)))
    print(f"first map {first[1]:.2f} s wall ({first[0]:.2f} processor), graph {graph[1]:.2f} s ({graph[0]:.2f})")
    moving = iter(Arranging(graphs[0], plane(values), 30, 12, 300))
    frames = [timed(lambda: scattered(next(moving), tiles, 640)) for _ in range(10)]
    wall, processor = (statistics.median(frame[at] for frame in frames) for at in (1, 0))
    print(
        f"{len(values)} points, {chunk(len(values))} steps a frame: a frame every {wall:.2f} s wall ({processor:.2f} processor)"
    )


def engines(options: argparse.Namespace) -> None:
    """The ten neighbours of each picture of a folder: described and searched here, by a Ray cluster, and by Milvus."""
    from viz_core.embed.milvus import MilvusStore
    from viz_core.embed.ray_engine import describe_on_ray

    network, layer = models.load(options.network), default_layer(models.load(options.network))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "set").mkdir()
        where = written(pictures_of(options, "val"), folder / "set", "png")
        pictures, graphs = open_dataset(f"folder:{where}"), {}
        for engine in ("here", "Ray"):
            os.environ["CONVSCOPE_CACHE"] = f"{folder}/{engine}"
            started = time.perf_counter()
            if engine == "Ray":
                drained(describe_on_ray(str(where), options.network, [layer], SIDE, False, options.address, 2))
            values = drained(extract(network, pictures, [layer], SIDE))[layer].values
            print(f"{engine}: {len(values)} pictures in {time.perf_counter() - started:.1f} s", flush=True)
            graphs[engine] = neighbour_graph(values, 10)
        with milvus(folder / "milvus") as address:
            started, keys = time.perf_counter(), [number.to_bytes(16, "big") for number in range(len(values))]
            store = MilvusStore(address, values.shape[1], "bench")
            store.add(keys, values)
            answers = [store.nearest(vector, 11) for vector in values]
            found = [[int.from_bytes(key, "big") for key in keys] for keys, _ in answers]
            print(f"Milvus: filled and asked {len(values)} times in {time.perf_counter() - started:.1f} s")
            far = [
                far[np.array(some) != at][:10] for at, (some, (_, far)) in enumerate(zip(found, answers, strict=True))
            ]
            others = [[other for other in some if other != at][:10] for at, some in enumerate(found)]
            graphs["Milvus"] = np.array(others), np.array(far)
            store.close()
    places, apart = graphs.pop("here")
    for engine, (found, far) in graphs.items():
        order = (found == places).all(axis=1).mean()
        members = np.mean([len({*one} & {*other}) / 10 for one, other in zip(places, found, strict=True)])
        off = (np.abs(far - apart) / apart).max()
        print(
            f"{engine}: the same ten in the same order for {order:.2%} of the pictures, {members:.3%} of all neighbours;"
        )
        print(f"  distances differ by {off:.1e} of themselves at most")


def main() -> None:
    """Run one part and print its numbers."""
    parts = {"throughput": throughput, "precision": precise, "index": index, "map": mapping, "engines": engines}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=parts, default="throughput")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--address", help="of a Ray cluster; without it one is opened")
    parser.add_argument("--network", default="bundled")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    parts[options.part](options)


if __name__ == "__main__":
    main()
