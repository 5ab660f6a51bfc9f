"""Forty people in one room: how long a click takes until its page has followed, and whether all answers arrive.

    python tests/benchmarks/bench_classroom.py [people] [questions] [seconds a question]

Each person is a websocket that speaks the dashboard's own protocol; the lecturer's page with the live results is open, too.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.crowd import Person, answer_all
from tests.serving import serve
from viz_core.learn.classroom import Classroom
from viz_core.learn.you_vs_net import YouVsNet

REFRESH_S = 2


async def crowd(address: str, code: str, host: str, people: int, questions: int, pause_s: float) -> list[Person]:
    """Everybody arrives, answers, and waits for the page after each answer."""
    visitors = [Person(address, "you-vs-net", {"room": code}) for _ in range(people)]
    await visitors[0].arrive()
    while not visitors[0].open_choices():  # until the network has answered
        await asyncio.sleep(0.5)
        await visitors[0].look()
    looking = asyncio.create_task(look_on(Person(address, "you-vs-net", {"room": code, "host": host})))
    began = time.monotonic()
    await asyncio.gather(*(visitor.arrive() for visitor in visitors[1:]))
    print(f"{people} people have arrived within {time.monotonic() - began:.1f} s")
    await asyncio.gather(
        *(answer_all(visitor, questions, number, pause_s) for number, visitor in enumerate(visitors)),
    )
    looking.cancel()
    return visitors


async def look_on(host: Person) -> None:
    """The lecturer's page, drawn anew every other second."""
    await host.arrive()
    while True:
        await asyncio.sleep(REFRESH_S)
        await host.look()


def main(people: int = 40, questions: int = 10, pause_s: float = 5.0) -> None:
    """One round; prints what came of it."""
    with tempfile.TemporaryDirectory() as folder, serve(CONVSCOPE_CACHE=folder) as server:
        rooms = Classroom(Path(folder) / "rooms.sqlite")
        code = rooms.open_room(YouVsNet(questions=questions).recipe().to_json())
        visitors = asyncio.run(crowd(server.address, code, rooms.host(code), people, questions, pause_s))
        arrived = len(rooms.answers(code))
    waits = np.concatenate([visitor.waits for visitor in visitors])
    middle, late = np.quantile(waits, [0.5, 0.95])
    print(f"answers: {arrived} of {people * questions}")
    for visitor in visitors:
        if len(visitor.waits) < questions:
            print(f"somebody gave {len(visitor.waits)} answers; the page said: {visitor.told[-3:]}")
    print(f"a click, about {pause_s:g} s after the last: {middle:.2f} s, p95 {late:.2f} s, longest {waits.max():.2f} s")


if __name__ == "__main__":
    main(*(kind(value) for kind, value in zip((int, int, float), sys.argv[1:], strict=False)))
