"""The comparison page: an example at first, then what was pinned in the rooms."""

import pytest

from pages.ui.pins import PINS
from viz_core.compare import pin
from viz_core.explain.cam import Cam
from viz_core.technique import finish
from viz_core.texts import text


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_it_opens_with_an_example(open_page, lang):
    page = open_page("pages/compare.py", lang)
    assert text("compare.example", lang) in [info.value for info in page.info]
    assert len(page.get("plotly_chart")) == 1


def test_pins_are_listed_and_can_be_removed(open_page):
    result = finish(Cam().run())
    page = open_page("pages/compare.py")
    page.session_state[PINS] = (pin(result, "array:map"), pin(result, "picture:class_1"))
    page.run()
    assert not page.exception
    assert not page.info
    page.button(key="compare.remove.0").click().run()
    assert [one.name for one in page.session_state[PINS]] == ["class_1"]
    assert not page.exception
