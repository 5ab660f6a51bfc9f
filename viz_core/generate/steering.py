"""Steering: parameters that change while a run is at work, written down so that the same run can be played again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import ValidationError

from viz_core.errors import ConvscopeError
from viz_core.generate.objective import Objective
from viz_core.generate.optimiser import Optimiser
from viz_core.generate.prior import Prior
from viz_core.generate.transform import Transform
from viz_core.technique import Run, Sent, Steer, Technique

STEERING = "changes while the run was at work, each `step name=value ...`"


class Plan(NamedTuple):
    """What an optimisation is made of beside its canvas; another plan can take its place while it works."""

    objective: Objective
    optimiser: Optimiser
    transforms: Sequence[Transform] = ()
    priors: Sequence[Prior] = ()


Replan = Callable[[Mapping[str, Any]], Plan]


Steered = TypeVar("Steered", bound=Technique)


class Conductor(Generic[Steered]):
    """Makes plans of a technique whose parameters change on the way; changes add up. `now` is the technique as it is."""

    def __init__(self, technique: Steered, plan: Callable[[Steered], Plan]) -> None:
        self.now, self._plan = technique, plan

    def plan(self) -> Plan:
        """The plan of the technique as it is now."""
        return self._plan(self.now)

    def follow(self, changes: Mapping[str, Any]) -> Plan:
        """The plan after further changes."""
        self.now = self.now.model_copy(update=dict(changes))
        return self.plan()


def turn(step: int, changes: Mapping[str, Any]) -> str:
    """How a recipe notes that parameters changed after a step: `31 l2=20 tv=3`."""
    return " ".join([str(step), *(f"{name}={_spelt(value)}" for name, value in changes.items())])


def _spelt(value: Any) -> str:
    """A value as techniques read it from text."""
    if value is None:
        return "none"
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def read_turn(technique: Technique, note: str) -> tuple[int, dict[str, Any]]:
    """The step and the changes of a note, checked against the technique; raises ConvscopeError where it is nonsense."""
    step, *changes = note.split(" ")
    given = dict(change.partition("=")[::2] for change in changes)
    try:
        if not set(given) <= set(technique.steerable):
            raise ValueError(note)
        checked = type(technique).model_validate(technique.model_dump() | given)
        return int(step), {name: getattr(checked, name) for name in given}
    except (ValidationError, ValueError) as error:
        raise ConvscopeError("generate_errors.no_turn", note=note, names=", ".join(technique.steerable)) from error


def conducted(technique: Technique, run: Run, notes: Sequence[str]) -> Run:
    """The run, steered as the notes say and by whoever sends changes; the recipe of the result holds them all.

    `technique` is the one to make the recipe of; it has a parameter `steering` for the notes.
    """
    due = [read_turn(technique, note) for note in notes]
    taken: list[str] = []
    sent: Sent = None
    while True:
        try:
            step = run.send(sent)
        except StopIteration as end:
            played = technique.model_copy(update={"steering": tuple(taken)})
            return replace(end.value, recipe=played.recipe()) if taken else end.value
        sent = yield step
        for at, changes in due:
            if at == step.done and sent is None:
                sent = Steer(changes)
        if isinstance(sent, Steer):
            taken.append(turn(step.done, sent.changes))
