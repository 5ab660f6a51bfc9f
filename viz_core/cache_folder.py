"""Where Convscope keeps files between runs, and the bound on those it could compute again."""

import contextlib
import os
import time
from pathlib import Path

LIMIT = "CONVSCOPE_CACHE_GB"
LIMIT_GB = 10.0
COMPUTED = ("features", "patches")  # what can be computed again; everything else is somebody's own
SPARED_S = 600.0  # how long ago a file must have been used to be removed: nobody's pass may be in the middle of it


def cache_folder() -> Path:
    """The folder CONVSCOPE_CACHE names, or `~/.cache/convscope`."""
    return Path(os.environ.get("CONVSCOPE_CACHE") or Path.home() / ".cache" / "convscope")


def mark_used(path: Path) -> None:
    """Note that a computed file is in use, if it is there."""
    with contextlib.suppress(OSError):
        os.utime(path)


def make_room() -> None:
    """Remove the computed files that were used longest ago until the rest fits into CONVSCOPE_CACHE_GB (10)."""
    files = sorted((used, size, path) for folder in COMPUTED for used, size, path in _files(cache_folder() / folder))
    held, until = sum(size for _, size, _ in files), time.time() - SPARED_S
    for used, size, path in files:
        if held <= limit() or used > until:
            return
        with contextlib.suppress(OSError):
            path.unlink()
            held -= size


def limit() -> float:
    """How much the computed files may take on disk, bytes."""
    try:
        return float(os.environ.get(LIMIT) or LIMIT_GB) * 1e9
    except ValueError:
        return LIMIT_GB * 1e9


def _files(folder: Path) -> list[tuple[float, int, Path]]:
    """When each file of a folder was used last, how large it is, and where it lies."""
    found = []
    for path in folder.glob("*"):
        with contextlib.suppress(OSError):  # somebody else may remove it meanwhile
            facts = path.stat()
            found.append((facts.st_mtime, facts.st_size, path))
    return found
