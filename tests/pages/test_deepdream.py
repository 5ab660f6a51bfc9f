"""The DeepDream page, plain and guided, and its film."""

import pytest

from viz_core.texts import text

PAGE = "pages/generate/deepdream.py"
QUICK = {"steps": "1", "octaves": "2", "size": "32", "model": "bundled-random"}


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(
    "chosen", [{}, {"guided": "true"}, {"zoom": "2", "also": "conv1"}], ids=["plain", "guided", "zoom"]
)
def test_a_dream_is_shown(lang, chosen, open_page, finished):
    page = finished(open_page(PAGE, lang, **QUICK, **chosen), "deepdream")
    assert not page.error
    assert len(page.image) >= 2


def test_a_recipe_sets_the_controls(open_page):
    page = open_page(PAGE, **QUICK)
    page.selectbox(key="deepdream.preset").select("google").run()
    assert page.slider(key="deepdream.jitter").value == 32


def test_what_was_shown_stays_when_settings_change_until_the_network_does(open_page, finished):
    finished(open_page(PAGE, **QUICK), "deepdream")
    page = open_page(PAGE, **QUICK)  # another visitor, who finds the picture ready and starts no run
    assert "deepdream.job" not in page.session_state
    shown = len(page.image)
    page.slider(key="deepdream.jitter").set_value(7).run()
    assert [info.value for info in page.info] == [text("ui.settings_changed", "en")]
    assert len(page.image) == shown
    page.selectbox(key="model").set_value("bundled").run()
    assert [info.value for info in page.info] == [text("ui.not_yet", "en")]
    assert not page.exception
