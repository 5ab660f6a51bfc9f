"""torchvision's data sets of pictures by name, downloaded on first use with progress; complete or not there at all."""

import errno
import os
import shutil
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from viz_core.errors import ConvscopeError
from viz_core.images.intake import Picture
from viz_core.images.picture_set import PictureSet, digest_of

MEGABYTE = 2**20
UNPACKED = 3  # room for the archive and its contents, in sizes of the archive
TIMEOUT_S = 10
POLL_S = 0.25


@dataclass(frozen=True)
class Source:
    """A class of torchvision.datasets, what to ask it for, the size of its download, and a server that must answer."""

    kind: str
    arguments: dict[str, Any]
    megabytes: int
    server: str


SOURCES: dict[str, Source] = {
    "cifar10": Source("CIFAR10", {"train": False}, 163, "https://www.cs.toronto.edu/"),
    "cifar100": Source("CIFAR100", {"train": False}, 161, "https://www.cs.toronto.edu/"),
    "stl10": Source("STL10", {"split": "test"}, 2517, "http://ai.stanford.edu/"),
    "imagenette": Source("Imagenette", {"split": "val", "size": "320px"}, 326, "https://s3.amazonaws.com/"),
    "caltech101": Source("Caltech101", {}, 131, "https://data.caltech.edu/"),
    "flowers102": Source("Flowers102", {"split": "val"}, 330, "https://thor.robots.ox.ac.uk/"),
    "pets": Source("OxfordIIITPet", {"split": "test"}, 773, "https://thor.robots.ox.ac.uk/"),
    "textures": Source("DTD", {"split": "val"}, 596, "https://thor.robots.ox.ac.uk/"),
    "svhn": Source("SVHN", {"split": "test"}, 61, "http://ufldl.stanford.edu/"),
    "mnist": Source("MNIST", {"train": False}, 12, "https://ossci-datasets.s3.amazonaws.com/"),
    "fashion-mnist": Source(
        "FashionMNIST", {"train": False}, 30, "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
    ),
}

_fetching: dict[str, Future[None]] = {}
_lock = threading.Lock()


def is_here(name: str) -> bool:
    """Whether the set is already on this computer."""
    return _folder(name).is_dir()


def download(name: str) -> Iterator[tuple[int, int]]:
    """Fetch a set if it is not here, yielding (bytes so far, bytes in all) a few times a second.

    Everyone who asks for the same set watches one transfer, and it goes on when they leave. The set appears in one move
    when it is complete. Raises ConvscopeError: unknown name, no network, no room, files that are not as expected.
    """
    source = _source(name)
    if is_here(name):
        return
    total = source.megabytes * MEGABYTE
    fetching = _fetch_once(name, source)
    done = 0
    while not fetching.done():
        done = max(done, min(_bytes_so_far(name), total))  # nothing is left to count once the set has moved
        yield done, total
        try:
            fetching.result(timeout=POLL_S)
        except NotYet:
            continue
        except ConvscopeError:
            break
    fetching.result()
    yield total, total


def torchvision_set(name: str) -> PictureSet:
    """The set of this name, fetched first if it is not here; raises what `download` raises."""
    for _ in download(name):
        pass
    return _opened(name)


@cache
def _opened(name: str) -> PictureSet:
    source = _source(name)
    try:
        pictures = _dataset(source, _folder(name), download=False)
    except Exception as error:  # a set that lost some of its files: each class complains in its own way
        raise ConvscopeError("dataset_errors.set_damaged", name=name, folder=_folder(name)) from error
    numbers = _class_numbers(pictures)
    classes = _class_names(pictures, numbers)
    return PictureSet(
        name=name,
        digest=digest_of([source.kind, str(sorted(source.arguments.items())), *map(str, numbers)]),
        titles=tuple(f"{classes[number]} {index}" for index, number in enumerate(numbers)),
        label_of=tuple(classes[number] for number in numbers),
        load=lambda index, _: _picture(name, pictures, index),
    )


