"""What layers say of every picture of a set, kept on disk so that no picture is described twice."""

import math
from bisect import bisect_right
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from viz_core.cache_folder import make_room, mark_used
from viz_core.embed.store import KEY, LOOK_SIDE, LOOKS, Records, key_of, vector_records
from viz_core.errors import ConvscopeError
from viz_core.images.picture_set import PictureSet
from viz_core.memory import free_memory, is_out_of_memory
from viz_core.models.graph import GraphModel

BATCH = (32, 256)  # on the processor, on an accelerator
LOOK = "looks"
DECODERS = 2  # threads
MOST_NUMBERS = 150_000_000  # in all vectors of a set: 300 MB in half precision
LEAST_SIDE = 64  # at which a network sees the pictures of a set by itself, pixels


@dataclass(frozen=True)
class Looks:
    """What is known of each picture beside its vectors.

    pixels: (N, 32, 32, 3) uint8; classes: the network's first choice, (N,) int32; confidence: its probability, (N,).
    """

    pixels: np.ndarray
    classes: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True)
class Features:
    """One vector for each picture that could be read: values (N, D) float16, and which pictures they belong to (N,)."""

    values: np.ndarray
    pictures: np.ndarray
    looks: Looks


Described = dict[str, np.ndarray]  # records by layer
Progress = Generator[tuple[int, int, np.ndarray], None, dict[str, Features]]


def pooled(values: torch.Tensor) -> torch.Tensor:
    """A layer's values as vectors: the mean over the positions of a map (N, C, H, W), vectors (N, D) as they are."""
    return values.flatten(2).mean(dim=2) if values.dim() > 2 else values


def as_vectors(values: torch.Tensor, flat: bool) -> torch.Tensor:
    """A layer's values as vectors: the mean over the positions of a map, or `flat`, all positions one after the other."""
    return values.flatten(1) if flat else pooled(values)


def default_layer(network: GraphModel) -> str:
    """The last layer before the classes: the maps under a global average pooling, else the last but one linear layer."""
    head = network.head()
    if head is not None:
        return head.layer
    linear = [layer.name for layer in network.layers() if layer.kind == "Linear"]
    return linear[-2] if len(linear) > 1 else network.layer_names[-2]


