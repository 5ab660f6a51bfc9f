"""The one loop: canvas x objective x priors x transforms x optimiser, a generator of steps that anybody can watch and stop."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from viz_core import stopping
from viz_core.errors import ConvscopeError
from viz_core.generate.canvas import Canvas
from viz_core.generate.objective import LOGITS, Objective, Term, View
from viz_core.generate.optimiser import Optimiser
from viz_core.generate.prior import Prior
from viz_core.generate.steering import Plan, Replan
from viz_core.generate.transform import Transform, apply
from viz_core.images.render import grid
from viz_core.images.tensor import to_pixels
from viz_core.models.graph import GraphModel
from viz_core.tape import Tape
from viz_core.technique import Sent, Steer, Step

MOST_HALVINGS = 12
WAKING_STEPS = 16


@dataclass(frozen=True)
class Outcome:
    """How an optimisation ended.

    best, last: pictures (N, 3, H, W) in [0, 1], of the least loss and of the last step; losses (N,): those of `best`.
    curves: every value of every term by name, mean over pictures, one for each step. stopped: somebody asked for the end.
    """

    best: Tensor
    last: Tensor
    losses: Tensor
    curves: Mapping[str, tuple[float, ...]]
    steps: int
    stopped: bool
    undone: int
    objective: str
    frames: tuple[np.ndarray, ...]


Painting = Generator[Step, Sent, Outcome]
Preview = Callable[[Tensor], np.ndarray]


def sheet(pictures: Tensor) -> np.ndarray:
    """Pictures (N, 3, H, W) as pixels: one as it is, several in a grid."""
    tiles = [to_pixels(one) for one in pictures]
    return tiles[0] if len(tiles) == 1 else grid(tiles)


def activations(network: GraphModel, x: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """The activations of layers by name, computed in one pass and no further than needed; `LOGITS` are the class scores."""
    real = {name: network.layer_names[-1] if name == LOGITS else name for name in layers}
    values = network.activations(x, tuple(dict.fromkeys(real.values()))) if real else {}
    return {name: values[layer] for name, layer in real.items()}


def tiles(x: Tensor, side: int) -> Iterator[Tensor]:
    """Cut pictures (N, 3, H, W) into tiles of about `side` pixels that cover them."""
    rows, columns = (max(1, round(length / side)) for length in x.shape[-2:])
    for row in x.tensor_split(rows, dim=2):
        yield from row.tensor_split(columns, dim=3)


class Known(NamedTuple):
    """The last evaluation: where it was, its gradient and its total loss."""

    values: Tensor
    gradient: Tensor
    total: Tensor


class Loop:
    """An optimisation at work: what it is made of, and how its terms are measured."""

    def __init__(
        self,
        network: GraphModel | None,
        canvas: Canvas,
        objective: Objective,
        optimiser: Optimiser,
        *,
        transforms: Sequence[Transform] = (),
        priors: Sequence[Prior] = (),
        centre: Tensor | float = 0.5,
        relative: bool = True,
        generator: torch.Generator | None = None,
        tile: int | None = None,
    ) -> None:
        """`network` may be None for objectives that look at the picture alone; `centre` is the colour priors pull towards.

        `relative`: each term is divided by its first value, so that a weight means the same on every network.
        `tile`: the network sees larger pictures in tiles of about so many pixels.
        """
        self.network, self.canvas, self.objective, self.optimiser = network, canvas, objective, optimiser
        self.transforms, self.priors, self.centre = transforms, priors, centre
        self.relative, self.generator, self.tile = relative, generator or torch.Generator(), tile
        self._firsts: dict[str, Tensor] = {}
        self.terms: dict[str, Tensor] = {}
        self.losses = torch.zeros(0)
        self._known: Known | None = None
        self.may_leave = False  # an evaluation that turns out unwanted
        optimiser.begin(canvas.values)

    def follow(self, plan: Plan) -> None:
        """Go on from here by another plan; what the optimiser has gathered so far is forgotten."""
        self.objective, self.optimiser, self.transforms, self.priors = plan
        self._known = None
        self.optimiser.begin(self.canvas.values)

    def evaluate(self) -> Tensor:
        """The total loss of the pictures as they are; its gradient is left in `canvas.values.grad`.

        Nothing is computed again where a line search ended on the pictures it looked at last.
        """
        self._check()
        values = self.canvas.values
        if self._known is not None and not self.transforms and torch.equal(self._known.values, values):
            values.grad = self._known.gradient
        else:
            total = self._evaluate(self.network)
            assert values.grad is not None
            self._known = Known(values.detach().clone(), values.grad, total)
        return self._known.total

    def _check(self) -> None:
        if self.may_leave:
            stopping.check()

    def wake(self) -> None:
        """Where units are off, so that no gradient arrives at all, let it through every ReLU instead.

        Redirected ReLU; Olah, Mordvintsev & Schubert 2017.
        """
        gradient = self.canvas.values.grad
        if self.network is not None and gradient is not None and not gradient.any():
            self._evaluate(self.network.with_relu("opened"))

    def _evaluate(self, network: GraphModel | None) -> Tensor:
        self.canvas.values.grad = None
        picture = self.canvas.picture()
        seen = apply(self.transforms, picture, self.generator)
        self.terms, self.losses = {}, picture.new_zeros(len(picture))
        if network is None or self.tile is None or max(seen.shape[-2:]) <= self.tile:
            self._backward(network, picture, seen, self.objective.terms())
        else:
            self._backward_in_tiles(network, picture, seen, self.tile)
        if self.canvas.values.grad is None:
            self.canvas.values.grad = torch.zeros_like(self.canvas.values)
        return self.losses.sum()

    def _backward(
        self, network: GraphModel | None, picture: Tensor, seen: Tensor, terms: Sequence[Term], share: float = 1.0
    ) -> None:
        """Add `share` of the terms to the losses, and their gradient to that of `picture`'s and `seen`'s leaves."""
        layers = tuple(dict.fromkeys(layer for term in terms for layer in term.objective.layers))
        view = View(picture, activations(network, seen, layers) if network is not None else {})
        total = picture.new_zeros(len(picture))
        for weight, objective in terms:
            value = objective(view)
            self.terms[objective.name] = self.terms.get(objective.name, 0.0) + share * value.detach()
            total = total + share * weight * value / self._first(objective, value.detach())
        if total.requires_grad:
            total.sum().backward()
        self.losses = self.losses + total.detach()

    def _backward_in_tiles(self, network: GraphModel, picture: Tensor, seen: Tensor, side: int) -> None:
        """Show the network one tile after the other, so that memory does not grow with the picture."""
        leaf = seen.detach().requires_grad_()
        terms = self.objective.terms()
        area = seen.shape[-2] * seen.shape[-1]
        for part in tiles(leaf, side):
            self._check()
            share = part.shape[-2] * part.shape[-1] / area
            self._backward(network, picture, part, [term for term in terms if term.objective.layers], share)
        seen.backward(leaf.grad, retain_graph=True)
        self._backward(None, picture, picture, [term for term in terms if not term.objective.layers])

    def _first(self, objective: Objective, value: Tensor) -> Tensor | float:
        """What a term is divided by: the size of its first value, or 1 where that is next to nothing."""
        if not self.relative:
            return 1.0
        if objective.name not in self._firsts:
            size = value.abs()
            self._firsts[objective.name] = torch.where(size > objective.least, size, torch.ones_like(size))
        return self._firsts[objective.name]

    @property
    def is_sound(self) -> bool:
        """Whether the last evaluation gave numbers."""
        gradient = self.canvas.values.grad
        return bool(self.losses.isfinite().all()) and bool(gradient is not None and gradient.isfinite().all())

    @torch.no_grad()
    def move(self, step: int) -> None:
        """One step of the optimiser, then the priors, then back to what is allowed."""
        gradient = self.canvas.values.grad
        with torch.enable_grad():
            self.optimiser.step(float(self.losses.sum()), self.evaluate)
        values = self.canvas.values
        for prior in self.priors:
            assert gradient is not None  # an evaluation comes before every step
            values.copy_(self.centre + prior(values - self.centre, gradient, step))
        self.canvas.project()

    @torch.no_grad()
    def back_to(self, values: Tensor) -> None:
        """Undo a step: the canvas holds these values again."""
        self.canvas.values.copy_(values)


def optimise(
    network: GraphModel | None,
    canvas: Canvas,
    objective: Objective,
    optimiser: Optimiser,
    steps: int,
    *,
    transforms: Sequence[Transform] = (),
    priors: Sequence[Prior] = (),
    centre: Tensor | float = 0.5,
    relative: bool = True,
    generator: torch.Generator | None = None,
    tile: int | None = None,
    until: Callable[[Tensor], bool] | None = None,
    preview: Preview = sheet,
    tape: Tape | None = None,
    before: int = 0,
    total: int | None = None,
    replan: Replan | None = None,
) -> Painting:
    """Make the objective small, yielding a Step after each step of the optimiser; returns the Outcome.

    A true value sent in, or `until` (told the pictures after each step) being true, ends it early; a step that turns out
    unwanted while it is computed (`viz_core.stopping`) is undone. A step to where loss or gradient is not a number is
    undone, and the optimiser takes half as long ones from then on; raises ConvscopeError where already the start is no
    number. `before` and `total` count steps of a longer run that this is a part of. Changes of parameters sent in are
    followed as `replan` makes a plan of them; from there on `best` is searched for anew.
    """
    loop = Loop(
        network,
        canvas,
        objective,
        optimiser,
        transforms=transforms,
        priors=priors,
        centre=centre,
        relative=relative,
        generator=generator,
        tile=tile,
    )
    tape = tape or Tape()
    curves: dict[str, list[float]] = {}
    loop.evaluate()
    if not loop.is_sound:
        raise ConvscopeError("generate_errors.not_a_number")
    best, losses = canvas.picture().detach().clone(), loop.losses
    sound, undone, done, stopped = canvas.values.detach().clone(), 0, 0, False
    while done < steps and not stopped:
        measured = {name: float(value.mean()) for name, value in loop.terms.items()}
        if done < WAKING_STEPS:
            loop.wake()
        try:
            loop.may_leave = done > 0
            loop.move(done)
            loop.evaluate()
        except stopping.UnwantedError:
            loop.back_to(sound)
            stopped = True
            break
        loop.may_leave = False
        if not loop.is_sound:
            undone += 1
            if undone > MOST_HALVINGS:
                break
            loop.back_to(sound)
            loop.optimiser.halve()
            loop.evaluate()
            continue
        done += 1
        sound = canvas.values.detach().clone()
        picture = canvas.picture().detach()
        better = loop.losses < losses
        best = torch.where(better.view(-1, 1, 1, 1), picture, best)
        losses = torch.where(better, loop.losses, losses)
        for name, value in measured.items():
            curves.setdefault(name, []).append(value)
        frame = preview(picture)
        tape.add(frame)
        sent = yield Step(before + done, total or steps, frame, measured)
        stopped = bool(sent)
        if isinstance(sent, Steer) and replan is not None:
            loop.follow(replan(sent.changes))
            loop.evaluate()
            best, losses = picture, loop.losses
        if until is not None and until(picture):
            break
    return Outcome(
        best=best,
        last=canvas.picture().detach().clone(),
        losses=losses,
        curves={name: tuple(values) for name, values in curves.items()},
        steps=done,
        stopped=stopped,
        undone=undone,
        objective=str(loop.objective),
        frames=tape.frames,
    )
