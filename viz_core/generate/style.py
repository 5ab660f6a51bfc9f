"""Style transfer: what one picture shows, painted the way another is."""

import itertools
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import interpolate

from viz_core.errors import ConvscopeError
from viz_core.generate.canvas import Pixels, by_pixel, noise
from viz_core.generate.colour import brightness, match_colours, with_colours_of
from viz_core.generate.loop import Outcome, Painting, optimise
from viz_core.generate.matching import (
    Stepping,
    curve_arrays,
    largest_side,
    measured_layers,
    memory_needed,
    refuse_too_large,
    undisturbed,
)
from viz_core.generate.objective import Match, Objective, TotalVariation
from viz_core.generate.steering import STEERING, Conductor, Plan, conducted
from viz_core.generate.style_statistics import StatisticName, content_layer, statistic, style_objective
from viz_core.generate.tug_of_war import Colour, TugOfWar
from viz_core.images.refs import open_image
from viz_core.images.render import heatmap
from viz_core.images.tensor import to_input, to_pixels
from viz_core.memory import forget_frames, free_memory, is_out_of_memory
from viz_core.models.graph import GraphModel
from viz_core.tape import Tape
from viz_core.technique import Result, Run, Section, Sent, Step, Technique

SMALLEST = 48  # short side of the coarsest size, pixels
NOISE = 0.05  # what the network does not see of it stays to the end
ADAM_RATE = 0.03
LOOK_EVERY = 10  # steps between two looks at who pulls where
BACK_OFF = 0.7  # of the size, where memory ran out
CONTENT, STYLE, OTHERS, SMOOTH = "content", "style", "other styles", "smoothness"
MOST_OTHERS = 3
COLOURS: dict[str, Colour] = {
    CONTENT: (42, 143, 181),
    STYLE: (230, 134, 44),
    OTHERS: (139, 92, 190),
    SMOOTH: (138, 146, 150),
}


@dataclass
class Progress:
    """What a run has gathered: steps and curves over all sizes, its film, who pulled where, and the objective in words."""

    tape: Tape = field(default_factory=Tape)
    tug: TugOfWar = field(default_factory=lambda: TugOfWar(COLOURS))
    curves: dict[str, list[float]] = field(default_factory=dict)
    done: int = 0
    objective: str = ""
    backed_off: bool = False

    def take(self, outcome: Outcome) -> None:
        """Add what was painted at one size."""
        self.done += outcome.steps
        self.objective = outcome.objective
        for name, values in outcome.curves.items():
            self.curves.setdefault(name, []).extend(values)


