"""Rooms on disk: forty people at once, restarts, ends, and everything that can be wrong with a code."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from viz_core.errors import ConvscopeError
from viz_core.learn.classroom import LIFETIME_S, MOST_PEOPLE, Classroom


@pytest.fixture
def classroom(tmp_path):
    return Classroom(tmp_path / "rooms.sqlite")


def test_forty_people_at_once_lose_no_answer(classroom):
    code = classroom.open_room("recipe")

    def play(person: int) -> None:
        token = classroom.join(code)
        for question in range(10):
            classroom.answer(token, question, f"choice {(person + question) % 5}")

    with ThreadPoolExecutor(40) as people:
        list(people.map(play, range(40)))
    assert classroom.people(code) == 40
    answers = classroom.answers(code)
    assert len(answers) == 400
    assert {answer.number for answer in answers} == set(range(1, 41))


def test_a_restart_in_the_middle_loses_nothing(tmp_path):
    before = Classroom(tmp_path / "rooms.sqlite")
    code = before.open_room("recipe")
    token = before.join(code)
    before.answer(token, 0, "cat")
    after = Classroom(tmp_path / "rooms.sqlite")
    after.answer(token, 1, "dog")
    assert after.recipe(code) == "recipe"
    assert after.answers_of(token) == {0: "cat", 1: "dog"}


def test_the_first_answer_stands(classroom):
    token = classroom.join(classroom.open_room("recipe"))
    classroom.answer(token, 0, "cat")
    classroom.answer(token, 0, "dog")
    assert classroom.answers_of(token) == {0: "cat"}


def test_codes_may_be_typed_in_small_letters(classroom):
    code = classroom.open_room("recipe")
    classroom.join(code.lower())
    assert classroom.people(code) == 1


def test_rooms_end_by_themselves_and_take_their_answers_along(tmp_path):
    clock = [1000.0]
    classroom = Classroom(tmp_path / "rooms.sqlite", now=lambda: clock[0])
    code = classroom.open_room("recipe")
    token = classroom.join(code)
    classroom.answer(token, 0, "cat")
    clock[0] += LIFETIME_S + 1
    with pytest.raises(ConvscopeError, match=code):
        classroom.join(code)
    classroom.open_room("another")
    assert classroom.answers_of(token) == {}
    with pytest.raises(ConvscopeError, match="ended"):
        classroom.answer(token, 1, "dog")


def test_a_closed_room_takes_no_more_answers(classroom):
    code = classroom.open_room("recipe")
    token = classroom.join(code)
    classroom.close(code)
    with pytest.raises(ConvscopeError, match="ended"):
        classroom.answer(token, 0, "cat")
    assert classroom.answers(code) == ()


@pytest.mark.parametrize("code", ["", "NOSUCH", "'; drop table rooms; --"])
def test_an_unknown_code_gets_a_sentence(classroom, code):
    with pytest.raises(ConvscopeError, match="no room"):
        classroom.join(code)


def test_a_full_room_says_so(classroom):
    code = classroom.open_room("recipe")
    for _ in range(MOST_PEOPLE):
        classroom.join(code)
    with pytest.raises(ConvscopeError, match="full"):
        classroom.join(code)


def test_a_disk_that_cannot_be_written_gets_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConvscopeError, match="disk"):
        Classroom(tmp_path / "file" / "rooms.sqlite")


def test_only_whoever_opened_a_room_is_its_host(classroom):
    code, other = classroom.open_room("recipe"), classroom.open_room("recipe")
    assert classroom.is_host(classroom.host(code), code.lower())
    for token in ("", "true", "ä", classroom.host(other), classroom.join(code)):
        assert not classroom.is_host(token, code)


def test_after_the_reveal_no_answer_is_taken_in(classroom):
    code = classroom.open_room("recipe")
    token = classroom.join(code)
    classroom.answer(token, 0, "cat")
    assert not classroom.is_revealed(code)
    classroom.reveal(code)
    classroom.answer(token, 1, "dog")
    classroom.paint(token, 1, "cells")
    assert classroom.is_revealed(code.lower())
    assert classroom.answers_of(token) == {0: "cat"}
    assert not classroom.paintings_of(token)
