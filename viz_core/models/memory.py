"""A few networks kept in memory; the one not asked for longest leaves first."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Memory(Generic[T]):
    """At most `capacity` values by key; each is made once, however many threads ask for it at the same time."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of a key, made if missing; what `make` raises is raised, and the next caller tries again."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._values:
                    return self._values[key]
            value = make()
            with self._lock:
                self._values[key] = value
                self._making.pop(key, None)
                while len(self._values) > self.capacity:
                    self._values.popitem(last=False)
            return value

    def keys(self) -> tuple[Hashable, ...]:
        """The keys held now, the one to leave next first."""
        with self._lock:
            return tuple(self._values)


def capacity_from_environment() -> int:
    """How many networks to keep: CONVSCOPE_MODELS, or four."""
    given = os.environ.get("CONVSCOPE_MODELS", "")
    return max(1, int(given)) if given.isdigit() else 4
