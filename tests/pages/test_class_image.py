"""The class image page: every kind of run, in both languages."""

import pytest

PAGE = "pages/generate/class_image.py"
QUICK = {"steps": "2", "size": "32", "model": "bundled-random"}


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_class_is_painted_and_captioned(lang, open_page, finished):
    page = finished(open_page(PAGE, lang, target="3", **QUICK), "class-image")
    assert not page.error
    assert page.number_input(key="class-image.steps").value == 2
    assert page.image


@pytest.mark.parametrize(
    "chosen",
    [
        {"compare": "ladder"},
        {"compare": "twins"},
        {"compare": "starts"},
        {"compare": "centre"},
        {"goal": "channel", "count": "2"},
        {"goal": "layer", "canvas": "fourier"},
        {"also": "5,7"},
    ],
    ids=lambda chosen: "-".join(chosen.values()),
)
def test_every_kind_of_run_shows_its_pictures(chosen, open_page, finished):
    page = finished(open_page(PAGE, **QUICK, **chosen), "class-image")
    assert not page.error
    assert page.image


def test_a_recipe_sets_the_controls(open_page):
    page = open_page(PAGE, **QUICK)
    page.selectbox(key="class-image.preset").select("yosinski2").run()
    assert page.selectbox(key="class-image.optimiser").value == "gradient"
    assert page.number_input(key="class-image.rate").value == 100.0
    assert not page.exception


def test_facets_ask_for_their_pictures(open_page):
    page = open_page(PAGE, compare="facets", **QUICK)
    assert page.selectbox(key="class-image.dataset").value == "builtin"
    page.button(key="stop").click().run()
    assert not page.exception
