"""Finished results by the digest of their recipe, so that coming back to a page is instant."""

import threading
from collections import OrderedDict
from functools import cache

from viz_core.technique import Result

MAX_BYTES = 512 * 2**20


class ResultCache:
    """Results by digest within a bound in bytes; the one not asked for longest leaves first. Safe from any thread."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._results: OrderedDict[str, Result] = OrderedDict()
        self._nbytes = 0

    @property
    def nbytes(self) -> int:
        """Memory held by the results, in bytes."""
        return self._nbytes

    def __len__(self) -> int:
        return len(self._results)

    def get(self, digest: str) -> Result | None:
        """The result of this recipe digest, if it is still held."""
        with self._lock:
            if digest in self._results:
                self._results.move_to_end(digest)
            return self._results.get(digest)

    def put(self, digest: str, result: Result) -> None:
        """Hold a result; one that alone exceeds the bound is not held."""
        with self._lock:
            self._drop(digest)
            if result.nbytes > self._max_bytes:
                return
            self._results[digest] = result
            self._nbytes += result.nbytes
            while self._nbytes > self._max_bytes:
                self._drop(next(iter(self._results)))

    def newest(self, technique: str, **parameters: object) -> Result | None:
        """The result asked for last among those of a technique with these parameters."""
        with self._lock:
            for result in reversed(self._results.values()):
                recipe = result.recipe
                if recipe.technique == technique and parameters.items() <= recipe.parameters.items():
                    return result
            return None

    def drop(self, digest: str) -> None:
        """Forget a result, if it is held."""
        with self._lock:
            self._drop(digest)

    def _drop(self, digest: str) -> None:
        result = self._results.pop(digest, None)
        if result is not None:
            self._nbytes -= result.nbytes


@cache
def results() -> ResultCache:
    """The cache all pages of this process share."""
    return ResultCache()
