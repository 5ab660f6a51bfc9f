"""Texture: more of the same material, by copying pixels that fit or by matching what a network sees."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, cast

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from viz_core.errors import ConvscopeError
from viz_core.generate.canvas import Pixels, noise
from viz_core.generate.colour import ColourDistance, noise_in_colours_of
from viz_core.generate.in_step import in_step
from viz_core.generate.loop import Outcome, optimise
from viz_core.generate.matching import (
    Stepping,
    curve_arrays,
    largest_side,
    measured_layers,
    memory_needed,
    refuse_too_large,
)
from viz_core.generate.nearest_texture import Growth, efros_leung, wei_levoy
from viz_core.generate.objective import TotalVariation
from viz_core.generate.steering import STEERING, Conductor, Plan, conducted
from viz_core.generate.style_statistics import Gram, Statistic, statistic, style_objective
from viz_core.images.refs import open_image
from viz_core.images.render import grid
from viz_core.images.tensor import to_input, to_pixels, to_tensor
from viz_core.models.graph import GraphModel
from viz_core.tape import Tape
from viz_core.technique import Result, Run, Section, Sent, Step, Technique

CopyMethod = Literal["efros-leung", "wei-levoy"]
NeuralMethod = Literal["gram", "mean-variance", "wasserstein"]
COPYING: tuple[CopyMethod, ...] = ("efros-leung", "wei-levoy")
NEURAL: tuple[NeuralMethod, ...] = ("gram", "mean-variance", "wasserstein")
REFERENCE_NOISE = 0.25  # of the noise image that distances are shares of
ADAM_RATE = 0.05
CHUNKS = 80  # yields of a copying method
UNKNOWN = 0.5  # grey, where nothing has grown yet


@dataclass(frozen=True)
class Made:
    """A texture by one method: picture (1, 3, H, W), sources (H, W, 2) if it was copied, curves by name."""

    picture: Tensor
    source: np.ndarray | None
    curves: Mapping[str, tuple[float, ...]]
    steps: int


Making = Generator[Step, Sent, Made]


class Texture(Technique):
    """Make more of a texture from a small sample, by copying pixels or by matching statistics of a network's layers.

    Efros & Leung 1999; Wei & Levoy 2000; Ashikhmin 2001; Gatys, Ecker & Bethge 2015; Heitz et al. 2021.
    """

    slug: ClassVar[str] = "texture"
    section: ClassVar[Section] = "generate"
    order: ClassVar[int] = 50
    icon: ClassVar[str] = "texture"
    live: ClassVar[bool] = True
    steerable: ClassVar[tuple[str, ...]] = ("layer_weights", "colour_weight", "smoothness", "rate")

    image: str = Field("sample:brick", description="the picture the sample is cut from: sample:<name> or a path")
    method: Literal["side-by-side", "efros-leung", "wei-levoy", "gram", "mean-variance", "wasserstein"] = Field(
        "side-by-side", description="how to make the texture; side-by-side: all in step"
    )
    size: int | None = Field(64, ge=32, le=256, description="side of the sample, pixels")
    zoom: float = Field(
        2.0, ge=1.0, le=6.0, description="the sample is the middle of the picture, 1/zoom of its short side"
    )
    side: int = Field(96, ge=32, le=512, description="side of the texture, pixels")
    reach: int = Field(5, ge=1, le=12, description="how far a pixel looks around when copying, pixels")
    steps: int = Field(60, ge=1, le=2000, description="optimisation steps of the methods with a network")
    colour_weight: float = Field(
        1.0,
        ge=0.0,
        le=10.0,
        description="how much mean and covariance of the sample's colours count beside the network's layers",
        json_schema_extra={"step": 0.1},
    )
    layers: tuple[str, ...] = Field(
        (),
        description="layers whose statistics to match, with commas; empty: the first at each resolution",
        json_schema_extra={"widget": "layers", "kinds": ["ReLU", "Conv2d"], "advanced": True},
    )
    layer_weights: tuple[float, ...] = Field(
        (), description="how much each of the layers counts, with commas; empty: all the same"
    )
    optimiser: Literal["lbfgs", "adam"] = Field(
        "lbfgs",
        description="how steps are taken; random directions (wasserstein) always use Adam",
        json_schema_extra={"advanced": True},
    )
    levels: int = Field(
        3, ge=1, le=5, description="sizes that Wei & Levoy go through", json_schema_extra={"advanced": True}
    )
    search: Literal["tree", "all"] = Field(
        "tree", description="how Wei & Levoy find the best match", json_schema_extra={"advanced": True}
    )
    coherence: float = Field(
        2.0,
        ge=0.0,
        le=10.0,
        description="how much worse a pixel may fit that goes on where a neighbour was copied from, as a share of the best "
        "match's squared distance, in Wei & Levoy; 0: the best match alone, as in their paper",
        json_schema_extra={"advanced": True, "step": 0.5},
    )
    smoothness: float = Field(
        0.0,
        ge=0.0,
        le=50.0,
        description="how much total variation is held down, by the methods with a network",
        json_schema_extra={"advanced": True},
    )
    rate: float = Field(
        ADAM_RATE,
        ge=0.001,
        le=0.2,
        description="learning rate of Adam; L-BFGS searches for its own",
        json_schema_extra={"advanced": True, "step": 0.001},
    )
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="seed of noise and choices", json_schema_extra={"advanced": True}
    )
    steering: tuple[str, ...] = Field((), description=STEERING)

    def input(self) -> Tensor:
        """The sample: the middle square of the picture, (1, 3, size, size) in [0, 1]."""
        side = self.size or self.network().input_size
        whole = to_input(open_image(self.image), round(side * self.zoom))
        top, left = ((length - side) // 2 for length in whole.shape[-2:])
        return whole[..., top : top + side, left : left + side].to(self.network().device)

    def run(self) -> Run:
        """Make the texture with one method, or with all of them in step; steered on the way."""
        return conducted(self, self._run(), self.steering)

    def _run(self) -> Run:
        refuse_too_large(self.side, self.memory(), self.network().device)
        tape = Tape()
        making: dict[str, Making] = {name: self.making(name) for name in self.methods}
        made = yield from in_step(making, tape, numbered=True)
        return self.finished(made, tape.frames)

    @property
    def methods(self) -> tuple[CopyMethod | NeuralMethod, ...]:
        """The methods at work."""
        return (*COPYING, *NEURAL) if self.method == "side-by-side" else (self.method,)

    def making(self, method: CopyMethod | NeuralMethod) -> Making:
        """One method at work."""
        if method in COPYING:
            return self.copying(method)
        matching = self.matching(cast(NeuralMethod, method))
        return matching if len(self.methods) == 1 else summed(matching)

    def copying(self, method: CopyMethod) -> Making:
        """Grow the texture pixel by pixel from pixels of the sample."""
        sample = self.input()[0].permute(1, 2, 0).cpu().numpy()
        window, random = 2 * self.reach + 1, np.random.default_rng(self.seed)
        if window >= min(sample.shape[:2]) // 2:
            raise ConvscopeError("style_errors.reach", reach=self.reach, most=(min(sample.shape[:2]) // 2 - 2) // 2)
        every = max(1, self.side**2 // CHUNKS)
        if method == "efros-leung":
            growing = efros_leung(sample, self.side, self.side, window, random, every)
        else:
            growing = wei_levoy(
                *(sample, self.side, self.side, window, self.levels, random),
                exact=self.search == "all",
                coherence=self.coherence,
                every=every,
            )
        count, grown = 0, None
        for count, grown in enumerate(growing, start=1):
            if (yield Step(min(count, CHUNKS), CHUNKS, self.preview(grown))):
                break
        assert grown is not None
        picture = to_tensor(shown(grown)).to(self.network().device)
        return Made(picture, grown.source.copy(), {}, count)

    def matching(self, method: NeuralMethod) -> Making:
        """Change noise until the network's layers have the statistics they have on the sample.

        The network sees the texture as one that closes on itself: what it would see at a border is not in the sample.
        """
        network, generator, sample = self.network(), self.generator(), self.input()
        measure = statistic(method, generator)
        conductor = Conductor(self, lambda now: now.plan(network, sample, measure, method))
        plan = conductor.plan()
        outcome: Outcome = yield from optimise(
            network.with_borders("circular"),
            Pixels(noise_in_colours_of(sample, self.side, generator), self.stepping(method).box),
            plan.objective,
            plan.optimiser,
            self.steps,
            relative=False,
            generator=generator,
            replan=conductor.follow,
        )
        return Made(outcome.last.clamp(0, 1), None, outcome.curves, outcome.steps)

    def plan(self, network: GraphModel, sample: Tensor, measure: Statistic, method: NeuralMethod) -> Plan:
        """The objective and the optimiser of one of the methods with a network."""
        layers = measured_layers(network, self.layers)
        style = style_objective(network.with_borders("replicate"), sample, layers, measure, self.layer_weights)
        colours = self.colour_weight * ColourDistance(sample)
        return Plan(style + colours + self.smoothness * TotalVariation(), self.stepping(method).begin())

    def preview(self, grown: Growth) -> np.ndarray:
        """A texture in growth, with where it is copied from beside it where there is room."""
        picture = shown(grown)
        if len(self.methods) > 1:
            return picture
        assert self.size is not None
        return np.hstack([picture, source_colours(grown.source, self.size)])

    def memory(self) -> int:
        """About how many bytes the run needs."""
        network, count = self.network(), len(self.methods)
        layers = measured_layers(network, self.layers)
        return memory_needed(network, layers, (self.side, self.side), self.steps, count)

    def largest_size(self) -> int | None:
        """The largest side that the memory that is free now allows; None where the system does not tell."""
        return largest_side(self.side, self.memory(), self.network().device)

    def noise(self) -> Tensor:
        """The noise image that distances are measured by: about the sample's mean colour, (1, 3, side, side) in [0, 1]."""
        colour, shape = self.input().mean((2, 3), keepdim=True).cpu(), (1, 3, self.side, self.side)
        return noise(shape, self.generator(), REFERENCE_NOISE, colour).clamp(0, 1).to(self.network().device)

    def stepping(self, method: NeuralMethod) -> Stepping:
        """How steps are taken by one of the methods with a network."""
        return Stepping(self.optimiser, method, self.rate)

    def finished(self, made: Mapping[str, Made], frames: tuple[np.ndarray, ...]) -> Result:
        """The textures, where copied pixels came from, and how near each is to the sample in every layer."""
        sample, names = self.input(), tuple(made)
        pictures = {name: to_pixels(one.picture) for name, one in made.items()}
        sources = {name: one.source for name, one in made.items() if one.source is not None}
        maps = {f"from {name}": source_colours(source, sample.shape[-1]) for name, source in sources.items()}
        rows = self.distances({name: one.picture for name, one in made.items()})
        sheet = grid(list(pictures.values()), numbers=range(1, len(names) + 1), columns=3)
        return self.result(
            arrays={
                "image": torch.cat([one.picture for one in made.values()]).cpu().numpy(),
                **{f"source: {name}": source for name, source in sources.items()},
                **{key: a for name, one in made.items() for key, a in curve_arrays(one.curves, f"{name}: ").items()},
            },
            pictures={
                **({"image": sheet} if len(made) > 1 else {}),
                **pictures,
                **maps,
                "sample": to_pixels(sample),
                "origin": source_colours(np.moveaxis(np.indices(sample.shape[-2:]), 0, -1), sample.shape[-1]),
            },
            scores={f"gram distance: {row['method']}": row["distance"] for row in rows if row["layer"] == "all"},
            tables={"distances": rows},
            frames=frames,
        )

    @torch.no_grad()
    def distances(self, textures: Mapping[str, Tensor]) -> list[dict[str, float | str]]:
        """The Gram distance of each texture to the sample, by layer and in all, as a share of that of a noise image."""
        network = self.network().with_borders("replicate")
        layers = measured_layers(network, self.layers)
        targets = network.activations(self.input(), layers)
        gram = Gram()

        def far(picture: Tensor) -> dict[str, float]:
            values = network.activations(picture, layers)
            return {layer: float(gram.distance(values[layer], gram.summary(targets[layer]))) for layer in layers}

        begun = far(self.noise())
        rows: list[dict[str, float | str]] = []
        for name, picture in textures.items():
            now = far(picture)
            rows += [{"method": name, "layer": layer, "distance": now[layer] / begun[layer]} for layer in layers]
            rows.append({"method": name, "layer": "all", "distance": sum(now.values()) / sum(begun.values())})
        return rows


def summed(making: Making) -> Making:
    """The same with one curve for the sum of all: beside other methods the terms of each would be too many."""
    sent: Sent = None
    while True:
        try:
            step = making.send(sent)
        except StopIteration as end:
            return end.value
        sent = yield replace(step, curves={"distance": sum(step.curves.values())})


def shown(grown: Growth) -> np.ndarray:
    """A texture in growth as pixels (H, W, 3) uint8, grey where nothing is yet."""
    seen = np.where(grown.known[..., None] | (grown.picture > 0), grown.picture, UNKNOWN)
    return np.rint(255 * seen).astype(np.uint8)


def source_colours(source: np.ndarray, side: int) -> np.ndarray:
    """Colour each pixel by where it was copied from: red grows downwards, green to the right; grey where it is unknown."""
    share = source / max(1, side - 1)
    colours = np.stack([share[..., 0], share[..., 1], 1 - share.mean(-1)], -1)
    return np.rint(255 * np.where(source[..., :1] < 0, UNKNOWN, colours)).astype(np.uint8)
