"""The style room in both languages, with two styles, with a mask, with the colours kept."""

import pytest

from pages.ui.brush import read_stroke
from viz_core.generate.region import Stroke

PAGE = "pages/generate/style.py"
QUICK = {"model": "bundled-random", "size": "64", "sizes": "1", "steps": "1"}


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_room_opens_and_says_what_a_run_needs(lang, open_page):
    page = open_page(PAGE, lang, **QUICK)
    assert page.selectbox(key="style.style").value == "sample:strokes"
    assert any("MB" in caption.value for caption in page.caption)


def test_a_second_style_brings_its_slider_and_a_mask_takes_it_away(open_page):
    page = open_page(PAGE, second_style="sample:glass", **QUICK)
    assert page.slider(key="style.blend").value == 0.5
    page.selectbox(key="style.mask").select("sample:horse").run()
    assert not page.exception
    with pytest.raises(KeyError):
        page.slider(key="style.blend")


def test_strokes_over_the_picture_become_the_mask(open_page):
    page = open_page(PAGE, second_style="sample:glass", **QUICK)
    page.session_state["style.mask.strokes"] = {"sample:chelsea": [Stroke(((0.2, 0.2), (0.5, 0.2)), 0.2)]}
    page.run()
    assert not page.exception
    assert "".join(page.query_params["mask"]).startswith("upload:")
    page.session_state["style.mask.strokes"] = {}
    page.run()
    assert "mask" not in page.query_params


def test_what_a_browser_says_about_a_stroke_is_kept_within_bounds():
    stroke = read_stroke({"points": [[0.5, 0.5], [99, -99]], "brush": 7, "erase": 1})
    assert stroke == Stroke(((0.5, 0.5), (2.0, -4.0)), 0.5, True)


def test_the_learning_rate_is_there_for_adam_alone(open_page):
    page = open_page(PAGE, **QUICK)
    with pytest.raises(KeyError):
        page.slider(key="style.rate")
    page = open_page(PAGE, optimiser="adam", **QUICK)
    assert page.slider(key="style.rate").value == 0.03
