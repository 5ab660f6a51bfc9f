"""Class images: what a class, a channel, a neuron or a layer would most like to see."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from viz_core import models
from viz_core.errors import ConvscopeError
from viz_core.generate.canvas import Canvas, Fourier, Pixels, grey, noise
from viz_core.generate.facets import CENTRE, FACETS, Phase, facet_means, in_phases
from viz_core.generate.in_step import in_step
from viz_core.generate.loop import Outcome, Painting, activations, optimise
from viz_core.generate.objective import (
    Direction,
    LogProbability,
    Norm,
    Objective,
    Score,
    Strength,
    TotalVariation,
    Unit,
)
from viz_core.generate.optimiser import Adam, GradientDescent, NormalisedStep, Optimiser, Progress
from viz_core.generate.prior import Blur, ClipSmallContributions, ClipSmallPixels, Decay, Prior
from viz_core.generate.steering import STEERING, Conductor, Plan, conducted
from viz_core.generate.transform import LUCID, Roll, Transform
from viz_core.generate.twins import twins
from viz_core.images.datasets import open_dataset
from viz_core.images.refs import open_image
from viz_core.images.render import grid
from viz_core.images.tensor import to_input, to_pixels, to_tensor
from viz_core.models.graph import GraphModel
from viz_core.tape import Tape
from viz_core.technique import Result, Run, Section, Technique, check_channel

STANDARD, ROBUST = "bundled", "bundled-robust"
LEVELS = 255  # published step sizes count in these
FOURIER_RATE = 0.05
SMALL_START = 10 / LEVELS
CENTRE_START = (8 / LEVELS, 175 / LEVELS)  # spread and grey of Nguyen et al.

# Step sizes of 'rate' and 'progress' are those of pixels from 0 to 255, as published.
PUBLISHED = {"canvas": "pixels", "start": "noise", "transforms": "none", "blur": 0.0}
PRESETS: dict[str, dict[str, Any]] = {
    "simonyan": PUBLISHED | {"start": "grey", "optimiser": "step", "rate": 2.0, "steps": 100, "l2": 20.0},
    "certain": PUBLISHED
    | {"start": "grey", "optimiser": "step", "rate": 2.0, "steps": 100, "l2": 1.0, "measure": "probability"},
    "yosinski1": PUBLISHED
    | {"optimiser": "progress", "rate": 2.0, "most_rate": 100.0, "steps": 500}
    | {"blur": 0.5, "blur_every": 4, "small_pixels": 50.0},
    "yosinski2": PUBLISHED
    | {"optimiser": "gradient", "rate": 100.0, "steps": 750}
    | {"decay": 0.3, "small_pixels": 20.0},
    "yosinski3": PUBLISHED
    | {"optimiser": "gradient", "rate": 100.0, "steps": 1000}
    | {"decay": 0.0001, "blur": 1.0, "blur_every": 4},
    "yosinski4": PUBLISHED
    | {"optimiser": "progress", "rate": 2.0, "most_rate": 1e8, "steps": 1000}
    | {"blur": 0.5, "blur_every": 4, "small_contributions": 90.0},
    "lucid": {"canvas": "fourier", "optimiser": "adam", "rate": FOURIER_RATE, "steps": 512, "transforms": "lucid"},
}


class ClassImage(Technique):
    """Start from an empty picture and change it step by step so that a class or a neuron of the network likes it more.

    Simonyan et al. 2013; Yosinski et al. 2015; Olah et al. 2017.
    """

    slug: ClassVar[str] = "class-image"
    section: ClassVar[Section] = "generate"
    order: ClassVar[int] = 10
    icon: ClassVar[str] = "brush"
    live: ClassVar[bool] = True
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS
    steerable: ClassVar[tuple[str, ...]] = (
        *(
            "measure",
            "rate",
            "l2",
            "tv",
            "decay",
            "blur",
            "blur_every",
            "small_pixels",
            "small_contributions",
            "transforms",
        ),
    )

    goal: Literal["class", "channel", "neuron", "layer", "direction"] = Field(
        "class", description="what should like the picture: a class, a channel, its middle neuron, a layer, a direction"
    )
    target: int | str | None = Field(
        None, description="class, by number or English name; none: the first choice for the picture"
    )
    measure: Literal["score", "probability"] = Field(
        "score",
        description="what of a class should grow: its score before the softmax, or the logarithm of its probability",
        json_schema_extra={"advanced": True},
    )
    also: tuple[int, ...] = Field(
        (), description="further classes at the same time, by number", json_schema_extra={"widget": "classes"}
    )
    layer: str | None = Field(
        None,
        description="layer of the channel or neuron; empty: the last convolution",
        json_schema_extra={"widget": "layer"},
    )
    channel: int = Field(0, ge=0, description="channel of the layer")
    count: int = Field(1, ge=1, le=16, description="how many channels, from this one on")
    painter: Literal["robust", "itself"] = Field(
        "robust",
        description="who paints for the standard bundled network: its robust twin, whose pictures people recognise, or itself",
    )
    compare: Literal["one", "ladder", "twins", "starts", "facets", "centre"] = Field(
        "one",
        description="one picture; side by side the ladder of priors, the twins, several starts or a class's facets; "
        "or painted from the centre",
    )
    facets: int = Field(4, ge=2, le=8, description="how many facets")
    dataset: str = Field(
        "builtin", description="pictures to find the facets in: builtin, folder:PATH, torchvision:<name>"
    )
    steps: int = Field(60, ge=1, le=2000, description="how many steps", json_schema_extra={"step": 10})
    canvas: Literal["pixels", "fourier"] = Field(
        "pixels", description="what a step changes: pixels or Fourier coefficients"
    )
    start: Literal["grey", "noise", "picture"] = Field(
        "grey", description="the picture to start from", json_schema_extra={"advanced": True}
    )
    optimiser: Literal["step", "gradient", "progress", "adam"] = Field(
        "step",
        description="how steps are taken: of fixed size, rate times gradient, rate by wanted progress, Adam",
        json_schema_extra={"advanced": True},
    )
    rate: float = Field(
        3.0,
        ge=0.001,
        le=1000,
        description="step size: mean change of 255 ('step'), or the rate",
        json_schema_extra={"advanced": True, "step": 0.5, "widget": "number"},
    )
    l2: float = Field(
        0.0,
        ge=0,
        le=200,
        description="weight of the L2 prior, in score points",
        json_schema_extra={"advanced": True, "step": 1.0},
    )
    tv: float = Field(
        0.0,
        ge=0,
        le=500,
        description="weight of the total variation, in score points",
        json_schema_extra={"advanced": True, "step": 1.0},
    )
    decay: float = Field(
        0.0,
        ge=0,
        le=0.9,
        description="share of every pixel that fades in each step",
        json_schema_extra={"advanced": True, "step": 0.001, "widget": "number"},
    )
    blur: float = Field(
        0.7, ge=0, le=5, description="Gaussian blur, standard deviation in pixels", json_schema_extra={"step": 0.1}
    )
    blur_every: int = Field(
        4, ge=1, le=50, description="steps from one blur to the next", json_schema_extra={"advanced": True}
    )
    small_pixels: float = Field(
        0.0,
        ge=0,
        le=95,
        description="per cent of the faintest pixels set to grey",
        json_schema_extra={"advanced": True, "step": 5.0},
    )
    small_contributions: float = Field(
        0.0,
        ge=0,
        le=95,
        description="per cent of the least useful pixels set to grey",
        json_schema_extra={"advanced": True, "step": 5.0},
    )
    transforms: Literal["none", "jitter", "lucid"] = Field(
        "jitter", description="random changes before the network looks: none, small shifts, or shifts, zooms and turns"
    )
    most_rate: float = Field(
        100.0,
        ge=0.001,
        le=1e8,
        description="largest rate of 'progress'",
        json_schema_extra={"step": 10.0, "widget": "number", "advanced": True},
    )
    guided: bool = Field(False, description="guided ReLU on the way back", json_schema_extra={"advanced": True})
    size: int | None = Field(
        64,
        ge=32,
        le=512,
        description="side of the picture, pixels; empty: the network's own",
        json_schema_extra={"advanced": True},
    )
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="seed of everything random", json_schema_extra={"advanced": True}
    )
    begin: str | None = Field(
        None, description="picture to begin from, such as a frame of an earlier run; none: `start`"
    )
    steering: tuple[str, ...] = Field((), description=STEERING)

    def run(self) -> Run:
        """Paint what is asked for, one picture or several that keep pace, steered on the way."""
        return conducted(self, self._run(), self.steering)

    def _run(self) -> Run:
        if self.compare in ("facets", "centre"):
            return (yield from self._in_phases())
        paintings = self.paintings()
        if len(paintings) == 1:
            ((name, painting),) = paintings.items()
            outcome = yield from painting
            return self.finished({name: outcome}, outcome.frames)
        tape = Tape()
        outcomes = yield from in_step(paintings, tape, numbered=self.compare != "starts")
        return self.finished(outcomes, tape.frames)

    def _in_phases(self) -> Run:
        """Nguyen's runs: from the mean of each facet, or from grey noise with the middle painted most."""
        network, generator = self.network(), self.generator()
        side = self.size or network.input_size
        if self.compare == "centre":
            wish: Objective = LogProbability(self.units(network)) if self.goal == "class" else self.wish(network)
            start = noise((len(self.units(network)), 3, side, side), generator, *CENTRE_START)
            phases: tuple[Phase, ...] = CENTRE
        else:
            index = network.target_index(self.target, self.input())
            wish, phases = Score((index,)), FACETS
            means = yield from facet_means(
                network, index, open_dataset(self.dataset), side, self.facets, self.seed, self.steps
            )
            if means is None:
                raise ConvscopeError("generate_errors.no_facets")
            start = means
        objective, start = -1 * wish, start.to(network.device).clamp(0, 1)
        outcome = yield from in_phases(network, start, objective, phases, self.steps, generator)
        result = self.finished({"image": outcome}, outcome.frames)
        if self.compare == "centre":
            return result
        return replace(result, scores={**result.scores, **self._apart(network, outcome.best)})

    @torch.inference_mode()
    def _apart(self, network: GraphModel, pictures: Tensor) -> dict[str, float]:
        """How different the facets are: mean distance of their codes from each other, in lengths of a code."""
        layer = network.layer_names[-2]
        codes = activations(network, pictures, [layer])[layer].flatten(1)
        return {"facets_apart": float(torch.pdist(codes).mean() / codes.norm(dim=1).mean())}

    # What to paint

    def network(self) -> GraphModel:
        """The network that paints: the one chosen, or the robust twin of the standard one."""
        stands_in = self.painter == "robust" and self.model == STANDARD and ROBUST in twins(STANDARD)
        return models.load(ROBUST if stands_in else self.model, seed=self.seed)

    def paintings(self) -> dict[str, Painting]:
        """The optimisations to run side by side, by name."""
        if self.compare == "ladder":
            return {name: self._with(**rung).painting() for name, rung in LADDER.items()}
        if self.compare == "twins":
            target = self._target_name()
            return {name: self._twin(name)._with(target=target).painting() for name in twins(self.model)}
        if self.compare == "starts":
            return {
                f"{seed}": self._with(seed=seed, start="noise").painting() for seed in range(self.seed, self.seed + 4)
            }
        return {"image": self.painting()}

    def _with(self, **changes: Any) -> "ClassImage":
        return self.model_copy(update={"compare": "one", **changes})

    def _twin(self, name: str) -> "ClassImage":
        return self.model_copy(update={"model": name, "painter": "itself"})

    def painting(self) -> Painting:
        """One optimisation as the parameters say."""
        network, generator = self.network(), self.generator()
        if self.guided:
            network = network.with_relu("guided")
        conductor = Conductor(self, lambda now: now.plan(network))
        plan = conductor.plan()
        return optimise(
            network,
            self.make_canvas(network, generator),
            plan.objective,
            plan.optimiser,
            self.steps,
            transforms=plan.transforms,
            priors=plan.priors,
            relative=False,
            generator=generator,
            replan=conductor.follow,
        )

    def plan(self, network: GraphModel) -> Plan:
        """Everything but the canvas."""
        return Plan(self.objective(network), self.make_optimiser(), self.make_transforms(), self.make_priors())

    def units(self, network: GraphModel) -> tuple[int, ...]:
        """The classes or channels to paint; one picture for each."""
        if self.compare == "facets":
            return (network.target_index(self.target, self.input()),) * self.facets
        if self.goal == "class":
            wanted = [network.target_index(index, self.input()) for index in (self.target, *self.also)]
            return tuple(dict.fromkeys(wanted))
        if self.goal in ("channel", "neuron"):
            layer = self._layer(network)
            first = check_channel(network, layer, self.channel) or 0
            return tuple(range(first, min(first + self.count, network.layer(layer).shape[0])))
        return (0,)

    def objective(self, network: GraphModel) -> Objective:
        """What to make small: minus what should like the picture, plus the priors that are penalties."""
        return -1 * self.wish(network) + self.l2 * Norm() + self.tv * TotalVariation()

    def wish(self, network: GraphModel) -> Objective:
        """What should like the picture."""
        if self.goal == "class":
            kind = LogProbability if self.measure == "probability" else Score
            return kind(self.units(network))
        layer = self._layer(network)
        if self.goal == "layer":
            return Strength(layer)
        if self.goal == "direction":
            count = network.layer(layer).shape[0]
            return Direction(layer, torch.randn(count, generator=self.generator()).to(network.device) / count**0.5)
        return Unit(layer, self.units(network), at=(0.5, 0.5) if self.goal == "neuron" else None)

    def make_canvas(self, network: GraphModel, generator: torch.Generator) -> Canvas:
        """The canvas with its start."""
        side = self.size or network.input_size
        shape = (len(self.units(network)), 3, side, side)
        if self.begin is not None:
            picture = to_input(open_image(self.begin), side).to(network.device)
            return Fourier.of(picture) if self.canvas == "fourier" else Pixels(picture)
        if self.canvas == "fourier":
            return Fourier(shape, generator, device=network.device)
        if self.start == "picture":
            return Pixels(self.input().expand(shape[0], -1, -1, -1))
        start = noise(shape, generator, SMALL_START) if self.start == "noise" else grey(shape)
        return Pixels(start.to(network.device))

    def make_optimiser(self) -> Optimiser:
        """The optimiser, its step converted to pixels from 0 to 1."""
        if self.optimiser == "adam":
            return Adam(self.rate if self.canvas == "fourier" else self.rate / LEVELS)
        if self.optimiser == "gradient":
            return GradientDescent(self.rate / LEVELS**2)
        if self.optimiser == "progress":
            return Progress(self.rate, self.most_rate / LEVELS**2)
        return NormalisedStep(FOURIER_RATE * self.rate if self.canvas == "fourier" else self.rate / LEVELS)

    def make_priors(self) -> tuple[Prior, ...]:
        """The priors imposed after each step; on Fourier coefficients there are none."""
        if self.canvas == "fourier":
            return ()
        priors: list[tuple[bool, Prior]] = [
            (self.decay > 0, Decay(self.decay)),
            (self.blur > 0, Blur(self.blur, self.blur_every)),
            (self.small_pixels > 0, ClipSmallPixels(self.small_pixels)),
            (self.small_contributions > 0, ClipSmallContributions(self.small_contributions)),
        ]
        return tuple(prior for wanted, prior in priors if wanted)

    def make_transforms(self) -> tuple[Transform, ...]:
        """The random changes before the network looks."""
        side = self.size or self.network().input_size
        named: dict[str, tuple[Transform, ...]] = {"none": (), "jitter": (Roll(max(1, side // 16)),), "lucid": LUCID}
        return named[self.transforms]

    def _layer(self, network: GraphModel) -> str:
        return network.resolve_layer(self.layer)

    def _target_name(self) -> str:
        network = self.network()
        return network.class_names[self.units(network)[0]] if self.goal == "class" else str(self.target)

    # What came of it

    def finished(self, outcomes: Mapping[str, Outcome], frames: tuple[np.ndarray, ...]) -> Result:
        """The best pictures, rounded to 8 bits, and what the network says of them."""
        pictures = {name: outcome.best for name, outcome in outcomes.items()}
        tiles = [to_pixels(one) for batch in pictures.values() for one in batch]
        rows = [row for name, batch in pictures.items() for row in self._verdicts(name, batch)]
        names = [row["run"] if len(outcomes) > 1 else f"{self.goal} {row['unit']}" for row in rows]
        if self.compare == "facets":
            names = [f"facet {number}" for number in range(len(rows))]
        first = next(iter(outcomes.values()))
        curves = {
            f"curve: {name if len(outcomes) == 1 else f'{run}: {name}'}": np.asarray(values, np.float32)
            for run, outcome in outcomes.items()
            for name, values in outcome.curves.items()
        }
        return self.result(
            arrays={"image": torch.cat(list(pictures.values())).cpu().numpy(), **curves},
            pictures={"image": tiles[0]}
            if len(tiles) == 1
            else {"image": grid(tiles), **dict(zip(names, tiles, strict=True))},
            scores={
                "objective": first.objective,
                "steps": max(outcome.steps for outcome in outcomes.values()),
                "undone": sum(outcome.undone for outcome in outcomes.values()),
                **{key: rows[0][key] for key in ("class_index", "probability", "score")},
            },
            tables={"pictures": rows},
            frames=frames,
        )

    @torch.inference_mode()
    def _verdicts(self, run: str, pictures: Tensor) -> list[dict[str, Any]]:
        """For each picture as it is shown: the class meant (or seen first), its probability and its score."""
        technique = self._twin(run) if self.compare == "twins" else self
        network = technique.network()
        meant = technique.units(network) if self.goal == "class" else None
        rows = []
        for number, picture in enumerate(pictures):
            logits = network(to_tensor(to_pixels(picture)).to(network.device))[0]
            index = int(logits.argmax()) if meant is None else meant[number]
            rows.append(
                {
                    **{"run": run, "class_index": index, "class": network.class_names[index]},
                    **{"probability": float(logits.softmax(0)[index]), "score": float(logits[index])},
                    **{"unit": index if meant is not None else technique.units(network)[number]},
                }
            )
        return rows


NO_PRIOR = {
    **{"canvas": "pixels", "transforms": "none", "l2": 0.0, "tv": 0.0, "decay": 0.0, "blur": 0.0},
    **{"small_pixels": 0.0, "small_contributions": 0.0, "optimiser": "step", "rate": 3.0},
}
LADDER: dict[str, dict[str, Any]] = {
    "nothing": NO_PRIOR,
    "L2": NO_PRIOR | {"decay": 0.03},
    "blur": NO_PRIOR | {"decay": 0.01, "blur": 0.7, "blur_every": 4},
    "clips": NO_PRIOR
    | {"decay": 0.01, "blur": 0.7, "blur_every": 4, "small_pixels": 20.0, "small_contributions": 20.0},
    "Fourier": NO_PRIOR | {"canvas": "fourier", "optimiser": "adam", "rate": FOURIER_RATE, "transforms": "jitter"},
}
