"""Fooling: a change that people hardly see and that makes the network see something else."""

from collections.abc import Generator, Mapping
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from viz_core.errors import ConvscopeError
from viz_core.generate.canvas import Pixels, ball, noise
from viz_core.generate.deepfool import deepfool
from viz_core.generate.hog import HogMatch, hog
from viz_core.generate.loop import Outcome, Painting, optimise
from viz_core.generate.objective import LogProbability, Norm
from viz_core.generate.one_pixel import one_pixel
from viz_core.generate.optimiser import Adam, NormalisedStep
from viz_core.generate.probe import along, as_shown, crop_probabilities
from viz_core.generate.twins import bundled_twins
from viz_core.images.refs import open_image
from viz_core.images.render import grid
from viz_core.images.tensor import to_input, to_pixels
from viz_core.models.graph import GraphModel
from viz_core.tape import Tape
from viz_core.technique import Result, Run, Section, Sent, Step, Technique

LEVELS = 255
MADRY = 2.5  # steps of PGD are this times epsilon / steps
LINE_POINTS = 25
CROPS = 12
PEOPLE = 48
NOISE_SPREAD = 0.15
SURVIVAL = 1.05  # each try to survive rounding makes the change this much larger
MOST_SURVIVALS = 60
STRENGTHS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # of 255
STRENGTH_STEPS = 10

PRESETS: dict[str, dict[str, Any]] = {
    "until_fooled": {"attack": "gradient", "aim": "towards", "start": "picture", "confidence": 0.5},
    "from_noise": {"attack": "gradient", "aim": "towards", "start": "noise", "confidence": 0.996, "step": 1.0},
    "fgsm": {"attack": "fgsm", "aim": "away", "epsilon": 8.0},
    "pgd_linf": {"attack": "pgd", "norm": "linf", "aim": "away", "epsilon": 8.0, "steps": 10},
    "pgd_l2": {"attack": "pgd", "norm": "l2", "aim": "away", "epsilon": 2.0, "steps": 20},
    "deepfool": {"attack": "deepfool", "aim": "away", "steps": 50},
    "strength": {"attack": "strength"},
}


