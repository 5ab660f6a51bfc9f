"""The style room in both languages, with two styles, with a mask, with the colours kept."""

import pytest

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


def test_ellipses_drawn_over_the_picture_become_the_mask(open_page):
    page = open_page(PAGE, second_style="sample:glass", **QUICK)
    page.session_state["style.mask.boxes"] = {"sample:chelsea": [(10, 10, 200, 200)]}
    page.run()
    assert not page.exception
    assert "".join(page.query_params["mask"]).startswith("upload:")
    page.button(key="style.mask.boxes.clear").click().run()
    assert "mask" not in page.query_params
