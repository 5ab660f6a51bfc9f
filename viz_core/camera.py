"""Something to watch for one camera frame after another: the newest frame, the rate, and a frame that stands still."""

import threading
import time
from abc import ABC, abstractmethod

import numpy as np

SMOOTH = 0.9  # of the rate from frame to frame


class Mirror(ABC):
    """Turns frames into pictures to watch.

    One thread calls `draw`; others may set `frozen` and read `frame` and `rate` (frames per second, 0 before the second) at
    any time.
    """

    def __init__(self) -> None:
        self.frame: np.ndarray | None = None
        self.frozen = False
        self.rate = 0.0
        self._lock = threading.Lock()
        self._before: float | None = None

    def draw(self, frame: np.ndarray) -> np.ndarray:
        """The picture (h, w, 3) uint8 for the newest frame (H, W, 3) uint8, or for the one that stands still."""
        with self._lock:
            if self.frame is None or not self.frozen:
                self.frame = np.array(frame)
            drawn = self.picture(self.frame)
            self._count()
            return drawn

    @abstractmethod
    def picture(self, frame: np.ndarray) -> np.ndarray:
        """What there is to watch (h, w, 3) uint8 for a frame (H, W, 3) uint8."""

    def _count(self) -> None:
        now = time.monotonic()
        if self._before is not None:
            newest = 1 / max(1e-6, now - self._before)
            self.rate = newest if self.rate == 0 else SMOOTH * self.rate + (1 - SMOOTH) * newest
        self._before = now