class Fooling(Technique):
    """Change a picture as little as possible so that the network sees another class in it.

    Szegedy et al. 2013; Goodfellow et al. 2014; Moosavi-Dezfooli et al. 2016; Madry et al. 2018.
    """

    slug: ClassVar[str] = "fooling"
    section: ClassVar[Section] = "generate"
    order: ClassVar[int] = 20
    icon: ClassVar[str] = "theater_comedy"
    live: ClassVar[bool] = True
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS

    attack: Literal["gradient", "fgsm", "pgd", "deepfool", "pixel", "hog", "strength"] = Field(
        "gradient",
        description="how: gradient steps until fooled, FGSM, PGD, DeepFool, one pixel, a collision of HOG features, or PGD "
        "of growing strength on each twin",
    )
    target: int | str | None = Field(None, description="class to be seen; none: one drawn by the seed")
    aim: Literal["towards", "away"] = Field("towards", description="towards the class, or away from what is seen now")
    start: Literal["picture", "noise"] = Field("picture", description="the picture, or noise")
    epsilon: float = Field(
        8.0,
        ge=0,
        le=64,
        description="largest change, of 255: of any number (linf) or on average (l2)",
        json_schema_extra={"step": 0.5},
    )
    norm: Literal["linf", "l2"] = Field("linf", description="how PGD measures a change")
    steps: int = Field(100, ge=1, le=500, description="most steps")
    step: float = Field(
        0.5, ge=0.05, le=10, description="step of 'gradient': mean change, of 255", json_schema_extra={"step": 0.05}
    )
    confidence: float = Field(
        0.5,
        ge=0.0,
        le=0.999,
        description="'gradient' ends when the class has this probability",
        json_schema_extra={"step": 0.001},
    )
    other: str = Field(
        "sample:chelsea", description="picture whose HOG features to take on", json_schema_extra={"widget": "picture"}
    )
    size: int | None = Field(
        None,
        ge=32,
        le=512,
        description="short side of the picture, pixels; empty: the network's own",
        json_schema_extra={"advanced": True},
    )
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="seed of everything random", json_schema_extra={"advanced": True}
    )

    def run(self) -> Run:
        """Attack, then ask the network about the 8-bit picture, along the line through it, and about crops of it."""
        if self.attack == "hog":
            return (yield from self._collide())
        if self.attack == "strength":
            return (yield from self._withstand())
        network, before = self.network(), self.beginning()
        seen = network.target_index(None, before)
        towards, goal = self.goal(network, seen)
        tape = Tape()
        walk = self.walk(network, before, goal, towards, tape)
        after, confidences = yield from walk
        after, rounds = self._surviving(network, before, after, goal, towards)
        return self._finished(network, before, after, seen, goal, towards, confidences, rounds, tape)

    def beginning(self) -> Tensor:
        """The 8-bit picture to start from: the picture itself, or noise of the same size."""
        x = self.input()
        if self.start == "noise":
            count, channels, height, width = x.shape
            x = noise((count, channels, height, width), self.generator(), NOISE_SPREAD).to(x.device).clamp(0, 1)
        return as_shown(x)

    def goal(self, network: GraphModel, seen: int) -> tuple[bool, int]:
        """Whether to walk towards a class, and the class to walk to or from.

        Raises ConvscopeError where the class to be seen is already seen.
        """
        if self.aim == "away" or self.attack == "deepfool":
            return False, seen
        if self.target is None:
            others = [index for index in range(len(network.class_names)) if index != seen]
            return True, others[int(torch.randint(len(others), (1,), generator=self.generator()))]
        goal = network.target_index(self.target, self.input())
        if goal == seen:
            raise ConvscopeError("generate_errors.already_seen", name=network.class_names[seen])
        return True, goal

    # The attacks: each yields steps and returns the picture and how the probability went

    def walk(
        self, network: GraphModel, x: Tensor, goal: int, towards: bool, tape: Tape
    ) -> Generator[Step, Sent, tuple[Tensor, list[float]]]:
        """The chosen attack from the picture x; returns the changed picture and the probability of `goal` at each step."""
        if self.attack == "deepfool":
            return (yield from self._deepfool(network, x, goal, tape))
        if self.attack == "pixel":
            return (yield from self._one_pixel(network, x, goal, towards, tape))
        return (yield from _confident(self.painting(network, x, goal, towards, tape)))

    def painting(
        self,
        network: GraphModel,
        x: Tensor,
        goal: int,
        towards: bool,
        tape: Tape,
        done: int = 0,
        total: int | None = None,
    ) -> Painting:
        """The attacks that follow the gradient, as optimisations of the probability of `goal`; `done` of `total` steps before."""
        wish = LogProbability((goal,))
        objective = -wish if towards else 1 * wish
        canvas, optimiser, steps, until = Pixels(x), NormalisedStep(self.step / LEVELS), self.steps, None
        if self.attack == "gradient":
            until = lambda picture: self.is_fooled(network, as_shown(picture), goal, towards)  # noqa: E731
        elif self.attack == "fgsm":
            optimiser, steps = NormalisedStep(self.epsilon / LEVELS, "sign"), 1
        else:
            radius = self.radius(x)
            canvas = Pixels(x, project=ball(x, radius, self.norm))
            optimiser = NormalisedStep(MADRY * radius / self.steps, "sign" if self.norm == "linf" else "l2")
        return optimise(
            network,
            canvas,
            objective,
            optimiser,
            steps,
            relative=False,
            until=until,
            preview=lambda picture: side_by_side(x, picture),
            tape=tape,
            before=done,
            total=total,
        )

    def radius(self, x: Tensor) -> float:
        """Epsilon in the norm chosen: of every number, or of their root mean square as a length."""
        return self.epsilon / LEVELS * (x[0].numel() ** 0.5 if self.norm == "l2" else 1.0)

    def _deepfool(self, network: GraphModel, x: Tensor, goal: int, tape: Tape):
        place, confidences = x, []
        for done, crossing in enumerate(deepfool(network, x, self.steps), start=1):
            place = crossing.picture
            confidences.append(float(network.probabilities(place)[0, goal]))
            frame = side_by_side(x, place)
            tape.add(frame)
            if (yield Step(done, self.steps + 1, frame, {"probability": confidences[-1]})):
                break
        return place, confidences

    def _one_pixel(self, network: GraphModel, x: Tensor, goal: int, towards: bool, tape: Tape):
        place, confidences = x, []
        run = one_pixel(network, x, goal, not towards, PEOPLE, self.steps, self.generator())
        for done, generation in enumerate(run, start=1):
            place = generation.picture
            confidences.append(float(np.exp(generation.worth if towards else -generation.worth)))
            frame = side_by_side(x, place)
            tape.add(frame)
            stop = yield Step(done, self.steps, frame, {"probability": confidences[-1]})
            if stop or self.is_fooled(network, place, goal, towards, sure=False):
                break
        return place, confidences

    @torch.inference_mode()
    def is_fooled(self, network: GraphModel, x: Tensor, goal: int, towards: bool, sure: bool = True) -> bool:
        """Whether the network sees the class first (with the confidence asked for, if `sure`), or no longer first if away."""
        probabilities = network.probabilities(x)[0]
        first = int(probabilities.argmax())
        if not towards:
            return first != goal
        return first == goal and (not sure or float(probabilities[goal]) >= self.confidence)

    def _surviving(
        self, network: GraphModel, before: Tensor, after: Tensor, goal: int, towards: bool
    ) -> tuple[Tensor, int]:
        """The 8-bit picture; where rounding undid DeepFool's tiny change, the least larger one that survives, and tries."""
        if self.attack != "deepfool":
            return as_shown(after), 0
        change = after - before
        for tries in range(MOST_SURVIVALS):
            shown = as_shown(before + SURVIVAL**tries * change)
            if self.is_fooled(network, shown, goal, towards, sure=False):
                return shown, tries
        return as_shown(after), 0

    # What came of it

    def _finished(
        self,
        network: GraphModel,
        before: Tensor,
        after: Tensor,
        seen: int,
        goal: int,
        towards: bool,
        confidences: list[float],
        rounds: int,
        tape: Tape,
    ) -> Result:
        with torch.inference_mode():
            was, now = network.probabilities(torch.cat([before, after])).cpu()
        change = (after - before).cpu()
        direction, unit = self._direction(network, before, after, goal, towards)
        epsilons = torch.linspace(-1, 1, LINE_POINTS) * max(4 * self.epsilon, 16.0) / LEVELS
        line = along(network, before, direction, epsilons)
        crops = [crop_probabilities(network, x, CROPS, self.generator()) for x in (before, after)]
        first = int(now.argmax())
        return self.result(
            arrays={
                "image": after.cpu().numpy(),
                "before": before.cpu().numpy(),
                "difference": change.numpy(),
                "direction": direction.cpu().numpy(),
                "line_epsilons": line.epsilons.numpy(),
                "line_logits": line.logits.numpy(),
                "curve: probability": np.asarray(confidences, np.float32),
                "crops_before": crops[0].numpy(),
                "crops_after": crops[1].numpy(),
            },
            pictures={"image": to_pixels(after), "before": to_pixels(before), "difference": amplified(change)},
            scores={
                **{"seen": seen, "goal": goal, "towards": str(towards), "sees": first},
                **{"fooled": str(first == goal if towards else first != seen), "steps": len(confidences)},
                **{"probability_before": float(was[seen]), "probability_seen_after": float(now[seen])},
                **{"probability_after": float(now[first]), "goal_after": float(now[goal])},
                **{"linf": float(change.abs().max()) * LEVELS, "l2": float(change.norm())},
                **{"mean_change": float(change.abs().mean()) * LEVELS, "amplification": amplification(change)},
                **{"larger_for_rounding": SURVIVAL**rounds, "line_unit": unit},
                **{"crops_right_before": _share(crops[0], seen), "crops_right_after": _share(crops[1], seen)},
                **{"crops_vote_after": int(crops[1].mean(0).argmax())},
            },
            tables={"before": _top(network, was), "after": _top(network, now)},
            frames=tape.frames,
        )

    def _direction(
        self, network: GraphModel, before: Tensor, after: Tensor, goal: int, towards: bool
    ) -> tuple[Tensor, str]:
        """What epsilon multiplies on the line: the sign of the gradient, or the change found, brought to largest value 1."""
        change = after - before
        if self.attack == "fgsm" or not bool(change.any()):
            x = before.detach().requires_grad_()
            (slope,) = torch.autograd.grad(network(x).log_softmax(1)[0, goal], x)
            return (slope if towards else -slope).sign(), "sign"
        return change / change.abs().max(), "change"

    # Stronger and stronger attacks on the twins

    def _withstand(self) -> Run:
        """Attack each twin by PGD within balls of growing radius: what is left of the class it saw."""
        learnt = [twin for twin in bundled_twins() if twin != "bundled-random"]
        learnt = learnt if self.model in learnt else [self.model]
        total = len(learnt) * len(STRENGTHS) * STRENGTH_STEPS
        rows: list[dict[str, Any]] = []
        tape, pictures = Tape(), {}
        for twin in learnt:
            whole = 1.0  # the probability without any attack, which comes first
            for epsilon in STRENGTHS:
                changes = {"attack": "pgd", "aim": "away", "norm": "linf", "steps": STRENGTH_STEPS}
                attack = self.model_copy(update={"model": twin, "epsilon": epsilon, **changes})
                network, before = attack.network(), attack.beginning()
                seen = network.target_index(None, before)
                painting = attack.painting(network, before, seen, False, tape, len(rows) * STRENGTH_STEPS, total)
                outcome = yield from painting
                after = as_shown(outcome.last)
                found = self._left(network, after, seen)
                whole = whole if epsilon else found["probability"]
                rows.append({**found, "network": twin, "epsilon": epsilon, "left": found["probability"] / whole})
                pictures[f"{twin} {epsilon:g}"] = to_pixels(after)
                if outcome.stopped:
                    return self._withstood(rows, pictures, tape)
        return self._withstood(rows, pictures, tape)

    @torch.inference_mode()
    def _left(self, network: GraphModel, x: Tensor, seen: int) -> dict[str, Any]:
        """What the network sees in a picture, and how probable the class is that it saw before."""
        probabilities = network.probabilities(x)[0]
        sees = int(probabilities.argmax())
        return {"seen": seen, "sees": sees, "probability": float(probabilities[seen]), "fooled": sees != seen}

    def _withstood(self, rows: list[dict[str, Any]], pictures: dict[str, np.ndarray], tape: Tape) -> Result:
        return self.result(
            arrays={"image": np.stack(list(pictures.values()))},
            pictures={"image": grid(list(pictures.values()), columns=len(STRENGTHS)), **pictures},
            scores={"steps": len(rows) * STRENGTH_STEPS},
            tables={"strength": rows},
            frames=tape.frames,
        )

    # Two pictures, one HOG

    def _collide(self) -> Run:
        before = as_shown(self.input())
        other = to_input(open_image(self.other), min(before.shape[-2:])).to(before.device)
        other = as_shown(torch.nn.functional.interpolate(other, before.shape[-2:], mode="bilinear", antialias=True))
        wanted = hog(other, smooth=True)
        outcome: Outcome = yield from optimise(
            None,
            Pixels(before),
            HogMatch(wanted) + 0.5 * Norm(centre=before),
            Adam(2 / LEVELS),
            self.steps,
            relative=False,
            preview=lambda picture: side_by_side(before, picture),
        )
        after = as_shown(outcome.best)
        there, here, moved = (hog(x).flatten() for x in (other, before, after))
        return self.result(
            arrays={
                "image": after.cpu().numpy(),
                "before": before.cpu().numpy(),
                "difference": (after - before).cpu().numpy(),
                **{f"curve: {name}": np.asarray(values, np.float32) for name, values in outcome.curves.items()},
            },
            pictures={
                **{"image": to_pixels(after), "before": to_pixels(before), "other": to_pixels(other)},
                "difference": amplified((after - before).cpu()),
            },
            scores={
                "hog_distance_before": float((here - there).norm() / there.norm()),
                "hog_distance_after": float((moved - there).norm() / there.norm()),
                "mean_change": float((after - before).abs().mean()) * LEVELS,
                "picture_distance": float((after - other).abs().mean()) * LEVELS,
                "steps": outcome.steps,
            },
            frames=outcome.frames,
        )