def default_size(network: GraphModel) -> int:
    """Half the network's own side, which costs a quarter and changes the neighbours little; 64 pixels at least."""
    return max(LEAST_SIDE, network.input_size // 2)


def describe(network: GraphModel, x: torch.Tensor, layer: str, flat: bool = False) -> np.ndarray:
    """The vectors (N, D), float32, of pictures (N, 3, H, W) in a layer."""
    with torch.inference_mode():
        return as_vectors(network.activations(x.to(network.device), layer)[layer], flat).float().cpu().numpy()


class Describer:
    """Turns pictures into records; where memory runs out it goes on with batches of half the size."""

    def __init__(self, network: GraphModel, layers: Sequence[str], flat: bool = False) -> None:
        self.network, self.flat = network, flat
        self.layers = tuple(layers)
        self.batch = BATCH[network.device.type == "cuda"]

    def __call__(self, keys: Sequence[bytes], x: torch.Tensor) -> Described:
        """The records by layer, and under "looks" those of the looks, of pictures (N, 3, H, W) RGB in [0, 1]."""
        if len(x) <= self.batch:
            try:
                return self._records(keys, x)
            except (RuntimeError, MemoryError) as problem:
                if not is_out_of_memory(problem) or len(x) == 1:
                    raise
                self.batch = max(1, len(x) // 2)
            free_memory()
        middle = len(x) // 2
        halves = self(keys[:middle], x[:middle]), self(keys[middle:], x[middle:])
        return {name: np.concatenate([half[name] for half in halves]) for name in halves[0]}

    @torch.inference_mode()
    def _records(self, keys: Sequence[bytes], x: torch.Tensor) -> Described:
        last = self.network.layer_names[-1]
        values = self.network.activations(x.to(self.network.device, non_blocking=True), (*self.layers, last))
        best = values[last].flatten(1).float().softmax(dim=1).max(dim=1)
        looks = np.empty(len(keys), LOOKS)
        looks["class"], looks["confidence"] = best.indices.cpu().numpy(), best.values.cpu().numpy()
        looks["pixels"] = small(x)
        records = {LOOK: looks}
        for layer in self.layers:
            vectors = as_vectors(values[layer], self.flat).float().cpu().numpy()
            records[layer] = np.empty(len(keys), vector_records(vectors.shape[1]))
            records[layer]["vector"] = vectors
        for rows in records.values():
            rows["key"] = np.frombuffer(b"".join(keys), KEY)
        return records


def small(x: torch.Tensor) -> np.ndarray:
    """Pictures (N, 3, H, W) in [0, 1] as small pixels (N, 32, 32, 3) uint8, by the means of areas."""
    reduced = torch.nn.functional.adaptive_avg_pool2d(x, LOOK_SIDE)
    return (reduced * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def shelves(
    network: GraphModel, pictures: PictureSet, layers: Sequence[str], size: int, flat: bool = False
) -> dict[str, Records]:
    """Where the records of a set lie: by layer, and under "looks" those that all layers share.

    Raises ConvscopeError where the vectors of all positions of a map would take too much memory.
    """
    owner = (network.digest, pictures.name, size)
    places = {LOOK: Records(LOOKS, LOOK, *owner)}
    for layer in layers:
        shape = network.layer(layer, (size, size)).shape
        width, every = (math.prod(shape), ("flat",)) if flat and len(shape) > 1 else (shape[0], ())
        if width * len(pictures) > MOST_NUMBERS and every:
            most = MOST_NUMBERS // width
            raise ConvscopeError("embed_errors.too_flat", layer=layer, width=width, count=len(pictures), most=most)
        places[layer] = Records(vector_records(width), layer, *owner, *every)
    return places


def extract(
    network: GraphModel, pictures: PictureSet, layers: Sequence[str], size: int, flat: bool = False
) -> Progress:
    """The features of a whole set by layer; yields (done, total, small pictures read) after every batch and before the first.

    Only pictures that are not on disk already are read, so that a pass that was ended early goes on where it was, and new
    pictures are added to the old ones. Pictures that cannot be read are left out, and listed in `pictures.skipped`.
    """
    keys = [key_of(pictures.member_digest(index)) for index in range(len(pictures))]
    places, describing = shelves(network, pictures, layers, size, flat), Describer(network, layers, flat)
    for shelf in places.values():
        mark_used(shelf.path)
    make_room()
    missing = _missing(places, keys, range(len(keys)))
    total, done = len(keys), len(keys) - len(missing)
    yield done, total, np.empty((0, LOOK_SIDE, LOOK_SIDE, 3), np.uint8)
    elsewhere = network.device.type != "cpu"
    for indices, x in pictures.batches(size, describing.batch, DECODERS, missing, ahead=elsewhere):
        done = total - len(missing) + bisect_right(missing, indices[-1])
        new = _missing(places, keys, indices)  # somebody else may have described some meanwhile
        if new:
            lacking = x if new == indices else x[[indices.index(index) for index in new]]
            records = describing([keys[index] for index in new], lacking)
            for name, rows in records.items():
                places[name].add(rows)
        yield done, total, small(x)
    gathered = _gathered(places, keys)
    make_room()
    return gathered


def _missing(places: dict[str, Records], keys: Sequence[bytes], among: Sequence[int]) -> list[int]:
    """Which pictures lack a record somewhere; of several alike only the first."""
    known = [shelf.places() for shelf in places.values()]
    first = {keys[index]: index for index in reversed(among)}
    return sorted(index for key, index in first.items() if any(key not in there for there in known))


def _gathered(places: dict[str, Records], keys: Sequence[bytes]) -> dict[str, Features]:
    """The records of a set in its order."""
    known = {name: shelf.places() for name, shelf in places.items()}
    members = np.array([at for at, key in enumerate(keys) if all(key in there for there in known.values())], int)
    if not members.size:
        raise ConvscopeError("embed_errors.no_pictures")
    rows = {}
    for name, shelf in places.items():
        wanted = np.array([known[name][keys[member]] for member in members])
        all_rows = shelf.rows()
        in_order = len(wanted) == len(all_rows) and bool((wanted == np.arange(len(wanted))).all())
        rows[name] = all_rows if in_order else all_rows[wanted]
    looks = rows.pop(LOOK)
    seen = Looks(looks["pixels"], looks["class"], looks["confidence"])
    return {layer: Features(kept["vector"], members, seen) for layer, kept in rows.items()}


def pixel_vectors(looks: Looks) -> np.ndarray:
    """The small pixels as vectors (N, 3 * 32 * 32), float32 in [0, 1], channels first."""
    return np.divide(looks.pixels.transpose(0, 3, 1, 2).reshape(len(looks.pixels), -1), np.float32(255))