def _source(name: str) -> Source:
    if name not in SOURCES:
        raise ConvscopeError("dataset_errors.unknown_set", name=name, known=", ".join(SOURCES))
    return SOURCES[name]


def _home() -> Path:
    """Beside torch's own downloads: TORCH_HOME/datasets."""
    return Path(torch.hub.get_dir()).parent / "datasets"


def _folder(name: str) -> Path:
    return _home() / name


def _dataset(source: Source, root: Path, download: bool) -> Any:
    from viz_core.models.torchvision_guard import guard

    guard()
    from torchvision import datasets

    return getattr(datasets, source.kind)(str(root), **source.arguments, download=download)


def _fetch_once(name: str, source: Source) -> Future[None]:
    """The transfer of this set that is under way, or a new one in a thread of its own."""
    with _lock:
        fetching = _fetching.get(name)
        if fetching is None or fetching.done():
            fetching = _fetching[name] = Future()
            threading.Thread(target=_fetch, args=(name, source, fetching), daemon=True).start()
        return fetching


def _fetch(name: str, source: Source, outcome: Future[None]) -> None:
    try:
        _check_network(name, source.server)
        _home().mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(_home()).free < UNPACKED * source.megabytes * MEGABYTE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with tempfile.TemporaryDirectory(prefix=f"{name}.part-", dir=_home(), ignore_cleanup_errors=True) as part:
            _dataset(source, Path(part), download=True)
            Path(part).rename(_folder(name))
    except Exception as error:  # torchvision raises RuntimeError, URLError, OSError, tar and zip errors
        outcome.set_exception(_sentence(name, source, error))
    else:
        outcome.set_result(None)


def _check_network(name: str, server: str) -> None:
    """Ask the server for a sign of life, because torchvision itself would wait for minutes."""
    request = urllib.request.Request(server, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=TIMEOUT_S).close()
    except urllib.error.HTTPError:
        return  # it answered
    except OSError as error:
        raise ConvscopeError("dataset_errors.no_network", name=name) from error


def _sentence(name: str, source: Source, error: Exception) -> ConvscopeError:
    if isinstance(error, ConvscopeError):
        return error
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        needed = UNPACKED * source.megabytes
        return ConvscopeError("dataset_errors.no_room", name=name, megabytes=needed, folder=_home())
    if isinstance(error, PermissionError):
        return ConvscopeError("dataset_errors.cannot_write", name=name, folder=_home())
    return ConvscopeError("dataset_errors.download_failed", name=name)


def _bytes_so_far(name: str) -> int:
    parts = _home().glob(f"{name}.part-*")
    return sum(_size(f"{folder}/{file}") for part in parts for folder, _, files in os.walk(part) for file in files)


def _size(file: str) -> int:
    try:
        return os.path.getsize(file)
    except OSError:  # moved or removed while we looked
        return 0


def _class_numbers(pictures: Any) -> list[int]:
    """The class of every picture, where torchvision's sets keep it: each of them calls it something else."""
    for attribute in ("targets", "labels", "_labels", "y"):
        if hasattr(pictures, attribute):
            return [int(number) for number in getattr(pictures, attribute)]
    return [int(number) for _, number in pictures._samples]


def _class_names(pictures: Any, numbers: list[int]) -> list[str]:
    for attribute in ("classes", "categories"):
        if hasattr(pictures, attribute):
            names = getattr(pictures, attribute)
            return [name if isinstance(name, str) else name[0] for name in names]  # Imagenette gives synonyms
    return [str(number) for number in range(max(numbers) + 1)]


def _picture(name: str, pictures: Any, index: int) -> Picture:
    try:
        image = pictures[index][0]
        return Picture(np.asarray(image.convert("RGB")))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ConvscopeError("dataset_errors.set_damaged", name=name, folder=_folder(name)) from error
