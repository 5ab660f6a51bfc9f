"""Leaving a long step in the middle: who runs it says whether it is still wanted, who computes it asks between its parts."""

import contextlib
import threading
from collections.abc import Callable, Iterator

_here = threading.local()


class UnwantedError(Exception):
    """Nobody waits for the step any more; what was there before it is what counts."""


@contextlib.contextmanager
def watched(is_unwanted: Callable[[], bool]) -> Iterator[None]:
    """Have `check` in this thread ask so within the `with`."""
    _here.is_unwanted = is_unwanted
    try:
        yield
    finally:
        del _here.is_unwanted


def check() -> None:
    """Raise UnwantedError where somebody watches this thread and no longer wants its step."""
    if getattr(_here, "is_unwanted", bool)():
        raise UnwantedError
