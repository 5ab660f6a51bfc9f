"""Files of learnt weights: fetched once, in parts if need be, checked, and only then put where they are loaded from."""

import errno
import hashlib
import http.client
import os
import pickle
import re
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlparse

import safetensors.torch
import torch
from torch import Tensor

from viz_core.errors import ConvscopeError

try:
    import fcntl
except ImportError:  # not on Windows: there two processes should not fetch the same file at the same time
    fcntl = None  # type: ignore[assignment]

Progress = Callable[[int, int], None]
MEGABYTE = 1_000_000
CHUNK = 256 * 1024
ATTEMPTS = 3
TIMEOUT_S = 20

_fetching: dict[Path, threading.Lock] = {}


def local_path(url: str) -> Path:
    """Where the file of this address is kept: TORCH_HOME/hub/checkpoints, as torch does."""
    return Path(torch.hub.get_dir()) / "checkpoints" / _file_name(url)


def is_here(url: str) -> bool:
    """Whether the file of this address is on the disk: asked about the whole catalogue in every run of a page."""
    return os.path.exists(f"{torch.hub.get_dir()}/checkpoints/{_file_name(url)}")


@lru_cache(maxsize=1024)
def _file_name(url: str) -> str:
    return Path(urlparse(url).path).name


def fetch(url: str, progress: Progress | None = None) -> Path:
    """The local file of an address, fetched if it is not here or is damaged.

    `progress(done, total)` hears of every piece, in bytes; an exception it raises ends the fetching. What has come stays
    beside the target as `.part` and is gone on with next time. The target appears in one move, after its SHA-256 fits the
    digits in its name. Raises ConvscopeError: no network, an unfinished transfer, wrong contents, a full or closed disk.
    """
    path = local_path(url)
    with _fetching.setdefault(path, threading.Lock()):
        if path.exists() and _fits_name(path, path.name):
            return path
        with _in_a_sentence(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(path.name + ".part")
            with part.open("ab") as file, _alone(file):
                _download(url, file, progress)
            if not _fits_name(part, path.name):
                part.unlink()
                raise ConvscopeError("model_errors.wrong_hash", file=path.name)
            part.replace(path)
    return path


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.safetensors` or `.pth` file by name, on the CPU; nothing in the file is executed.

    Raises ConvscopeError if the file is damaged or holds more than tensors.
    """
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ConvscopeError("model_errors.not_only_weights", path=path) from error
    except (safetensors.SafetensorError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise ConvscopeError("model_errors.not_weights", path=path) from error


def _fits_name(path: Path, name: str) -> bool:
    """Whether the file's SHA-256 starts with the digits in its name; names without digits fit anything."""
    digits = re.search(r"-([0-9a-f]{8,})\.", name)
    if digits is None:
        return True
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest().startswith(digits.group(1))


def _download(url: str, file: BinaryIO, progress: Progress | None) -> None:
    """Append to the file until it is whole; a transfer that breaks off goes on where it stopped, a few times."""
    for attempt in range(ATTEMPTS):
        try:
            total = _download_rest(url, file, progress)
        except (http.client.HTTPException, TimeoutError, ConnectionError):
            if attempt + 1 == ATTEMPTS:
                break
            continue
        if total is None or file.tell() >= total:
            return
    raise ConvscopeError("model_errors.interrupted", file=Path(file.name).stem, done=round(file.tell() / MEGABYTE))


def _download_rest(url: str, file: BinaryIO, progress: Progress | None) -> int | None:
    """Ask for what is missing and append it; the size of the whole in bytes, where the server tells it."""
    have = file.seek(0, os.SEEK_END)
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            return have
        raise
    with response:
        if have and response.status != http.client.PARTIAL_CONTENT:
            file.truncate(0)
            have = 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        if total is not None and shutil.disk_usage(Path(file.name).parent).free < total - have:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        while piece := response.read(CHUNK):
            file.write(piece)
            have += len(piece)
            if progress is not None:
                progress(have, total or 0)
        file.flush()
    return total


@contextmanager
def _alone(file: BinaryIO) -> Iterator[None]:
    """Other processes that fetch the same file wait here."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX)
    yield


@contextmanager
def _in_a_sentence(path: Path) -> Iterator[None]:
    """Tell what went wrong in one sentence."""

    def told(key: str, **values: Any) -> ConvscopeError:
        return ConvscopeError(f"model_errors.{key}", file=path.name, folder=path.parent, **values)

    try:
        yield
    except urllib.error.HTTPError as error:
        raise told("refused", code=error.code) from error
    except urllib.error.URLError as error:
        raise told("no_network") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise told("disk_full") from error
        raise told("cannot_write", reason=error.strerror or error) from error
