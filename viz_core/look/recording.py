"""One pass of a network over many pictures that keeps a record of every chosen layer, on disk between the runs."""

import contextlib
import dataclasses
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from viz_core.cache_folder import cache_folder, make_room, mark_used
from viz_core.images.picture_set import PictureSet
from viz_core.look.topk import Record
from viz_core.models.graph import GraphModel

FORMAT = 1  # to be raised whenever a record means something else
GOLDEN = (5**0.5 - 1) / 2

Extremes = tuple[np.ndarray, np.ndarray]
Records = dict[str, Record]


@lru_cache(16)
def visiting_order(length: int) -> np.ndarray:
    """The numbers 0 ... length - 1, each beginning of which is spread evenly over all of them."""
    return np.argsort((np.arange(length) * GOLDEN) % 1, kind="stable").argsort(kind="stable")


@torch.inference_mode()
def extremes(values: torch.Tensor) -> tuple[Extremes, Extremes]:
    """The greatest and the smallest value of each map, (N, C) float32, and the number of its first unit, (N, C).

    values: a layer's answers (N, C, H, W), or (N, C) where it has no positions.
    """
    flat = values.float().reshape(*values.shape[:2], -1)
    if flat.device.type == "cpu":  # numpy finds extremes there twenty times faster than torch
        maps = flat.numpy()
        return _at(maps, maps.argmax(2)), _at(maps, maps.argmin(2))
    greatest, smallest = flat.max(dim=2), flat.min(dim=2)
    return (
        (greatest.values.cpu().numpy(), greatest.indices.cpu().numpy()),
        (smallest.values.cpu().numpy(), smallest.indices.cpu().numpy()),
    )


def _at(maps: np.ndarray, places: np.ndarray) -> Extremes:
    return np.take_along_axis(maps, places[..., None], 2)[..., 0], places


def record(
    network: GraphModel, pictures: PictureSet, size: int, batch: int, until: int, records: Records
) -> Iterator[Records]:
    """The records by layer after each batch; they go on where the given ones end, till `until` pictures are visited.

    The pictures are visited in `visiting_order`, by whose places the records number them. Layers that are finished
    already stay as they are; the others must be equally far.
    """
    going = {layer: kept for layer, kept in records.items() if kept.seen < until}
    start = min(kept.seen for kept in going.values())
    order = visiting_order(len(pictures))[:until]
    place = {int(index): number for number, index in enumerate(order)}
    elsewhere = network.device.type != "cpu"
    for indices, x in pictures.batches(size, batch, indices=order[start:].tolist(), ahead=elsewhere):
        with torch.inference_mode():
            answers = network.activations(x.to(network.device, non_blocking=True), tuple(going))
        numbers = np.array([place[index] for index in indices])
        going = {layer: kept.add(numbers, *extremes(answers[layer])) for layer, kept in going.items()}
        yield {**records, **going}
    yield {
        layer: dataclasses.replace(kept, seen=until) for layer, kept in (records | going).items()
    }  # broken ones at the end


class Shelf:
    """The records of one layer, network, data set and size on disk, one file for each number of visited pictures.

    Files are whole or not there. A folder that cannot be written keeps nothing; a file that cannot be read is passed over.
    """

    def __init__(self, folder: Path, *key: object) -> None:
        self.folder = folder
        words = " ".join(map(str, (FORMAT, *key)))
        self.name = hashlib.blake2b(words.encode(), digest_size=16).hexdigest()

    def path(self, seen: int) -> Path:
        """The file of the record after so many pictures."""
        return self.folder / f"{self.name}-{seen}.npz"

    def load(self, until: int) -> Record | None:
        """The record that is furthest on, but not beyond `until` pictures."""
        found = (path.stem.rpartition("-")[2] for path in self.folder.glob(f"{self.name}-*.npz"))
        for seen in sorted((int(seen) for seen in found if seen.isdigit() and int(seen) <= until), reverse=True):
            broken = contextlib.suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)
            with broken, np.load(self.path(seen), allow_pickle=False) as arrays:
                mark_used(self.path(seen))
                return Record.from_arrays(arrays)
        return None

    def save(self, kept: Record, instead_of: int = 0) -> None:
        """Write a record in one step, then remove the one after `instead_of` pictures that it goes on from."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            arrays: dict[str, Any] = kept.to_arrays()
            with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".part", delete=False) as part:
                np.savez(part, **arrays)
            os.replace(part.name, self.path(kept.seen))
        except OSError:
            return
        if instead_of != kept.seen:
            self.path(instead_of).unlink(missing_ok=True)
        make_room()


def shelves(network: GraphModel, layers: Iterable[str], pictures: PictureSet, size: int, k: int) -> dict[str, Shelf]:
    """Where the records of these layers are kept."""
    folder = cache_folder() / "patches"
    return {layer: Shelf(folder, network.digest, layer, pictures.digest, size, k) for layer in layers}


def begun(network: GraphModel, places: Mapping[str, Shelf], k: int, until: int) -> Records:
    """The records to go on from: those that are finished, and the others where they are equally far on; else new ones."""
    new = {layer: Record.empty(k, network.layer(layer).shape[0]) for layer in places}
    loaded = {layer: shelf.load(until) or new[layer] for layer, shelf in places.items()}
    if len({kept.seen for kept in loaded.values()} - {until}) <= 1:
        return loaded
    return {layer: kept if kept.seen == until else new[layer] for layer, kept in loaded.items()}
