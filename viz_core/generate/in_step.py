"""Several optimisations that keep pace with each other, so that they can be compared while they work."""

from collections.abc import Generator, Mapping
from typing import TypeVar

import numpy as np

from viz_core.images.render import grid
from viz_core.tape import Tape
from viz_core.technique import Sent, Steer, Step

Made = TypeVar("Made")


def in_step(
    paintings: Mapping[str, Generator[Step, Sent, Made]], tape: Tape | None = None, numbered: bool = False
) -> Generator[Step, Sent, dict[str, Made]]:
    """Advance the named paintings in turn, yielding a Step with all of them side by side; returns their outcomes by name.

    Over each stands its name, or `numbered`, its number, where names have to be told in somebody's language; one alone is
    shown as it is. A painting that ends early waits for the others. Being asked to end ends them all; changes of parameters
    reach them all. The tape gets a frame of each round.
    """
    latest: dict[str, Step] = {}
    steers: dict[str, Sent] = {}
    outcomes: dict[str, Made] = {}
    while len(outcomes) < len(paintings):
        for name, painting in paintings.items():
            if name in outcomes:
                continue
            try:
                latest[name] = painting.send(steers.pop(name, None))
            except StopIteration as end:
                outcomes[name] = end.value
                continue
            if len(latest) < len(paintings):
                continue
            sent = yield _together(latest, numbered)
            if sent:
                if tape is not None:
                    tape.add(_sheet(latest, numbered))
                return outcomes | {other: _ended(paintings[other]) for other in paintings if other not in outcomes}
            if isinstance(sent, Steer):
                steers = dict.fromkeys(paintings, sent)
        if tape is not None and len(outcomes) < len(paintings) == len(latest):
            tape.add(_sheet(latest, numbered))
    return {name: outcomes[name] for name in paintings}


def _ended(painting: Generator[Step, Sent, Made]) -> Made:
    """The outcome of a painting that is asked to end; the step it may still take is let go."""
    try:
        while True:
            painting.send(True)
    except StopIteration as end:
        return end.value


def _together(latest: Mapping[str, Step], numbered: bool) -> Step:
    if len(latest) == 1:
        return next(iter(latest.values()))
    steps = latest.values()
    curves = {f"{name}: {curve}": value for name, step in latest.items() for curve, value in step.curves.items()}
    return Step(
        sum(step.done for step in steps),
        sum(step.total for step in steps),
        _sheet(latest, numbered),
        curves,
    )


def _sheet(latest: Mapping[str, Step], numbered: bool) -> np.ndarray:
    previews = {name: step.preview for name, step in latest.items() if step.preview is not None}
    names = range(1, len(previews) + 1) if numbered else tuple(previews)
    return next(iter(previews.values())) if len(latest) == 1 else grid(list(previews.values()), numbers=names)
