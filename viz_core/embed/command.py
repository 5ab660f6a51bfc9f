"""`python -m viz_core embed`: describe a set ahead of time, here or on a cluster, and put the vectors into a data base."""

import argparse
import sys
from collections.abc import Generator
from typing import Any, TypeVar

from tqdm import tqdm

from viz_core.embed.features import default_layer, default_size, extract
from viz_core.embed.milvus import MilvusStore, address
from viz_core.embed.ray_engine import describe_on_ray
from viz_core.embed.store import key_of
from viz_core.images.datasets import BUILTIN, FOLDER, TORCHVISION, open_dataset
from viz_core.models import load

T = TypeVar("T")


def add_options(command: argparse.ArgumentParser) -> None:
    """What the command asks for."""
    command.add_argument("--data", required=True, help="a folder, s3://..., builtin or torchvision:<name>")
    command.add_argument("--model", default="bundled", help="network (default: bundled)")
    command.add_argument("--layer", help="layer (default: the last before the classes)")
    command.add_argument("--flat", action="store_true", help="keep every position of the layer's maps, not their mean")
    command.add_argument("--size", type=int, help="side of the pictures, pixels (default: half the network's own)")
    command.add_argument("--engine", choices=("local", "ray"), default="local", help="who computes (default: local)")
    command.add_argument("--address", help="of the Ray cluster (default: one on this machine)")
    command.add_argument("--workers", type=int, default=2, help="workers of the cluster (default: 2)")
    command.add_argument(
        "--milvus", default=address(), help="address of a Milvus data base (default: CONVSCOPE_MILVUS)"
    )


def embed(given: argparse.Namespace) -> None:
    """Describe the set and say what became of it; raises ConvscopeError for what cannot be."""
    network = load(given.model)
    layer = network.resolve_layer(given.layer or default_layer(network))
    size = given.size or default_size(network)
    if given.engine == "ray":
        unread = watched(
            describe_on_ray(given.data, given.model, [layer], size, given.flat, given.address, given.workers)
        )
        for path, told in unread:
            print(f"{path}: {told}", file=sys.stderr)
        if "://" in given.data:
            return
    ref = given.data if given.data == BUILTIN or given.data.startswith(TORCHVISION) else FOLDER + given.data
    pictures = open_dataset(ref)
    features = watched(extract(network, pictures, [layer], size, given.flat))[layer]
    if given.engine == "local":
        for one in pictures.skipped:
            print(f"{one.title}: {one.reason}", file=sys.stderr)
    print(f"{len(features.pictures)} pictures, {features.values.shape[1]} numbers of {layer}")
    if given.milvus:
        every = ("flat",) if given.flat else ()
        store = MilvusStore(given.milvus, features.values.shape[1], network.digest, layer, size, pictures.name, *every)
        added = store.add([key_of(pictures.member_digest(int(at))) for at in features.pictures], features.values)
        print(f"{added} vectors added to {store.collection} at {given.milvus}")
        store.close()


def watched(passing: Generator[tuple[Any, ...], None, T]) -> T:
    """What a pass returns, with a bar on a terminal; an interrupt ends it, and what is described stays described."""
    with tqdm(disable=not sys.stderr.isatty(), leave=False) as bar:
        while True:
            try:
                done, bar.total, *_ = next(passing)
            except StopIteration as end:
                return end.value
            except KeyboardInterrupt:
                raise SystemExit(130) from None
            bar.update(done - bar.n)
