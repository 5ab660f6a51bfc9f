"""Inversion: what a picture would look like that the network cannot tell from this one, seen at each depth."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import interpolate

from viz_core.generate.canvas import Canvas, Fourier, Pixels, noise
from viz_core.generate.in_step import in_step
from viz_core.generate.loop import Outcome, Painting, activations, optimise
from viz_core.generate.objective import Match, Norm, TotalVariation
from viz_core.generate.optimiser import LBFGS, Adam, GradientDescent, Optimiser
from viz_core.generate.steering import STEERING, Conductor, Plan, conducted
from viz_core.images.refs import open_image
from viz_core.images.render import grid
from viz_core.images.tensor import to_input, to_pixels
from viz_core.models.graph import GraphModel
from viz_core.tape import Tape
from viz_core.technique import Result, Run, Section, Sent, Technique

DEPTHS = 6
ALPHA = 6.0
# Mahendran & Vedaldi's code: 100 steps, then ten times shorter ones, then again; weights of the total variation by depth.
MV_SCHEDULE = ((100, 1.0), (200, 0.1), (100, 0.01))
MV_RATE, MV_MOMENTUM = 0.004, 0.9
MV_TV = (1.0, 10.0, 100.0)  # of the first third of the layers, the second, the last
OWN_TV = (1.0, 3.0, 10.0)
MV_ALPHA = 8e-10
LBFGS_HISTORY = 30
# Spread of the Fourier coefficients to begin with. Noise leaves details of the wrong sign that no small step can turn, so a
# single run begins with next to none; several are to differ in what the layer leaves open.
FAINT, LOUD = 1e-5, 0.01

OWN: dict[str, Any] = {"schedule": "own", "alpha": 0.0}
PRESETS: dict[str, dict[str, Any]] = {
    "quick": OWN | {"optimiser": "lbfgs", "canvas": "fourier", "steps": 40, "tv": 0.01},
    "faithful": OWN | {"optimiser": "lbfgs", "canvas": "fourier", "steps": 600, "tv": 0.0},
    "smooth": OWN | {"optimiser": "adam", "canvas": "pixels", "steps": 60, "tv": 1.0},
    "mahendran": {"schedule": "mahendran", "steps": 400},
}


class Inversion(Technique):
    """Start from noise and change it until a layer answers as it does to the picture; the deeper, the less is determined.

    Mahendran & Vedaldi 2015.
    """

    slug: ClassVar[str] = "inversion"
    section: ClassVar[Section] = "generate"
    order: ClassVar[int] = 40
    icon: ClassVar[str] = "settings_backup_restore"
    live: ClassVar[bool] = True
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS
    steerable: ClassVar[tuple[str, ...]] = ("tv", "beta", "alpha")

    layers: tuple[str, ...] = Field(
        (),
        description="layers to invert, side by side; none: six from shallow to deep",
        json_schema_extra={"widget": "layers"},
    )
    starts: int = Field(1, ge=1, le=4, description="how many random starts, to see what is not determined")
    steps: int = Field(40, ge=1, le=2000, description="how many steps", json_schema_extra={"step": 10})
    part: Literal["all", "half", "centre"] = Field(
        "all", description="what must agree: all of the layer, every second channel, or the 5 x 5 places in the middle"
    )
    schedule: Literal["own", "mahendran"] = Field(
        "own", description="your settings, or Mahendran and Vedaldi's schedule and weights"
    )
    optimiser: Literal["adam", "lbfgs"] = Field("lbfgs", description="how steps are taken")
    canvas: Literal["pixels", "fourier"] = Field(
        "fourier", description="what a step changes: pixels, or Fourier coefficients in decorrelated colours"
    )
    tv: float = Field(
        0.01,
        ge=0,
        le=20,
        description="weight of the total variation; three and ten times it for deeper layers",
        json_schema_extra={"step": 0.01, "widget": "number"},
    )
    beta: float = Field(
        2.0,
        ge=1,
        le=3,
        description="power of the total variation; 1 leaves spikes",
        json_schema_extra={"step": 0.5, "advanced": True},
    )
    alpha: float = Field(
        0.0,
        ge=0,
        le=10,
        description="weight of the sixth power of the pixels",
        json_schema_extra={"step": 0.1, "advanced": True},
    )
    size: int | None = Field(
        96,
        ge=32,
        le=512,
        description="short side of the picture, pixels; empty: the network's own",
        json_schema_extra={"advanced": True},
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of the noise", json_schema_extra={"advanced": True})
    begin: str | None = Field(None, description="picture to begin from, such as a frame of an earlier run; none: noise")
    steering: tuple[str, ...] = Field((), description=STEERING)

    def run(self) -> Run:
        """Invert every layer in step with the others, steered on the way."""
        return conducted(self, self._run(), self.steering)

    def _run(self) -> Run:
        x, tape = self.input(), Tape()
        paintings = {layer: _distance_alone(self.painting(layer, x)) for layer in self.depths()}
        outcomes = yield from in_step(paintings, tape)
        return self._finished(x, outcomes, tape)

    def depths(self) -> tuple[str, ...]:
        """The layers to invert: those chosen, or six ReLUs (or layers with positions) from the first to the last."""
        network = self.network()
        if self.layers:
            return tuple(network.resolve_layer(layer) for layer in self.layers)
        maps = [layer for layer in network.layers() if len(layer.shape) == 3 and layer.shape[1] * layer.shape[2] > 1]
        layers = [layer.name for layer in maps if layer.kind == "ReLU"] or [layer.name for layer in maps]
        places = np.unique(np.linspace(0, len(layers) - 1, min(DEPTHS, len(layers))).round().astype(int))
        return tuple(layers[place] for place in places)

    def painting(self, layer: str, x: Tensor) -> Painting:
        """The optimisation that makes noise agree with the picture x (1, 3, H, W) in one layer."""
        network, generator = self.network(), self.generator()
        with torch.no_grad():
            target = activations(network, x, [layer])[layer]
        match = Match(layer, target, self.mask(target))
        variance = float((x - network.mean).square().mean())
        conductor = Conductor(self, lambda now: now.plan(network, match, variance, x[0].numel()))
        plan = conductor.plan()
        return optimise(
            network,
            self.make_canvas(network, x, variance, generator),
            plan.objective,
            plan.optimiser,
            self.steps,
            relative=False,
            generator=generator,
            replan=conductor.follow,
        )

    def plan(self, network: GraphModel, match: Match, variance: float, numbers: int) -> Plan:
        """Everything but the canvas; `variance` and `numbers` are those of the picture about the mean colour."""
        third = self.third(network, match.layer)
        tv, alpha = self.tv * OWN_TV[third], self.alpha
        if self.schedule == "mahendran":
            tv, alpha = MV_TV[third] / 2 / variance, MV_ALPHA / 2 * 255 ** (ALPHA - 2) / variance
        objective = match + tv * TotalVariation(self.beta) + alpha * Norm(ALPHA, network.mean)
        return Plan(objective, self.make_optimiser(variance * numbers))

    def make_canvas(self, network: GraphModel, x: Tensor, variance: float, generator: torch.Generator) -> Canvas:
        """The canvas with its start: noise as strong as the picture, or the picture to begin from.

        L-BFGS must not be clipped, which would spoil what it knows of the curvature; its pixels are brought into [0, 1]
        in the end.
        """
        published = self.schedule == "mahendran"
        on_pixels = published or self.canvas == "pixels"
        if self.begin is None and not on_pixels:
            spread = FAINT if self.starts == 1 else LOUD
            return Fourier((self.starts, *x.shape[1:]), generator, spread, device=x.device)
        if self.begin is not None:
            start = to_input(open_image(self.begin), min(x.shape[-2:])).to(x.device)
            start = interpolate(start, x.shape[-2:], mode="bilinear").expand(self.starts, -1, -1, -1)
        else:
            start = noise((self.starts, *x.shape[1:]), generator, variance**0.5, network.mean.cpu()).to(x.device)
        if not on_pixels:
            return Fourier.of(start)
        return Pixels(start, box=None if published or self.optimiser == "lbfgs" else (0.0, 1.0))

    def mask(self, target: Tensor) -> Tensor | None:
        """Which activations must agree, as a mask that broadcasts to them; None for all."""
        if self.part == "half":
            mask = (torch.arange(target.shape[1], device=target.device) % 2 == 0).to(target.dtype)
            return mask.view(1, -1, *[1] * (target.dim() - 2))
        if self.part == "centre" and target.dim() == 4:
            rows, columns = (((torch.arange(side) - side // 2).abs() <= 2).to(target) for side in target.shape[-2:])
            return rows[:, None] * columns
        return None

    def make_optimiser(self, square: float) -> Optimiser:
        """The optimiser; Mahendran and Vedaldi's rates are for pictures of length 1, so they are times |x|^2, `square`."""
        if self.schedule == "mahendran":
            rates = [(steps, MV_RATE * share * square) for steps, share in MV_SCHEDULE]
            return GradientDescent(rates, MV_MOMENTUM)
        return Adam(0.05) if self.optimiser == "adam" else LBFGS(history=LBFGS_HISTORY)

    def third(self, network: GraphModel, layer: str) -> int:
        """Whether the layer lies in the first (0), second (1) or last (2) third of the network."""
        names = network.layer_names
        return min(2, 3 * names.index(layer) // len(names))

    def _finished(self, x: Tensor, outcomes: Mapping[str, Outcome], tape: Tape) -> Result:
        """The pictures of every layer, how well its features agree and how far the pictures are from the original."""
        original = x.cpu()
        images = {layer: outcome.best.cpu().clamp(0, 1) for layer, outcome in outcomes.items()}
        rows = [self._row(layer, outcomes[layer], pictures, original) for layer, pictures in images.items()]
        tiles = [to_pixels(picture) for pictures in images.values() for picture in pictures]
        names = [f"{layer} {start}" if self.starts > 1 else layer for layer in images for start in range(self.starts)]
        curves = {
            f"curve: {layer}: {name}": np.asarray(values, np.float32)
            for layer, outcome in outcomes.items()
            for name, values in outcome.curves.items()
        }
        columns = self.starts if self.starts > 1 else None
        return self.result(
            arrays={"image": torch.cat(list(images.values())).numpy(), **curves},
            pictures={
                **{"image": grid(tiles, columns, numbers=names), "picture": to_pixels(original)},
                **dict(zip(names, tiles, strict=True)),
            },
            scores={
                "steps": max(outcome.steps for outcome in outcomes.values()),
                "undone": sum(outcome.undone for outcome in outcomes.values()),
                "psnr_first": rows[0]["psnr"],
                "psnr_last": rows[-1]["psnr"],
            },
            tables={"layers": rows},
            frames=tape.frames,
        )

    def _row(self, layer: str, outcome: Outcome, pictures: Tensor, original: Tensor) -> dict[str, Any]:
        difference = (pictures - original).square().mean((1, 2, 3))
        spread = float(pictures.std(0, correction=0).mean()) * 255 if len(pictures) > 1 else 0.0
        match = outcome.curves[f"distance in {layer}"]
        return {
            "layer": layer,
            "feature_error": float(self._distance(layer, pictures, original)),
            "first_error": match[0] ** 0.5,
            "psnr": float((-10 * difference.clamp_min(1e-10).log10()).mean()),
            "starts_differ": spread,
        }

    @torch.inference_mode()
    def _distance(self, layer: str, pictures: Tensor, original: Tensor) -> Tensor:
        """The relative error |a - a0| / |a0| of the layer's features, mean over the starts, where they had to agree."""
        network = self.network()
        target = activations(network, original.to(network.device), [layer])[layer]
        found = activations(network, pictures.to(network.device), [layer])[layer]
        mask = self.mask(target)
        keep = 1.0 if mask is None else mask
        return (((found - target) * keep).flatten(1).norm(dim=1) / (target * keep).norm()).mean()


def _distance_alone(painting: Painting) -> Painting:
    """The painting with one curve to watch: the distance of the features, the first of its terms."""
    sent: Sent = None
    while True:
        try:
            step = painting.send(sent)
        except StopIteration as end:
            return end.value
        sent = yield replace(step, curves={"distance": next(iter(step.curves.values()))})
