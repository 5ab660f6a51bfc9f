"""Forty people in one room: how long a click takes until its page has followed, and whether all answers arrive.

    python tests/benchmarks/bench_classroom.py [people] [questions] [seconds a question] [restarts of the server]

Each person is a websocket that speaks the dashboard's own protocol; the lecturer's page with the live results is open, too.
After a restart everybody comes back by the link in their address bar, as browsers do.
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


async def crowd(visitors: list[Person], host: Person, questions: int, pause_s: float) -> None:
    """Everybody arrives, answers so many questions, and waits for the page after each answer."""
    await visitors[0].arrive()
    while not visitors[0].open_choices():  # until the network has answered
        await asyncio.sleep(0.5)
        await visitors[0].look()
    looking = asyncio.create_task(look_on(host))
    began = time.monotonic()
    await asyncio.gather(*(visitor.arrive() for visitor in visitors[1:]))
    print(f"{len(visitors)} people have arrived within {time.monotonic() - began:.1f} s", flush=True)
    await asyncio.gather(
        *(answer_all(visitor, questions, number, pause_s) for number, visitor in enumerate(visitors)),
    )
    looking.cancel()


async def look_on(host: Person) -> None:
    """The lecturer's page, drawn anew every other second."""
    await host.arrive()
    while True:
        await asyncio.sleep(REFRESH_S)
        await host.look()


def main(people: int = 40, questions: int = 10, pause_s: float = 5.0, restarts: int = 0) -> None:
    """One round; prints what came of it."""
    waits: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        rooms = Classroom(Path(folder) / "rooms.sqlite")
        code = rooms.open_room(YouVsNet(questions=questions).recipe().to_json())
        known = [{"room": code}] * people
        for part in np.array_split(np.arange(questions), restarts + 1):
            before = len(rooms.answers(code))
            with serve(CONVSCOPE_CACHE=folder) as server:
                visitors = [Person(server.address, "you-vs-net", parameters) for parameters in known]
                host = Person(server.address, "you-vs-net", {"room": code, "host": rooms.host(code)})
                asyncio.run(crowd(visitors, host, len(part), pause_s))
            known = [visitor.parameters for visitor in visitors]
            waits += [wait for visitor in visitors for wait in visitor.waits]
            print(f"answers: {len(rooms.answers(code))} of {before + people * len(part)}", flush=True)
            for visitor in visitors:
                if len(visitor.waits) < len(part):
                    print(f"somebody gave {len(visitor.waits)} answers; the page said: {visitor.told[-3:]}")
    middle, late = np.quantile(waits, [0.5, 0.95])
    print(f"a click, about {pause_s:g} s after the last: {middle:.2f} s, p95 {late:.2f} s, longest {max(waits):.2f} s")


if __name__ == "__main__":
    main(*(kind(value) for kind, value in zip((int, int, float, int), sys.argv[1:], strict=False)))