def _confident(painting: Painting) -> Generator[Step, Sent, tuple[Tensor, list[float]]]:
    """The painting with the probability for its curve; returns its last picture and all probabilities."""
    confidences: list[float] = []
    sent: Sent = None
    while True:
        try:
            step = painting.send(sent)
        except StopIteration as end:
            return end.value.last, confidences
        confidences.append(float(np.exp(next(iter(step.curves.values())))))
        sent = yield Step(step.done, step.total, step.preview, {"probability": confidences[-1]})


def amplification(change: Tensor) -> float:
    """How many times a change can be enlarged until its largest number spans the whole grey scale."""
    largest = float(change.abs().max())
    return 0.5 / largest if largest > 0 else 1.0


def amplified(change: Tensor) -> np.ndarray:
    """A change (1, 3, H, W) as pixels, as strong as it can be shown: grey is no change."""
    return to_pixels(0.5 + amplification(change) * change)


def side_by_side(before: Tensor, after: Tensor) -> np.ndarray:
    """The changed picture beside the change."""
    return grid([to_pixels(after), amplified(after - before)], columns=2)


def _share(probabilities: Tensor, index: int) -> float:
    """The share of the rows (K, classes) that are largest at the class."""
    return float((probabilities.argmax(1) == index).float().mean())


def _top(network: GraphModel, probabilities: Tensor, count: int = 5) -> list[dict[str, Any]]:
    best = probabilities.topk(min(count, len(probabilities)))
    return [
        {"class_index": index, "class": network.class_names[index], "probability": probability}
        for probability, index in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    ]


class OnLine(NamedTuple):
    """A place on the line through a picture: its pixels (H, W, 3) uint8, and the class seen there with its probability."""

    pixels: np.ndarray
    index: int  # type: ignore[assignment]  # hides the method of tuples
    probability: float


def on_line(result: Result, at: int) -> OnLine:
    """The picture at one of the epsilons of a result's line, and what the network sees in it."""
    moved = result.arrays["before"] + result.arrays["line_epsilons"][at] * result.arrays["direction"]
    probabilities = torch.from_numpy(result.arrays["line_logits"][at]).softmax(0)
    index = int(probabilities.argmax())
    return OnLine(to_pixels(torch.from_numpy(moved)), index, float(probabilities[index]))
