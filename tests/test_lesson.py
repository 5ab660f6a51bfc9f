"""Lessons: the shipped one visits every room it names in both languages; strange files get their sentence."""

import base64
import json
import zlib

import pytest

from viz_core.errors import ConvscopeError
from viz_core.lesson import LARGEST, from_link, read_lesson, storyline, to_json, to_link
from viz_core.registry import techniques
from viz_core.texts import LANGUAGES


def test_the_storyline_goes_through_the_rooms_in_every_language():
    lesson = storyline()
    assert {stop.room for stop in lesson.stops} <= set(techniques())
    assert len(lesson.stops) >= 15
    for stop in lesson.stops:
        assert set(stop.say) == set(LANGUAGES)
    assert set(lesson.title) == set(LANGUAGES)


def test_a_lesson_survives_its_file():
    assert read_lesson(to_json(storyline())) == storyline()


def stop(**changed):
    return {"title": {"en": "x"}, "stops": [{"room": "relu", "settings": {}, "say": {"en": "x"}} | changed]}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "no lesson",
        json.dumps({"title": {}, "stops": []}),
        json.dumps(stop(room="nonesuch")),
        json.dumps(stop(settings={"nonesuch": "1"})),
        json.dumps(stop(say={})),
        " " * (LARGEST + 1),
    ],
)
def test_what_is_no_lesson_gets_a_sentence(content):
    with pytest.raises(ConvscopeError) as problem:
        read_lesson(content)
    assert problem.value.sentence("ko")


def test_a_stop_speaks_the_language_it_knows():
    assert read_lesson(json.dumps(stop(say={"ko": "안녕"}))).stops[0].sentence("en") == "안녕"


def test_a_lesson_travels_in_a_link():
    told = to_link(storyline())
    assert from_link(told) == storyline()
    assert len(told) < 6000
    assert set(told) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize(
    "told", ["", "A", "nonsense", "äöü", base64.urlsafe_b64encode(zlib.compress(b" " * 10**7)).decode()]
)
def test_what_is_no_lesson_in_a_link_gets_a_sentence(told):
    with pytest.raises(ConvscopeError):
        from_link(told)