class Style(Technique):
    """Paint what a picture shows the way another picture is painted, by optimising the pixels.

    Gatys, Ecker & Bethge 2016.
    """

    slug: ClassVar[str] = "style"
    section: ClassVar[Section] = "generate"
    order: ClassVar[int] = 60
    icon: ClassVar[str] = "brush"
    live: ClassVar[bool] = True
    steerable: ClassVar[tuple[str, ...]] = (
        *("style_weight", "content_weight", "smoothness", "rate", "shares", "layer_weights", "mask"),
    )

    style: str = Field("sample:strokes", description="the picture whose manner to take: sample:<name> or a path")
    other_styles: tuple[str, ...] = Field(
        (),
        description="further manners to mix in, or to paint outside the mask with, with commas",
        max_length=MOST_OTHERS,
    )
    shares: tuple[float, ...] = Field(
        (), description="how much each of the manners counts, `style` first, with commas; empty: all the same"
    )
    mask: str | None = Field(
        None, description="picture whose bright places are painted; dark ones take the other styles or stay"
    )
    style_weight: float = Field(
        10.0, ge=0.0, le=100.0, description="how much the style counts", json_schema_extra={"step": 0.5}
    )
    content_weight: float = Field(
        1.0, ge=0.0, le=10.0, description="how much what is shown counts", json_schema_extra={"step": 0.1}
    )
    statistic: StatisticName = Field("gram", description="what of a layer makes the style")
    size: int | None = Field(192, ge=64, le=768, description="short side of the painting, pixels")
    sizes: int = Field(2, ge=1, le=4, description="how many sizes to go through, each twice the one before")
    steps: int = Field(40, ge=1, le=1000, description="steps at each size")
    colours: Literal["style", "match", "luminance"] = Field(
        "style", description="whose colours: the style's, the style's moved to the picture's, or the picture's kept"
    )
    start: Literal["content", "style", "noise"] = Field("content", description="what the painting begins as")
    layers: tuple[str, ...] = Field(
        (),
        description="layers that say what the style is, with commas; empty: the first at each resolution",
        json_schema_extra={"widget": "layers", "kinds": ["ReLU", "Conv2d"], "advanced": True},
    )
    layer_weights: tuple[float, ...] = Field(
        (), description="how much each of these layers counts, with commas; empty: all the same"
    )
    content_layer: str | None = Field(
        None,
        description="layer that says what is shown; empty: the last before the third halving",
        json_schema_extra={"widget": "layer", "kinds": ["ReLU", "Conv2d"], "advanced": True},
    )
    style_zoom: float = Field(
        1.0,
        ge=0.5,
        le=3.0,
        description="size of the style picture against the painting",
        json_schema_extra={"advanced": True},
    )
    smoothness: float = Field(
        2.0, ge=0.0, le=50.0, description="how much total variation is held down", json_schema_extra={"advanced": True}
    )
    optimiser: Literal["lbfgs", "adam"] = Field(
        "lbfgs",
        description="how steps are taken; random directions (wasserstein) always use Adam",
        json_schema_extra={"advanced": True},
    )
    rate: float = Field(
        ADAM_RATE,
        ge=0.001,
        le=0.2,
        description="learning rate of Adam; L-BFGS searches for its own",
        json_schema_extra={"advanced": True, "step": 0.001},
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of the noise", json_schema_extra={"advanced": True})
    steering: tuple[str, ...] = Field((), description=STEERING)

    def run(self) -> Run:
        """Paint at every size, each beginning with the painting of the one before; steered on the way."""
        return conducted(self, self._run(), self.steering)

    def _run(self) -> Run:
        network, whole = self.network(), self.input()
        refuse_too_large(min(whole.shape[-2:]), self.memory(), network.device)
        generator, progress, now = self.generator(), Progress(), self
        waiting = self.shapes(whole)
        painting = self.first(whole, waiting[0], generator)
        while waiting:
            shape = waiting.pop(0)
            try:
                outcome, now = yield from now.paint(
                    network, whole, resized(painting, shape), generator, progress, len(waiting)
                )
            except (RuntimeError, MemoryError) as problem:
                smaller = tuple(round(BACK_OFF * length) for length in shape)
                if not is_out_of_memory(problem) or min(smaller) < SMALLEST:
                    raise
                waiting, progress.backed_off = [(smaller[0], smaller[1])], True
                forget_frames(problem)
                free_memory()
                continue
            painting = outcome.last.clamp(0, 1)
            progress.take(outcome)
            if outcome.stopped:
                break
        return now.finished(whole, painting, progress)

    def paint(
        self,
        network: GraphModel,
        whole: Tensor,
        start: Tensor,
        generator: torch.Generator,
        progress: Progress,
        later: int,
    ) -> Generator[Step, Sent, "tuple[Outcome, Style]"]:
        """The optimisation at the size of the start (1, 3, h, w), with so many sizes to come.

        Returns its outcome, and the technique as it was steered.
        """
        x, parts = resized(whole, start.shape[-2:]), dict[str, Objective]()
        content, inside = self.seen(x), [self.only_inside(x)]

        def plan(technique: Style) -> Plan:
            inside[0] = technique.only_inside(x)
            parts.clear()
            parts.update(technique.parts(network, x, generator))
            return Plan(total(parts), technique.stepping.begin())

        def preview(picture: Tensor) -> np.ndarray:
            return to_pixels(resized(self.shown(picture, x), whole.shape[-2:]))

        conductor = Conductor(self, plan)

        def show(values: Tensor) -> Tensor:
            return values if inside[0] is None else content + inside[0] * (values - content)

        canvas = Pixels(start, self.stepping.box, show=show, by_pixel=True)

        def look(step: int, sound: bool = True) -> None:
            # Random directions differ from those of the gradient that is there; within a mask it ends at the border.
            is_known = sound and self.statistic != "wasserstein" and inside[0] is None
            with undisturbed(generator):
                known = canvas.values.grad if is_known else None
                progress.tug.look(step, network, canvas.picture(), parts, known)

        first = conductor.plan()
        painting = optimise(
            network,
            canvas,
            first.objective,
            first.optimiser,
            self.steps,
            relative=False,
            generator=generator,
            replan=conductor.follow,
            preview=preview,
            before=progress.done,
            total=progress.done + (1 + later) * self.steps,
        )
        outcome = yield from watched(painting, progress, look)
        look(progress.done + outcome.steps, sound=not outcome.stopped)
        return outcome, conductor.now

    def shapes(self, x: Tensor) -> list[tuple[int, int]]:
        """The sizes (height, width) to go through, smallest first."""
        factors = [max(0.5**level, min(1.0, SMALLEST / min(x.shape[-2:]))) for level in reversed(range(self.sizes))]
        return [(round(x.shape[-2] * factor), round(x.shape[-1] * factor)) for factor in factors]

    def first(self, x: Tensor, shape: tuple[int, int], generator: torch.Generator) -> Tensor:
        """What the painting begins as, (1, 3, *shape)."""
        if self.start == "noise":
            return noise((1, 3, *shape), generator, NOISE).clamp(0, 1).to(x.device)
        if self.start == "style":
            return resized(self.manner(self.style, resized(x, shape)), shape)
        return resized(self.seen(x), shape)

    def seen(self, x: Tensor) -> Tensor:
        """The content as the optimisation sees it: in grey where only brightness is painted."""
        return brightness(x) if self.colours == "luminance" else x

    def shown(self, painting: Tensor, x: Tensor) -> Tensor:
        """The painting as people see it: with the colours of the content x where only brightness is painted."""
        return with_colours_of(painting.clamp(0, 1), x) if self.colours == "luminance" else painting.clamp(0, 1)

    def manner(self, ref: str, x: Tensor) -> Tensor:
        """A style picture, scaled and coloured for the content x (1, 3, h, w) at its size."""
        side = max(SMALLEST, round(min(x.shape[-2:]) * self.style_zoom))
        picture = to_input(open_image(ref), side).to(x.device)
        if self.colours == "match":
            return match_colours(picture, x)
        return brightness(picture) if self.colours == "luminance" else picture

    def region(self, x: Tensor) -> Tensor | None:
        """The mask at the size of x: (1, 1, h, w), 1 where the style goes; None for everywhere."""
        if self.mask is None:
            return None
        return resized(brightness(to_input(open_image(self.mask), min(x.shape[-2:])))[:, :1].to(x.device), x.shape[-2:])

    def only_inside(self, x: Tensor) -> Tensor | None:
        """The region that alone is painted, as in `region`; None where everything is."""
        return None if self.other_styles else self.region(x)

    def parts(self, network: GraphModel, x: Tensor, generator: torch.Generator) -> dict[str, Objective]:
        """The parts of the objective by name, each with its weight, for the content x (1, 3, h, w).

        Random directions come from the generator.
        """
        where, layers = self.region(x), measured_layers(network, self.layers)
        measure = statistic(self.statistic, generator)
        layer = network.resolve_layer(self.content_layer) if self.content_layer else content_layer(network)
        inside = self.only_inside(x)
        with torch.no_grad():
            shown = network.activations(by_pixel(self.seen(x)), layer)[layer]
            # as much of what is shown for each pixel of style, however small the region
            content = Match(
                layer, shown, None if inside is None else interpolate(inside, shown.shape[-2:], mode="area")
            )

        def style(number: int, share: float, where: Tensor | None) -> Objective:
            picture, label = self.manner(self.manners[number], x), "" if number == 0 else f" ({number + 1})"
            distance = style_objective(network, picture, layers, measure, self.layer_weights, where=where, label=label)
            return share * self.style_weight * distance

        shares = self.manner_shares()
        if where is not None:
            rest = sum(shares[1:]) or 1.0
            shares = (1.0, *(share / rest for share in shares[1:]))
        outside = None if where is None else 1 - where
        parts: dict[str, Objective] = {CONTENT: self.content_weight * content, STYLE: style(0, shares[0], where)}
        if self.other_styles:
            others = [style(number, share, outside) for number, share in enumerate(shares) if number]
            parts[OTHERS] = sum(others[1:], others[0])
        parts[SMOOTH] = self.smoothness * TotalVariation()
        return parts

    @property
    def manners(self) -> tuple[str, ...]:
        """All style pictures, the first one first."""
        return (self.style, *self.other_styles)

    def manner_shares(self) -> tuple[float, ...]:
        """How much each manner counts, summing to 1; raises ConvscopeError where there are not as many shares."""
        manners, shares = self.manners, self.shares
        if not shares:
            return (1 / len(manners),) * len(manners)
        if len(shares) != len(manners) or min(shares) < 0 or sum(shares) <= 0:
            raise ConvscopeError("style_errors.shares", styles=len(manners), shares=len(shares))
        return tuple(share / sum(shares) for share in shares)

    def objective(self, network: GraphModel, x: Tensor) -> Objective:
        """What to make small: the weighted distances to content and style, and roughness."""
        return total(self.parts(network, x, self.generator()))

    @property
    def stepping(self) -> Stepping:
        """How steps are taken."""
        return Stepping(self.optimiser, self.statistic, self.rate)

    def memory(self) -> int:
        """About how many bytes the run needs at its largest size."""
        network, shape = self.network(), self.input().shape[-2:]
        layers = {*measured_layers(network, self.layers), self.content_layer or content_layer(network)}
        return memory_needed(network, layers, (shape[0], shape[1]), self.sizes * self.steps)

    def largest_size(self) -> int | None:
        """The largest short side that the memory that is free now allows; None where the system does not tell."""
        return largest_side(min(self.input().shape[-2:]), self.memory(), self.network().device)

    def finished(self, whole: Tensor, painting: Tensor, progress: Progress) -> Result:
        """The painting with its curves, and which part of the objective pulls where."""
        x, tug = resized(whole, painting.shape[-2:]), progress.tug
        picture = self.shown(painting, x)
        return self.result(
            arrays={
                "image": picture.cpu().numpy(),
                **curve_arrays(progress.curves),
                **{f"pull: {name}": values for name, values in tug.strengths.items()},
                "looks": np.asarray(tug.steps),
                **{f"share: {name}": np.asarray([look[name] for look in tug.shares]) for name in tug.strengths},
            },
            pictures={
                "painting": to_pixels(picture),
                "content": to_pixels(x),
                **{
                    f"style {number + 1}" if number else "style": to_pixels(self.manner(ref, x))
                    for number, ref in enumerate(self.manners)
                },
                "tug of war": tug.map(),
                **{f"pull of {name}": heatmap(values) for name, values in tug.strengths.items()},
            },
            scores={
                "objective": progress.objective,
                "steps": progress.done,
                "backed off": progress.backed_off,
                **{f"last {name}": values[-1] for name, values in progress.curves.items()},
                **{f"pull of {name}": share for name, share in tug.shares[-1].items()},
            },
            frames=progress.tape.frames,
        )


def total(parts: dict[str, Objective]) -> Objective:
    """The sum of the parts of an objective."""
    first, *others = parts.values()
    return sum(others, first)


def by_part(curves: Mapping[str, float]) -> dict[str, float]:
    """The terms of one step added up by the part of the objective they belong to."""
    sums: dict[str, float] = {}
    for name, value in curves.items():
        part = CONTENT if name.startswith("distance") else SMOOTH if name.startswith("TV") else STYLE
        sums[part] = sums.get(part, 0.0) + value
    return sums


def watched(painting: Painting, progress: Progress, look: Callable[[int], None]) -> Painting:
    """The painting with its film kept; its previews have beside them who pulls where, looked at every few steps."""
    sent: Sent = None
    for count in itertools.count():
        try:
            step = painting.send(sent)
        except StopIteration as end:
            return end.value
        assert step.preview is not None  # the loop shows every step
        progress.tape.add(step.preview)
        if count % LOOK_EVERY == 0:
            look(step.done)
        sent = yield replace(step, preview=progress.tug.beside(step.preview), curves=by_part(step.curves))
    raise AssertionError("a painting ends")


def resized(picture: Tensor, shape: tuple[int, int] | torch.Size) -> Tensor:
    """A picture (1, C, H, W) at another size (height, width), in [0, 1]."""
    if tuple(picture.shape[-2:]) == tuple(shape):
        return picture
    return interpolate(picture, tuple(shape), mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)
