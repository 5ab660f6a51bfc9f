"""Results that are there before the first visitor: the rooms' default runs, computed while nobody needs the device."""

import logging
import threading
from collections.abc import Callable, Iterable

from viz_core.errors import ConvscopeError
from viz_core.result_cache import ResultCache
from viz_core.technique import Technique

log = logging.getLogger(__name__)

PAUSE_S = 0.2  # between two looks whether people are done


class Preparation:
    """Runs techniques one after another on a thread of its own; people's runs always go before it."""

    def __init__(self, techniques: Iterable[Technique], cache: ResultCache, is_busy: Callable[[], bool]) -> None:
        self._techniques = tuple(techniques)
        self._cache = cache
        self._is_busy = is_busy
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name="convscope-prepare")

    def start(self) -> "Preparation":
        """Begin."""
        self._thread.start()
        return self

    def join(self, patience_s: float | None = None) -> None:
        """Wait until everything is prepared."""
        self._thread.join(patience_s)

    def close(self, patience_s: float = 5.0) -> None:
        """End after the present step."""
        self._closing.set()
        self._thread.join(patience_s)

    def _work(self) -> None:
        for technique in self._techniques:
            try:
                self._prepare(technique)
            except ConvscopeError as problem:
                log.info("%s was not prepared: %s", technique.slug, problem)
            except Exception:
                log.exception("%s was not prepared", technique.slug)
            if self._closing.is_set():
                return

    def _prepare(self, technique: Technique) -> None:
        digest = technique.recipe().digest
        if self._cache.get(digest) is not None:
            return
        run = technique.run()
        while not self._closing.is_set():
            if self._is_busy():
                self._closing.wait(PAUSE_S)
                continue
            try:
                next(run)
            except StopIteration as end:
                self._cache.put(digest, end.value)
                return
        run.close()
