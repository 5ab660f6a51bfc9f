"""Style transfer: what one picture shows, painted the way another is."""

import math
from collections.abc import Generator
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import interpolate

from viz_core.generate.canvas import Pixels, noise
from viz_core.generate.colour import brightness, match_colours, with_colours_of
from viz_core.generate.loop import Loop, Outcome, optimise
from viz_core.generate.objective import Match, Objective, TotalVariation
from viz_core.generate.optimiser import LBFGS, Adam, GradientDescent, Optimiser
from viz_core.generate.style_statistics import (
    StatisticName,
    content_layer,
    statistic,
    style_layers,
    style_objective,
)
from viz_core.generate.tape import Tape
from viz_core.images.refs import open_image
from viz_core.images.render import heatmap
from viz_core.images.tensor import to_input, to_pixels
from viz_core.models.graph import GraphModel
from viz_core.technique import Result, Run, Section, Sent, Step, Technique

SMALLEST = 48  # short side of the coarsest size, pixels
NOISE = 0.05  # what the network does not see of it stays to the end
ADAM_RATE = 0.03
CONTENT, STYLE, SECOND, SMOOTH = "content", "style", "second style", "smoothness"


class Style(Technique):
    """Paint what a picture shows the way another picture is painted, by optimising the pixels.

    Gatys, Ecker & Bethge 2016.
    """

    slug: ClassVar[str] = "style"
    section: ClassVar[Section] = "generate"
    order: ClassVar[int] = 60
    icon: ClassVar[str] = "brush"
    live: ClassVar[bool] = True

    style: str = Field("sample:strokes", description="the picture whose manner to take: sample:<name> or a path")
    second_style: str | None = Field(None, description="a second manner to mix in, or to paint outside the mask with")
    blend: float = Field(0.5, ge=0.0, le=1.0, description="share of the second style, where there is no mask")
    mask: str | None = Field(
        None, description="picture whose bright places are painted; dark ones take the second style or stay"
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
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of the noise", json_schema_extra={"advanced": True})

    def run(self) -> Run:
        """Paint at every size, each beginning with the painting of the one before."""
        network, whole = self.network(), self.input()
        generator, tape = self.generator(), Tape()
        curves: dict[str, list[float]] = {}
        shapes = self.shapes(whole)
        painting, objective, done = self.first(whole, shapes[0], generator), None, 0
        for shape in shapes:
            x = resized(whole, shape)
            objective = self.objective(network, x)
            outcome = yield from self.paint(network, objective, x, resized(painting, shape), generator, tape, done)
            painting, done = outcome.last.clamp(0, 1), done + outcome.steps
            for name, values in outcome.curves.items():
                curves.setdefault(name, []).extend(values)
            if outcome.stopped:
                break
        assert objective is not None
        pulls = self.pulls(network, painting)
        return self.finished(whole, painting, curves, pulls, str(objective), tape.frames)

    def paint(
        self,
        network: GraphModel,
        objective: Objective,
        x: Tensor,
        start: Tensor,
        generator: torch.Generator,
        tape: Tape,
        done: int,
    ) -> Generator[Step, Sent, Outcome]:
        """The optimisation at one size, for the content x and from a start, both (1, 3, h, w)."""
        return (
            yield from optimise(
                network,
                Pixels(start, project=self.keep_outside(x)),
                objective,
                self.make_optimiser(),
                self.steps,
                relative=False,
                generator=generator,
                tape=tape,
                preview=lambda picture: to_pixels(resized(self.shown(picture, x), self.input().shape[-2:])),
                before=done,
                total=self.sizes * self.steps,
            )
        )

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

    def keep_outside(self, x: Tensor):
        """What brings the places outside the mask back to the content, where no second style is painted there."""
        where = self.region(x)
        if where is None or self.second_style is not None:
            return None
        content = self.seen(x)
        return lambda painting: content + where * (painting - content)

    def parts(self, network: GraphModel, x: Tensor) -> dict[str, Objective]:
        """The parts of the objective by name, each with its weight, for the content x (1, 3, h, w)."""
        where, layers = self.region(x), self.style_layers(network)
        measure = statistic(self.statistic, self.generator())
        layer = network.resolve_layer(self.content_layer) if self.content_layer else content_layer(network)
        with torch.no_grad():
            content = Match(layer, network.activations(self.seen(x), layer)[layer])

        def style(ref: str, share: float, where: Tensor | None, label: str) -> Objective:
            picture = self.manner(ref, x)
            weights = self.layer_weights
            return (
                share
                * self.style_weight
                * style_objective(network, picture, layers, measure, weights, where=where, label=label)
            )

        parts: dict[str, Objective] = {CONTENT: self.content_weight * content}
        if self.second_style is None:
            parts[STYLE] = style(self.style, 1.0, where, "")
        elif where is None:
            parts[STYLE] = style(self.style, 1 - self.blend, None, "")
            parts[SECOND] = style(self.second_style, self.blend, None, " 2")
        else:
            parts[STYLE] = style(self.style, 1.0, where, "")
            parts[SECOND] = style(self.second_style, 1.0, 1 - where, " 2")
        parts[SMOOTH] = self.smoothness * TotalVariation()
        return parts

    def objective(self, network: GraphModel, x: Tensor) -> Objective:
        """What to make small: the weighted distances to content and style, and roughness."""
        parts = list(self.parts(network, x).values())
        return sum(parts[1:], parts[0])

    def style_layers(self, network: GraphModel) -> tuple[str, ...]:
        """The layers that say what the style is."""
        return tuple(network.resolve_layer(name) for name in self.layers) or style_layers(network)

    def make_optimiser(self) -> Optimiser:
        """L-BFGS wants the same question at every step, so random directions go with Adam."""
        return Adam(ADAM_RATE) if self.optimiser == "adam" or self.statistic == "wasserstein" else LBFGS()

    def pulls(self, network: GraphModel, painting: Tensor) -> dict[str, np.ndarray]:
        """How strongly each part of the objective pulls at each pixel of the painting: (H, W) by name."""
        x = resized(self.input(), painting.shape[-2:])
        strengths = {}
        for name, part in self.parts(network, x).items():
            canvas = Pixels(painting)
            Loop(network, canvas, part, GradientDescent(0.0), relative=False).evaluate()
            gradient = canvas.values.grad
            assert gradient is not None  # the evaluation leaves one
            strengths[name] = gradient[0].norm(dim=0).cpu().numpy()
        return strengths

    def memory(self) -> int:
        """About how many bytes the run needs at its largest size: activations with their gradients, and L-BFGS's past steps."""
        network, x = self.network(), self.input()
        layers = network.layers((x.shape[-2], x.shape[-1]))
        wanted = {*self.style_layers(network), self.content_layer or content_layer(network)}
        deepest = max(place for place, layer in enumerate(layers) if layer.name in wanted)
        numbers = sum(math.prod(layer.shape) for layer in layers[: deepest + 1])
        return 4 * (2 * numbers + 24 * x.numel())

    def finished(
        self,
        whole: Tensor,
        painting: Tensor,
        curves: dict[str, list[float]],
        pulls: dict[str, np.ndarray],
        objective: str,
        frames: tuple[np.ndarray, ...],
    ) -> Result:
        """The painting with its curves, and which part of the objective pulls where."""
        x = resized(whole, painting.shape[-2:])
        picture = self.shown(painting, x)
        sums = {name: values[-1] for name, values in curves.items()}
        strength = {name: float(values.mean()) for name, values in pulls.items()}
        total = sum(strength.values()) or 1.0
        return self.result(
            arrays={
                "image": picture.cpu().numpy(),
                **{f"curve: {name}": np.asarray(values, np.float32) for name, values in curves.items()},
                **{f"pull: {name}": values for name, values in pulls.items()},
            },
            pictures={
                "painting": to_pixels(picture),
                "content": to_pixels(x),
                "style": to_pixels(self.manner(self.style, x)),
                **({} if self.second_style is None else {"second style": to_pixels(self.manner(self.second_style, x))}),
                **{f"pull of {name}": heatmap(values) for name, values in pulls.items()},
            },
            scores={
                "objective": objective,
                "steps": max(map(len, curves.values())),
                **{f"last {name}": value for name, value in sums.items()},
                **{f"pull of {name}": value / total for name, value in strength.items()},
            },
            frames=frames,
        )


def resized(picture: Tensor, shape: tuple[int, int] | torch.Size) -> Tensor:
    """A picture (1, C, H, W) at another size (height, width), in [0, 1]."""
    if tuple(picture.shape[-2:]) == tuple(shape):
        return picture
    return interpolate(picture, tuple(shape), mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)
