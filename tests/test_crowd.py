"""A class answers on a real server, which restarts in the middle: no answer is lost, and nobody becomes somebody else."""

import asyncio

from tests.crowd import Person, answer_all
from tests.serving import serve
from viz_core.learn.classroom import Classroom
from viz_core.learn.you_vs_net import YouVsNet

PEOPLE, QUESTIONS = 4, 4


def test_a_restart_in_the_middle_loses_no_answer(tmp_path):
    rooms = Classroom(tmp_path / "rooms.sqlite")
    technique = YouVsNet(questions=QUESTIONS, choices=3)
    code = rooms.open_room(technique.recipe().to_json())

    async def play(address: str, known: list[dict[str, str]], questions: int) -> list[dict[str, str]]:
        people = [Person(address, "you-vs-net", parameters) for parameters in known]
        await asyncio.gather(*(person.arrive() for person in people))
        for person in people:  # the network answers first; then the page is there
            while not person.open_choices():
                await asyncio.sleep(0.3)
                await person.look()
        await asyncio.gather(*(answer_all(person, questions, number) for number, person in enumerate(people)))
        for person in people:
            await person.leave()
        return [person.parameters for person in people]

    with serve(CONVSCOPE_CACHE=str(tmp_path)) as server:
        claiming = {"room": code, "host": "true"}  # whoever says so is no lecturer for that
        known = asyncio.run(play(server.address, [claiming, *[{"room": code}] * (PEOPLE - 1)], 2))
    assert len({person["person"] for person in known}) == PEOPLE
    assert len(rooms.answers(code)) == 2 * PEOPLE
    before = rooms.answers(code)
    with serve(CONVSCOPE_CACHE=str(tmp_path)) as server:
        asyncio.run(play(server.address, known, QUESTIONS))
    after = rooms.answers(code)
    assert rooms.people(code) == PEOPLE
    assert set(before) <= set(after)
    assert len(after) == QUESTIONS * PEOPLE
