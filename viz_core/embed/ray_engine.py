"""Describing a folder on many machines: files are read, decoded and described by the workers of a Ray cluster.

The callable is the one that describes pictures here, and the records land in the same store. Moritz et al., 2018.
"""

import hashlib
import logging
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from viz_core.embed.features import LOOK, Describer, shelves
from viz_core.embed.store import key_of
from viz_core.errors import ConvscopeError
from viz_core.images.datasets import FOLDER
from viz_core.images.folder_set import SUFFIXES
from viz_core.images.intake import load_image
from viz_core.images.picture_set import PictureSet, square, stacked
from viz_core.models import load

BATCH = 32
CLIENT = "ray://"  # Ray's own data sets cannot be computed through its client
ROOT = Path(__file__).resolve().parents[2]  # of the code and of what ships with it


class Describe:
    """What each worker does: bytes of files to records, as one row of bytes for each picture."""

    def __init__(self, model: str, layers: Sequence[str], size: int, flat: bool) -> None:
        self._describing, self._size = Describer(load(model), layers, flat), size

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, list]:
        """Pictures that cannot be decoded come back with their sentence and without records."""
        good: list[tuple[bytes, np.ndarray]] = []
        problems: list[tuple[str, str]] = []
        for path, content in zip(batch["path"], batch["bytes"], strict=True):
            try:
                pixels = square(load_image(content, self._size).pixels, self._size)
                digest = hashlib.blake2b(content).hexdigest()[:32]
                good.append((key_of(digest), pixels))
            except ConvscopeError as problem:
                problems.append((str(path), str(problem)))
        rows: dict[str, list] = {name: [] for name in (LOOK, *self._describing.layers, "path", "problem")}
        if good:
            keys, pictures = zip(*good, strict=True)
            records = self._describing(keys, stacked(pictures))
            for name, values in records.items():
                rows[name] += [value.tobytes() for value in values]
            rows["path"] += [""] * len(good)
            rows["problem"] += [""] * len(good)
        for path, told in problems:
            for name in (LOOK, *self._describing.layers):
                rows[name].append(b"")
            rows["path"].append(path)
            rows["problem"].append(told)
        return rows


def describe_on_ray(
    data: str, model: str, layers: Sequence[str], size: int, flat: bool, address: str | None, workers: int
) -> Generator[tuple[int, int], None, list[tuple[str, str]]]:
    """Describe a folder or `s3://...` on a cluster; yields (done, total), returns the paths that could not be read and why.

    `address` is the cluster's, None for one on this machine, whose workers are `workers` processes.
    """
    try:
        import ray
    except ImportError as error:
        raise ConvscopeError("embed_errors.no_ray") from error
    if address is not None and address.startswith(CLIENT):
        raise ConvscopeError("embed_errors.ray_client", address=address)
    network = load(model)
    whole = PictureSet(FOLDER + data if "://" not in data else data, "", (), None, _not_read)
    places = shelves(network, whole, layers, size, flat)
    if not ray.is_initialized():
        try:
            _join(address, workers)
        except (ConnectionError, OSError, RuntimeError, ValueError) as error:
            raise ConvscopeError("embed_errors.no_cluster", address=address) from error
    ray.data.DataContext.get_current().enable_progress_bars = False
    suffixes = [suffix.removeprefix(".") for suffix in sorted(SUFFIXES)]
    try:
        files = ray.data.read_binary_files(
            data, include_paths=True, file_extensions=suffixes, override_num_blocks=2 * workers
        )
        total = files.count()
    except Exception as error:  # file systems, credentials and empty folders each raise their own
        raise ConvscopeError("embed_errors.no_data", data=data) from error
    described = files.map_batches(
        Describe,
        fn_constructor_args=(model, tuple(layers), size, flat),
        batch_size=BATCH,
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=1,
        batch_format="numpy",
    )
    done, unread = 0, []
    yield done, total
    for batch in until_lost(described.iter_batches(batch_size=BATCH, batch_format="numpy")):
        unread += [(path, told) for path, told in zip(batch["path"], batch["problem"], strict=True) if told]
        for name, shelf in places.items():
            rows = np.frombuffer(b"".join(batch[name]), shelf.kind)
            known = shelf.places()
            new = np.array([row["key"].tobytes() not in known for row in rows], bool)
            if new.any():
                shelf.add(rows[new])
        done += len(batch["path"])
        yield done, total
    return unread


def until_lost(batches: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The batches; ConvscopeError where the cluster fails in the middle. What it had described stays described."""
    from ray.exceptions import RayError

    try:
        yield from batches
    except RayError as error:
        raise ConvscopeError("embed_errors.cluster_lost", reason=str(error).strip().splitlines()[-1]) from error


def _join(address: str | None, workers: int) -> None:
    """Join a cluster, sending it this code, or open one on this machine with a processor for reading beside the workers'."""
    import ray

    logging.getLogger("ray.data").setLevel(logging.WARNING)
    quiet: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.WARNING}
    if address is None:
        ray.init(num_cpus=workers + 1, runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}}, **quiet)
    else:
        code = {"working_dir": str(ROOT), "excludes": [".git", ".venv", "tests"]}
        ray.init(address=address, runtime_env=code, **quiet)


def _not_read(index: int, enough: int) -> Any:
    raise AssertionError("the workers read the pictures")
