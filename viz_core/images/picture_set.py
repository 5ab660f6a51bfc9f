"""A set of pictures as a value: named by its content, read one by one or in batches decoded by several threads."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import islice

import numpy as np
import torch

from viz_core.errors import ConvscopeError
from viz_core.images.intake import KEPT_SIDE, Picture
from viz_core.images.render import resize

Batch = tuple[list[int], torch.Tensor]
TOGETHER = 8  # pictures that a thread decodes in one go: handing over a small one costs as much as decoding it


@dataclass(frozen=True)
class Skipped:
    """A member that is no usable picture: its title, and the sentence that says why."""

    title: str
    reason: ConvscopeError


@dataclass(frozen=True, eq=False)
class PictureSet:
    """Pictures in a fixed order under a content digest, each with a title and perhaps a label.

    `load(index, enough)` decodes one picture, of which a short side of `enough` pixels is needed, and may be called from
    several threads. What cannot be decoded is left out of the batches and listed in `skipped`. `members` are the content
    digests of the single pictures, where they are known.
    """

    name: str
    digest: str
    titles: tuple[str, ...]
    label_of: tuple[str, ...] | None
    load: Callable[[int, int], Picture] = field(repr=False)
    passed_over: tuple[Skipped, ...] = ()
    members: tuple[str, ...] | None = None
    _broken: dict[int, Skipped] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.titles)

    @cached_property
    def labels(self) -> tuple[str, ...] | None:
        """The different labels in alphabetical order, or None where the set has none."""
        return None if self.label_of is None else tuple(sorted(set(self.label_of)))

    def label(self, index: int) -> str | None:
        """The label of one picture."""
        return None if self.label_of is None else self.label_of[index]

    def member_digest(self, index: int) -> str:
        """The digest of one picture's content: the same wherever the picture turns up, if its own digest is known."""
        return f"{self.digest} {index}" if self.members is None else self.members[index]

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What was passed over when the set was opened, then what could not be decoded so far."""
        return self.passed_over + tuple(self._broken[index] for index in sorted(self._broken))

    def read(self, index: int) -> Picture:
        """One picture, whole; raises ConvscopeError where it cannot be decoded."""
        return self.load(index, KEPT_SIDE)

    def seen(self, index: int, size: int) -> np.ndarray:
        """One picture as the batches hold it: its central square at size × size, (size, size, 3) uint8."""
        return square(self.load(index, size).pixels, size)

    def batches(
        self,
        size: int,
        batch: int = 32,
        workers: int = 2,
        indices: Sequence[int] | None = None,
        ahead: bool = True,
    ) -> Iterator[Batch]:
        """The indices and pictures (N, 3, size, size), float32 RGB in [0, 1], of all or the given members, in order.

        `workers` threads decode, and one batch at most `ahead`: without that they rest while a batch is used, which is
        faster where a network needs the same cores. N is `batch` but for the last one.
        """
        pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
        good: list[tuple[int, np.ndarray]] = []
        decoded = self._decoded_ahead if ahead else self._decoded
        try:
            for index, picture in decoded(pool, size, batch, range(len(self)) if indices is None else indices):
                if picture is not None:
                    good.append((index, picture))
                if len(good) == batch:
                    yield _collate(good)
                    good = []
            if good:
                yield _collate(good)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _decoded(
        self, pool: ThreadPoolExecutor, size: int, batch: int, indices: Iterable[int]
    ) -> Iterator[tuple[int, np.ndarray | None]]:
        """The pictures (size, size, 3) uint8 in order; None where one cannot be decoded."""
        for group in batched(indices, batch):
            parts = list(pool.map(partial(self._try_all, size=size), batched(group, TOGETHER)))
            for decoded in parts:
                yield from decoded

    def _decoded_ahead(
        self, pool: ThreadPoolExecutor, size: int, ahead: int, indices: Iterable[int]
    ) -> Iterator[tuple[int, np.ndarray | None]]:
        """The same, while the threads are at work on those that follow."""
        waiting: deque[Future[list[tuple[int, np.ndarray | None]]]] = deque()
        for together in batched(indices, TOGETHER):
            waiting.append(pool.submit(self._try_all, together, size))
            if len(waiting) * TOGETHER > ahead:
                yield from waiting.popleft().result()
        for decoded in waiting:
            yield from decoded.result()

    def _try_all(self, indices: Sequence[int], size: int) -> list[tuple[int, np.ndarray | None]]:
        return [(index, self._try(index, size)) for index in indices]

    def _try(self, index: int, size: int) -> np.ndarray | None:
        try:
            return self.seen(index, size)
        except ConvscopeError as reason:
            self._broken[index] = Skipped(self.titles[index], reason)
            return None


def batched(indices: Iterable[int], count: int) -> Iterator[tuple[int, ...]]:
    """The indices in groups of `count`, the last one smaller."""
    left = iter(indices)
    while group := tuple(islice(left, count)):
        yield group


def _collate(good: list[tuple[int, np.ndarray]]) -> Batch:
    return [index for index, _ in good], stacked([picture for _, picture in good])


def stacked(pictures: Sequence[np.ndarray]) -> torch.Tensor:
    """Pixels (H, W, 3) uint8 of one size as (N, 3, H, W), float32 in [0, 1].

    The colours of a pixel stay beside each other in memory, with which convolutions on the processor are faster.
    """
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


def square(pixels: np.ndarray, size: int) -> np.ndarray:
    """The central square of pixels (H, W, 3) uint8, scaled to size × size: antialiased bilinear."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    return resize(pixels[top : top + side, left : left + side], (size, size))


def digest_of(parts: Iterable[str]) -> str:
    """One digest for a sequence of texts: 32 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        encoded = part.encode("utf-8", "surrogateescape")
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()


def labels_from_folders(folders: Iterable[str]) -> tuple[str, ...] | None:
    """The name of each picture's folder as its label, or None unless there are at least two different ones."""
    labels = tuple(folder.rpartition("/")[2] for folder in folders)
    return labels if len(set(labels)) > 1 else None
