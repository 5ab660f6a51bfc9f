"""A walk through a lesson: in, on, back, out, in both languages."""

import pytest

from viz_core.lesson import storyline
from viz_core.texts import text


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_lesson_lists_its_stops(open_page, lang):
    page = open_page("pages/lesson.py", lang)
    assert text("lesson.title", lang) in page.title[0].value
    assert any(storyline().stops[0].sentence(lang) in caption.value for caption in page.caption)


def test_a_lesson_leads_from_room_to_room(open_page):
    page = open_page("pages/lesson.py", model="random:squeezenet1_1")
    place = next(place for place, stop in enumerate(storyline().stops) if stop.room == "relu")
    page.session_state["lesson.place"] = place
    page.switch_page("pages/learn/relu.py").run()
    assert any(storyline().stops[place].sentence("en") in block.value for block in page.markdown)
    page.button(key="lesson.leave").click().run()
    assert not any(storyline().stops[place].sentence("en") in block.value for block in page.markdown)
    assert not page.exception


def test_after_a_reload_people_are_where_they_were_and_results_wait_to_be_shown(open_page):
    place = next(place for place, stop in enumerate(storyline().stops) if stop.room == "relu")
    page = open_page("pages/learn/relu.py", model="random:squeezenet1_1", stop=str(place + 1))
    assert page.session_state["lesson.place"] == place
    assert any(text("hints.relu", "en") == block.value for block in page.markdown)
    page.toggle(key="lesson.asking").set_value(True).run()
    assert page.button(key="lesson.show").label == text("lesson.show", "en")
    page.button(key="lesson.show").click().run()
    assert page.button(key="lesson.show").label == text("lesson.hide", "en")
    assert not page.exception
