"""The film of a run: never more than so many frames and bytes, evenly spread over it however long it becomes."""

import dataclasses
import functools
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from viz_core.technique import Run, Sent, Technique

Kind = TypeVar("Kind", bound=Technique)

MOST_FRAMES = 200
MOST_BYTES = 64 * 2**20


class Tape:
    """Keeps every frame at first; whenever it is full it lets every second one go and keeps half as many from then on."""

    def __init__(self, most: int = MOST_FRAMES, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._every, self._seen = 1, 0
        self._frames: list[np.ndarray] = []

    def add(self, frame: np.ndarray) -> None:
        """Show the tape the next frame (H, W, 3) uint8."""
        if self._seen % self._every == 0:
            if len(self._frames) >= min(self._most, max(2, self._most_bytes // frame.nbytes)):
                self._frames = self._frames[::2]
                self._every *= 2
            if self._seen % self._every == 0:
                self._frames.append(frame)
        self._seen += 1

    @property
    def frames(self) -> tuple[np.ndarray, ...]:
        """What is kept, first to last."""
        return tuple(self._frames)


def taped(run: Callable[[Kind], Run]) -> Callable[[Kind], Run]:
    """A technique's `run` with the previews of its steps as the frames of its result."""

    @functools.wraps(run)
    def filmed(technique: Kind) -> Run:
        tape, going = Tape(), run(technique)
        sent: Sent = None
        while True:
            try:
                step = going.send(sent)
            except StopIteration as end:
                return dataclasses.replace(end.value, frames=tape.frames)
            if step.preview is not None:
                tape.add(step.preview)
            sent = yield step

    return filmed
