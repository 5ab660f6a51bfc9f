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
    assert sum("500" in caption.value and "Adam" in caption.value for caption in page.caption) == 3  # the races


def test_other_styles_bring_a_slider_for_the_share_of_each(open_page):
    page = open_page(PAGE, other_styles="sample:glass,sample:ink", **QUICK)
    page.slider(key="style.share.sample:ink").set_value(0.0).run()
    assert not page.exception
    assert "".join(page.query_params["shares"]) == "0.5,0.5,0.0"
    page.selectbox(key="style.mask").select("sample:horse").run()
    assert not page.exception


def test_strokes_over_the_picture_become_the_mask(open_page):
    page = open_page(PAGE, other_styles="sample:glass", **QUICK)
    page.session_state["style.mask.strokes"] = {"sample:coffee": [Stroke(((0.2, 0.2), (0.5, 0.2)), 0.2)]}
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
