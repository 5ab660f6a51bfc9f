"""The backprop page without a browser."""

import functools

import pytest

PAGE = "pages/explain/backprop.py"


@pytest.fixture
def open_backprop(open_small):
    return functools.partial(open_small, PAGE)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_class_score_by_three_rules(lang, open_backprop):
    page = open_backprop(lang)
    assert len(page.image) == 4
    assert not [box for box in page.number_input if box.key == "backprop.channel"]


def test_a_unit_is_shown_in_place_and_cropped(open_backprop):
    page = open_backprop(layer="features.3.squeeze", channel="5", row="1", column="2", rule="deconvnet", scale="joint")
    assert page.number_input(key="backprop.channel").value == 5
    assert len(page.image) == 8
    assert not page.error


def test_another_layer_forgets_channel_and_place(open_backprop):
    page = open_backprop(layer="features.0", channel="60", row="20")
    page.selectbox(key="backprop.layer").select("features.3.squeeze").run()
    assert not page.error
    assert page.number_input(key="backprop.channel").value is None


def test_a_channel_that_is_not_there_gets_its_sentence(open_backprop):
    page = open_backprop(layer="features.3.squeeze", channel="500")
    assert "500" in page.error[0].value
