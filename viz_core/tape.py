"""The film of a run: never more than so many frames and bytes, evenly spread over it however long it becomes."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from viz_core.images.render import resize
from viz_core.technique import Run, Sent, Technique

Kind = TypeVar("Kind", bound=Technique)

MOST_FRAMES = 200
MOST_BYTES = 64 * 2**20
LONGEST_SIDE = 768  # of a film's frames, pixels
FILM_BYTES = 24 * 2**20  # of a film that is only to be looked at
WHITE = 255


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


def one_size(frames: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Frames (H, W, 3) uint8 of which some are sheets that grew: all as large as the largest, white where they ended.

    Those are made smaller by one factor where the largest has more than 768 pixels a side.
    """
    largest = max((max(frame.shape[:2]) for frame in frames), default=1)
    scaled = [_scaled(frame, min(1.0, LONGEST_SIDE / largest)) for frame in frames]
    height, width = (max((frame.shape[axis] for frame in scaled), default=0) for axis in (0, 1))
    return tuple(_on_sheet(frame, height, width) for frame in scaled)


def _scaled(frame: np.ndarray, factor: float) -> np.ndarray:
    height, width = (max(1, round(side * factor)) for side in frame.shape[:2])
    return frame if factor == 1.0 else resize(frame, (height, width))


def _on_sheet(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    below, beside = height - frame.shape[0], width - frame.shape[1]
    return np.pad(frame, ((0, below), (0, beside), (0, 0)), constant_values=WHITE) if below or beside else frame


def taped(run: Callable[[Kind], Run]) -> Callable[[Kind], Run]:
    """A technique's `run` with the previews of its steps as the frames of its result."""

    @functools.wraps(run)
    def filmed(technique: Kind) -> Run:
        tape, going = Tape(most_bytes=FILM_BYTES), run(technique)
        sent: Sent = None
        while True:
            try:
                step = going.send(sent)
            except StopIteration as end:
                return dataclasses.replace(end.value, frames=one_size(tape.frames))
            if step.preview is not None:
                tape.add(step.preview)
            sent = yield step

    return filmed
