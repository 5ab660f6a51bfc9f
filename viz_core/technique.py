"""What a technique is: declared parameters, a run that yields steps, and a result that is a value."""

import dataclasses
import inspect
import types
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar, Literal, get_args, get_origin

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from viz_core import models
from viz_core.errors import ConvscopeError
from viz_core.images.refs import FIRST_PICTURE, open_image
from viz_core.images.render import encode_png
from viz_core.images.tensor import to_input
from viz_core.models.graph import GraphModel
from viz_core.recipe import Recipe

SECTIONS = ("look", "embed", "explain", "generate", "learn")
Section = Literal["look", "embed", "explain", "generate", "learn"]

_registered: list[type["Technique"]] = []


def registered() -> tuple[type["Technique"], ...]:
    """The techniques whose modules have been imported so far."""
    return tuple(_registered)


def _frozen(mapping: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return MappingProxyType(dict(mapping or {}))


@dataclasses.dataclass(frozen=True)
class Step:
    """One computed frame of a run: `done` of `total` steps, a preview (H, W, 3) uint8 if there is one, named curve values."""

    done: int
    total: int
    preview: np.ndarray | None = None
    curves: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Result:
    """What a run found: named arrays, pictures (H, W, 3) uint8, scores, tables and frames, and the recipe that made them.

    `files` are further files by name, such as weights that were trained.
    """

    recipe: Recipe
    arrays: Mapping[str, np.ndarray]
    pictures: Mapping[str, np.ndarray]
    scores: Mapping[str, Any]
    tables: Mapping[str, Sequence[Mapping[str, Any]]]
    frames: tuple[np.ndarray, ...] = ()
    files: Mapping[str, bytes] = dataclasses.field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Memory held by the arrays, pictures, frames and files, in bytes."""
        held = [*self.arrays.values(), *self.pictures.values(), *self.frames]
        return sum(array.nbytes for array in held) + sum(map(len, self.files.values()))

    def png(self, picture: str) -> bytes:
        """A picture as PNG that carries the recipe; encoded once, however often it is shown."""
        return self.png_of(picture, lambda: self.pictures[picture])

    def png_of(self, name: str, draw: Callable[[], np.ndarray]) -> bytes:
        """A picture (H, W, 3) drawn from what the result holds, as PNG that carries the recipe; drawn and encoded once."""
        if name not in self._encoded:
            self._encoded[name] = encode_png(draw(), self.recipe.to_json())
        return self._encoded[name]

    @cached_property
    def _encoded(self) -> dict[str, bytes]:
        return {}


@dataclasses.dataclass(frozen=True)
class Steer:
    """Sent into a run at work: parameters to go on with, by name. It counts as false, since it is no request to end."""

    changes: Mapping[str, Any]

    def __bool__(self) -> bool:
        return False


Sent = bool | Steer | None  # into a run: true asks for an early end
Run = Generator[Step, Sent, Result]


class Technique(BaseModel):
    """A technique is its parameters and inputs; `run()` computes it.

    Subclasses name themselves by `slug` (the page's address), `section`, `order` (the place within the section) and
    `icon` (a Material symbol). `live` marks runs that take longer than an instant and have a picture worth watching;
    `eager` those of them that start anew by themselves whenever a parameter changes; `prepared` those whose result with
    the default settings a server computes before anybody asks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slug: ClassVar[str]
    section: ClassVar[Section]
    order: ClassVar[int] = 100
    icon: ClassVar[str] = "visibility"
    live: ClassVar[bool] = False
    eager: ClassVar[bool] = False
    prepared: ClassVar[bool] = True
    steerable: ClassVar[tuple[str, ...]] = ()

    model: str = Field("bundled", description="network: bundled, a torchvision name, random:<name>, or a path")
    image: str = Field(FIRST_PICTURE, description="picture: sample:<name> or a path")
    size: int | None = Field(
        None, ge=32, le=1024, description="short side of the picture for the network, pixels; empty: the network's own"
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of everything random")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "slug" in cls.__dict__:
            _registered.append(cls)

    @field_validator("*", mode="before")
    @classmethod
    def _from_text(cls, value: Any, info: ValidationInfo) -> Any:
        """Read what a link or the command line says: `none` for nothing, commas between several values."""
        if not isinstance(value, str):
            return value
        annotation = cls.model_fields[info.field_name or ""].annotation
        if value == "none" and types.NoneType in get_args(annotation):
            return None
        if get_origin(annotation) is tuple:
            return tuple(part for part in value.split(",") if part)
        return value

    @property
    def is_live(self) -> bool:
        """Whether this run is one to watch: as the class says, unless a technique lets its parameters decide."""
        return self.live

    @classmethod
    def summary(cls) -> str:
        """The first paragraph of the docstring: what the technique does, and the paper."""
        return inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0]

    def network(self) -> GraphModel:
        """The network this technique looks into."""
        return models.load(self.model, seed=self.seed)

    def input(self) -> torch.Tensor:
        """The picture as the network sees it: (1, 3, H, W), RGB in [0, 1], on the network's device."""
        network = self.network()
        return to_input(open_image(self.image), self.size or network.input_size).to(network.device)

    def generator(self) -> torch.Generator:
        """Random numbers of this run's own, seeded by `seed`; drawn on the CPU, so that every device gets the same."""
        return torch.Generator().manual_seed(self.seed)

    def recipe(self) -> Recipe:
        """Everything needed to make the same result again."""
        return Recipe(
            technique=self.slug,
            parameters=self.model_dump(mode="json"),
            weights=self.network().digest,
            picture=open_image(self.image).digest,
        )

    def run(self) -> Run:
        """Compute, yielding a Step every 100 ms or so; a true value sent in asks for an early end with what there is."""
        raise NotImplementedError

    def result(
        self,
        *,
        arrays: Mapping[str, np.ndarray],
        pictures: Mapping[str, np.ndarray],
        scores: Mapping[str, Any] | None = None,
        tables: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        frames: Sequence[np.ndarray] = (),
        files: Mapping[str, bytes] | None = None,
    ) -> Result:
        """The result of this run, with the picture as the network saw it and the recipe added."""
        seen = self.input().cpu().numpy()
        return Result(
            recipe=self.recipe(),
            arrays=_frozen({"input": seen, **arrays}),
            pictures=_frozen(pictures),
            scores=_frozen(scores),
            tables=_frozen(tables),
            frames=tuple(frames),
            files=_frozen(files),
        )


def check_channel(network: GraphModel, layer: str, channel: int | None) -> int | None:
    """The channel if the layer has it, None for the whole layer; raises ConvscopeError that tells which there are."""
    channels = network.layer(layer).shape[0]
    if channel is not None and not 0 <= channel < channels:
        raise ConvscopeError("recipe_errors.no_channel", layer=layer, channel=channel, last=channels - 1)
    return channel


def finish(run: Run) -> Result:
    """Drive a run to its end without looking at the steps."""
    while True:
        try:
            next(run)
        except StopIteration as end:
            return end.value
