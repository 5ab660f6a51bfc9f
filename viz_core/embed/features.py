"""What a layer says of every picture of a set, kept on disk so that it is computed once."""

import contextlib
import hashlib
import json
import os
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch

from viz_core.cache_folder import cache_folder
from viz_core.errors import ConvscopeError
from viz_core.images.picture_set import PictureSet
from viz_core.models.graph import GraphModel

FORMAT = 1
BATCH = 32
PIXEL_SIDE = 32  # pictures are compared by their pixels at this size, as the lecture notes do


@dataclass(frozen=True)
class Features:
    """One vector for each picture that could be read: values (N, D) float32, and which pictures they belong to (N,)."""

    values: np.ndarray
    pictures: np.ndarray


Progress = Generator[tuple[int, int], None, Features]


def pooled(values: torch.Tensor) -> torch.Tensor:
    """A layer's values as vectors: the mean over the positions of a map (N, C, H, W), vectors (N, D) as they are."""
    return values.flatten(2).mean(dim=2) if values.dim() > 2 else values


def default_layer(network: GraphModel) -> str:
    """The last layer before the classes: the maps under a global average pooling, else the last but one linear layer."""
    head = network.head()
    if head is not None:
        return head.layer
    linear = [layer.name for layer in network.layers() if layer.kind == "Linear"]
    return linear[-2] if len(linear) > 1 else network.layer_names[-2]


def describe(network: GraphModel, x: torch.Tensor, layer: str) -> np.ndarray:
    """The vectors (N, D), float32, of pictures (N, 3, H, W) in a layer."""
    with torch.inference_mode():
        return pooled(network.activations(x.to(network.device), layer)[layer]).float().cpu().numpy()


def extract(network: GraphModel, pictures: PictureSet, layer: str, size: int) -> Progress:
    """The vectors of a whole set, taken from disk as far as they are there; yields (done, total) after every batch.

    A pass that was ended early goes on where it was. Half precision on disk. Pictures that cannot be read are left out.
    """
    shelf = _Shelf(network.digest, layer, pictures.digest, size)
    parts = shelf.read()
    done = parts.next
    for indices, x in pictures.batches(size, BATCH, indices=range(done, len(pictures))):
        parts = parts.extended(indices, describe(network, x, layer), following=max(indices) + 1)
        if parts.unsaved >= shelf.every:
            parts = shelf.write(parts)
        yield parts.next, len(pictures)
    parts = shelf.write(parts.finished(len(pictures)))
    return parts.features()


@dataclass(frozen=True)
class _Parts:
    """Vectors so far, in pieces; `next` is the first picture not yet looked at."""

    values: tuple[np.ndarray, ...]
    pictures: tuple[np.ndarray, ...]
    next: int
    unsaved: int = 0

    def extended(self, indices: list[int], values: np.ndarray, following: int) -> "_Parts":
        half = values.astype(np.float16)
        return _Parts((*self.values, half), (*self.pictures, np.array(indices)), following, self.unsaved + len(indices))

    def finished(self, total: int) -> "_Parts":
        return _Parts(self.values, self.pictures, total, self.unsaved)

    def features(self) -> Features:
        if not self.values:
            raise ConvscopeError("embed_errors.no_pictures")
        return Features(np.concatenate(self.values).astype(np.float32), np.concatenate(self.pictures))


class _Shelf:
    """Where the vectors of one network, layer, set and size lie; whole files or none."""

    every = 512

    def __init__(self, *key: object) -> None:
        name = hashlib.blake2b(json.dumps([FORMAT, *key]).encode(), digest_size=16).hexdigest()
        self.path = cache_folder() / "features" / f"{name}.npz"

    def read(self) -> _Parts:
        try:
            with np.load(self.path) as kept:
                values, indices, following = kept["values"], kept["pictures"], int(kept["next"])
        except (OSError, ValueError, KeyError, EOFError):
            return _Parts((), (), 0)
        return _Parts((values,), (indices,), following) if len(values) else _Parts((), (), 0)

    def write(self, parts: _Parts) -> _Parts:
        if not parts.values:
            return parts
        joined = _Parts((np.concatenate(parts.values),), (np.concatenate(parts.pictures),), parts.next)
        part = self.path.with_name(f"{self.path.stem}.{os.getpid()}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                np.savez(file, values=joined.values[0], pictures=joined.pictures[0], next=joined.next)
            part.replace(self.path)
        except OSError:  # a full or closed disk: the vectors are still right, only not kept
            with contextlib.suppress(OSError):
                part.unlink()
        return joined


def pixel_vectors(pictures: PictureSet, indices: np.ndarray) -> np.ndarray:
    """The pixels of pictures as vectors (N, 3 * 32 * 32), float32 in [0, 1]."""
    batches = [x.flatten(1).numpy() for _, x in pictures.batches(PIXEL_SIDE, 256, indices=indices.tolist())]
    return np.concatenate(batches)
