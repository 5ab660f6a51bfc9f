"""Patches: the parts of many pictures that excite each channel of a layer most."""

import dataclasses
from collections.abc import Generator, Mapping, Sequence
from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field

from viz_core.images.boxes import OUTSIDE, Box, cut, inside, outlined
from viz_core.images.datasets import open_dataset
from viz_core.images.picture_set import PictureSet
from viz_core.images.render import filter_tiles, grid, resize
from viz_core.images.tensor import to_tensor
from viz_core.look.recording import Records, Shelf, begun, record, shelves, visiting_order
from viz_core.look.sheets import page_of
from viz_core.look.topk import NOTHING, Record, TopK
from viz_core.models.gradients import unit_gradient
from viz_core.models.graph import GraphModel
from viz_core.models.layers import Layer
from viz_core.models.relu_rules import RULES, ReluRule
from viz_core.recipe import Recipe
from viz_core.tape import taped
from viz_core.technique import Run, Section, Step, Technique, check_channel

KEPT = 9  # patches of each channel
BLOCK = 3  # patches beside each other in a channel's block
BATCH = 8
SAVED_EVERY = 16  # batches
DRAWN_EVERY = 4  # batches
SMALL, LARGE = 40, 96  # side of a patch on the wall and in the row of one unit, pixels
LARGEST_SHARE = 0.25  # of the picture that a unit of the default layer sees
GRADIENTS_AT_ONCE = 3

Passing = Generator[Step, bool | None, "tuple[Record, bool]"]


@dataclasses.dataclass(frozen=True)
class Found:
    """One of a unit's patches: the value, the picture's number in its set and pixels (S, S, 3) uint8, and what the unit sees."""

    value: float
    index: int
    pixels: np.ndarray
    box: Box

    def turned(self) -> "Found":
        """The same with the other sign, in which records keep the least."""
        return dataclasses.replace(self, value=-self.value)

    def framed(self) -> np.ndarray:
        """The whole picture, as large as it is shown, with what the unit sees framed."""
        scale = LARGE / len(self.pixels)
        top, left, bottom, right = (round(side * scale) for side in self.box)
        return outlined(resize(self.pixels, (LARGE, LARGE)), (top, left, bottom, right))

    def patch(self) -> np.ndarray:
        """What the unit sees, light grey beyond the picture; where that is more than the whole picture, the picture."""
        side = len(self.pixels)
        if max(self.box[2] - self.box[0], self.box[3] - self.box[1]) <= side:
            return cut(self.pixels, self.box)
        top, left, bottom, right = inside(self.box, side, side)
        seen = np.full_like(self.pixels, OUTSIDE)
        seen[top:bottom, left:right] = self.pixels[top:bottom, left:right]
        return seen


