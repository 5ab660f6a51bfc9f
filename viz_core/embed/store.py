"""Records of pictures in append-only files: written once, mapped into memory, found by the digest of their picture."""

import contextlib
import fcntl
import hashlib
import json
import os
from pathlib import Path

import numpy as np

from viz_core.cache_folder import cache_folder

FORMAT = 2  # to be raised whenever a record means something else
KEY = np.dtype("V16")
LOOK_SIDE = 32  # of the small picture kept of every picture, pixels


def vector_records(width: int) -> np.dtype:
    """What is kept of a picture for one layer: a vector of `width` numbers in half precision."""
    return np.dtype([("key", KEY), ("vector", "<f2", (width,))])


LOOKS = np.dtype([("key", KEY), ("class", "<i4"), ("confidence", "<f4"), ("pixels", "u1", (LOOK_SIDE, LOOK_SIDE, 3))])


def key_of(digest: str) -> bytes:
    """The sixteen bytes under which the records of a picture are kept."""
    return hashlib.blake2b(digest.encode(), digest_size=16).digest()


class Records:
    """All records of one kind, each beginning with the key of its picture; they are only ever added.

    Several processes may add at once. Half a record at the end, left by a crash or by a full disk, is cut off by the next
    who adds. What cannot be written is held in memory, so that a full disk costs only the keeping.
    """

    def __init__(self, kind: np.dtype, *name: object) -> None:
        self.kind = kind
        digest = hashlib.blake2b(json.dumps([FORMAT, *name]).encode(), digest_size=16).hexdigest()
        self.path: Path = cache_folder() / "features" / f"{digest}.records"
        self._held: list[np.ndarray] = []
        self._places: dict[bytes, int] = {}
        self._counted = 0

    def rows(self) -> np.ndarray:
        """All records, mapped from the file where they lie there."""
        mapped = self._mapped()
        return mapped if not self._held else np.concatenate([mapped, *self._held])

    def places(self) -> dict[bytes, int]:
        """The number of each key's record; those that somebody else has added meanwhile, too."""
        rows = self._mapped() if not self._held else self.rows()
        new, width = np.ascontiguousarray(rows["key"][self._counted :]).tobytes(), KEY.itemsize
        for place in range(self._counted, len(rows)):
            start = (place - self._counted) * width
            self._places.setdefault(new[start : start + width], place)
        self._counted = len(rows)
        return self._places

    def add(self, rows: np.ndarray) -> None:
        """Append records (N,)."""
        if self._held:
            self._held.append(rows)
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "ab", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                whole = os.fstat(file.fileno()).st_size // self.kind.itemsize * self.kind.itemsize
                file.truncate(whole)
                try:
                    left = memoryview(rows.tobytes())
                    while left:
                        left = left[file.write(left) :]
                except OSError:
                    with contextlib.suppress(OSError):
                        file.truncate(whole)
                    raise
        except OSError:
            self._held.append(rows)

    def _mapped(self) -> np.ndarray:
        try:
            count = self.path.stat().st_size // self.kind.itemsize
            if count:
                return np.memmap(self.path, self.kind, mode="r", shape=(count,))
        except OSError:
            pass
        return np.empty(0, self.kind)
