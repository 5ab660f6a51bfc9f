"""The beginning of the lesson by the keyboard alone, in Korean on a dark telephone; `walk.py` goes through all of it."""

from tests.e2e.walk import walk

STOPS = 2


def test_the_lesson_is_walked_by_keyboard_and_is_accessible(visitor):
    phone = visitor(locale="ko-KR", color_scheme="dark", viewport={"width": 390, "height": 900})
    assert walk(phone, "ko", STOPS) == []