class Patches(Technique):
    """Run many pictures through the network and show, for each channel of a layer, the patches that excite it most.

    Girshick, Donahue, Darrell & Malik 2014; with gradients beside them: Zeiler & Fergus 2014, Springenberg et al., 2015.
    """

    slug: ClassVar[str] = "patches"
    section: ClassVar[Section] = "look"
    order: ClassVar[int] = 30
    icon: ClassVar[str] = "photo_library"
    live: ClassVar[bool] = True
    eager: ClassVar[bool] = True

    layer: str | None = Field(
        None,
        description="layer to record; empty: the last convolution that sees at most a quarter of the picture",
        json_schema_extra={"widget": "layer"},
    )
    channel: int | None = Field(None, ge=0, description="channel to look at closely; empty: the first one on the wall")
    dataset: str = Field(
        "photographs", description="set of pictures: photographs, builtin, folder:PATH or torchvision:<name>"
    )
    pictures: int = Field(600, ge=9, le=1_000_000, description="how many pictures of the set to use, spread evenly")
    sort: Literal["index", "max"] = Field(
        "max", description="order of the channels: by number, or the most excited first"
    )
    also: tuple[str, ...] = Field(
        (),
        description="more layers to record in the same pass, so that they are there at once later",
        json_schema_extra={"widget": "layers", "advanced": True},
    )
    count: int = Field(24, ge=1, le=256, description="how many channels to show", json_schema_extra={"advanced": True})
    size: int | None = Field(
        None,
        ge=32,
        le=1024,
        description="side of the pictures for the network, pixels; empty: the network's own",
        json_schema_extra={"advanced": True},
    )
    first: int = Field(0, ge=0, description="place of the first channel shown in the order")

    def recipe(self) -> Recipe:
        """The recipe names the contents of the data set, too."""
        plain = super().recipe()
        return plain.model_copy(update={"picture": f"{plain.picture} {open_dataset(self.dataset).digest}"})

    @taped
    def run(self) -> Run:
        """The pass, unless it is on disk already; then the wall, then one unit."""
        network, pictures, side = self.network(), open_dataset(self.dataset), self.size or self.network().input_size
        layer = network.layer(self.layer or default_layer(network), (side, side))
        check_channel(network, layer.name, self.channel)
        gallery = Gallery(pictures, layer, side)
        kept, stopped = yield from self.passed(network, gallery)
        order = ordered(kept.most, self.sort)
        shown = page_of(order, self.first, self.count)
        channel = int(shown[0]) if self.channel is None else self.channel
        drawn = {"wall": gallery.wall(kept.most, shown)}
        most, least = gallery.found(kept.most, channel), gallery.found(kept.least, channel)
        drawn["patches"] = row([one.patch() for one in most], most)
        if layer.receptive_field is not None:
            drawn["images"] = row([one.framed() for one in most])
        drawn["least"] = row([one.patch() for one in least], [one.turned() for one in least])
        done = self.visited(pictures) + 1
        total = done + len(RULES) * -(-KEPT // GRADIENTS_AT_ONCE)
        stopped |= (yield Step(done, total, below(drawn))) is True
        for rule in RULES if not stopped else ():
            tiles: list[np.ndarray] = []
            for start in range(0, len(most), GRADIENTS_AT_ONCE):
                tiles += backward(network, layer.name, channel, most[start : start + GRADIENTS_AT_ONCE], rule)
                drawn[rule] = row(tiles + [np.full_like(tiles[0], OUTSIDE)] * (len(most) - len(tiles)))
                done += 1
                yield Step(done, total, below(drawn))
        scores = {"layer": layer.name, "channel": channel, "total": self.visited(pictures), "side": side}
        scores |= {"seen": kept.seen, "own_value": self.own_value(network, layer.name, channel)}
        scores |= {"dataset": pictures.name, "dataset_digest": pictures.digest, "skipped": len(pictures.skipped)}
        scores["field"] = layer.receptive_field.size[0] if layer.receptive_field else side
        scores |= {"channels": len(order), "columns": columns_for(len(shown))}
        scores |= {
            "first": int(np.flatnonzero(order == shown[0])[0]),
            "last": int(np.flatnonzero(order == shown[-1])[0]),
        }
        counts, edges = kept.tally.of(channel)
        return self.result(
            arrays={
                "grid": drawn["wall"].astype(np.float32) / 255,
                "values": kept.most.values,
                "indices": gallery.indices(kept.most),
                "places": kept.most.places,
                "order": order,
                "histogram": counts,
                "histogram_edges": edges,
            },
            pictures=drawn,
            scores=scores,
            tables={"most": entries(pictures, most), "least": entries(pictures, [one.turned() for one in least])},
        )

    def visited(self, pictures: PictureSet) -> int:
        """How many pictures of the set a whole pass visits."""
        return min(self.pictures, len(pictures))

    def passed(self, network: GraphModel, gallery: "Gallery") -> Passing:
        """The record of the layer and whether the pass was stopped early; what is done is kept on disk in any case."""
        pictures, layer, until = gallery.pictures, gallery.layer.name, self.visited(gallery.pictures)
        places = shelves(network, dict.fromkeys((layer, *self.also)), pictures, gallery.side, KEPT)
        records = begun(network, places, KEPT, until)
        begin = saved = records[layer].seen
        shown = np.arange(0)
        try:
            further = record(network, pictures, gallery.side, BATCH, until, records) if begin < until else ()
            for number, now in enumerate(further, start=1):
                records = now
                if number % SAVED_EVERY == 0:
                    saved = save(places, records, saved if saved != begin else 0)
                preview = None
                if number == 1:  # the same channels are watched till the end, so that nothing jumps
                    shown = page_of(ordered(records[layer].most, self.sort), self.first, self.count)
                if number == 1 or number % DRAWN_EVERY == 0:
                    preview = gallery.wall(records[layer].most, shown)
                if (yield Step(records[layer].seen, until + 1, preview)):
                    return records[layer], True
            return records[layer], False
        finally:
            if records[layer].seen not in (begin, saved):
                save(places, records, saved if saved != begin else 0)

    @torch.inference_mode()
    def own_value(self, network: GraphModel, layer: str, channel: int) -> float:
        """The channel's greatest value for the picture itself."""
        return float(network.activations(self.input(), layer)[layer][0, channel].max())


class Gallery:
    """The pictures of a pass as the network saw them, and what the units of one layer see of them."""

    def __init__(self, pictures: PictureSet, layer: Layer, side: int) -> None:
        self.pictures, self.layer, self.side = pictures, layer, side
        self._order = visiting_order(len(pictures))
        self._seen = lru_cache(256)(lambda index: pictures.seen(index, side))

    def indices(self, top: TopK) -> np.ndarray:
        """The numbers in the data set of a record's pictures, -1 where a place is still free."""
        return np.where(top.images == NOTHING, NOTHING, self._order[top.images])

    def found(self, top: TopK, channel: int) -> list[Found]:
        """The pictures and fields behind a channel's entries."""
        entries = [(value, int(self._order[number]), place) for value, number, place in top.of(channel)]
        return [
            Found(value, index, self._seen(index), box_of(self.layer, place, self.side))
            for value, index, place in entries
        ]

    def wall(self, top: TopK, shown: np.ndarray) -> np.ndarray:
        """A block of patches for each of the shown channels."""
        blocks = []
        for channel in shown:
            tiles = [fitted(one.patch(), SMALL) for one in self.found(top, int(channel))]
            tiles += [np.full((SMALL, SMALL, 3), OUTSIDE, np.uint8)] * (KEPT - len(tiles))
            blocks.append(grid(tiles, columns=BLOCK, gap=1))
        return grid(blocks, columns=columns_for(len(shown)), gap=5, numbers=shown.tolist())


def default_layer(network: GraphModel) -> str:
    """The last convolution whose units see at most a quarter of the picture: parts rather than whole pictures."""
    limit = LARGEST_SHARE * network.input_size**2
    local = [
        layer.name
        for layer in network.layers()
        if layer.kind == "Conv2d" and layer.receptive_field and np.prod(layer.receptive_field.size) <= limit
    ]
    return local[-1] if local else network.resolve_layer(None, "map")


def save(places: dict[str, Shelf], records: Records, instead_of: int) -> int:
    """Write all records to their shelves; the number of pictures they have seen."""
    for layer, shelf in places.items():
        shelf.save(records[layer], instead_of)
    return records[next(iter(places))].seen


def ordered(top: TopK, by: str) -> np.ndarray:
    """All channels by number, or the most excited first."""
    channels = np.arange(top.values.shape[1])
    return channels if by == "index" else np.argsort(-top.values[0], kind="stable")


def box_of(layer: Layer, place: int, side: int) -> Box:
    """What the unit at a place of its map sees of a square picture; all of it where the layer has no positions."""
    if layer.receptive_field is None:
        return 0, 0, side, side
    return layer.receptive_field.box(*divmod(place, layer.shape[2]))


def fitted(patch: np.ndarray, side: int) -> np.ndarray:
    """A patch as a square tile; its pixels show as squares if they are few."""
    return resize(patch, (side, side), sharp=2 * max(patch.shape[:2]) <= side)


def row(patches: Sequence[np.ndarray], valued: Sequence[Found] = ()) -> np.ndarray:
    """Patches beside each other, the most exciting first, with the values above them if they are given."""
    tiles = [fitted(patch, LARGE) for patch in patches] or [np.full((LARGE, LARGE, 3), OUTSIDE, np.uint8)]
    return grid(tiles, columns=len(tiles), numbers=[f"{one.value:.3g}" for one in valued] or None)


def below(drawn: Mapping[str, np.ndarray]) -> np.ndarray:
    """What there is of one unit so far, row under row, to watch while the rest is computed."""
    rows = [pixels for name, pixels in drawn.items() if name not in ("wall", "least")]
    return np.concatenate(rows)


def backward(network: GraphModel, layer: str, channel: int, found: list[Found], rule: ReluRule) -> list[np.ndarray]:
    """What of each patch reaches the unit by one of the ReLU rules: its gradient, mid-grey at zero."""
    x = torch.cat([to_tensor(one.pixels) for one in found]).to(network.device)
    tiles = filter_tiles(unit_gradient(network, x, layer, channel, rule=rule).cpu().numpy())
    return [dataclasses.replace(one, pixels=tile).patch() for one, tile in zip(found, tiles, strict=True)]


def columns_for(count: int) -> int:
    """Blocks beside each other on the wall."""
    return int(np.ceil(np.sqrt(1.5 * count)))


def entries(pictures: PictureSet, found: list[Found]) -> list[dict[str, object]]:
    """The patches of a unit in words and numbers."""
    return [
        {
            "picture": pictures.titles[one.index],
            "label": pictures.label(one.index) or "",
            "value": one.value,
            **dict(zip(("top", "left", "bottom", "right"), one.box, strict=True)),
        }
        for one in found
    ]
