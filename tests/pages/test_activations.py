"""The activations page without a browser."""

import functools

import pytest

PAGE = "pages/look/activations.py"


@pytest.fixture
def open_activations(open_small):
    return functools.partial(open_small, PAGE)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_page_opens(lang, open_activations):
    page = open_activations(lang)
    assert len(page.get("plotly_chart")) == 2


def test_a_link_chooses_layer_channel_and_place(open_activations):
    page = open_activations(layer="features.3.squeeze", channel="5", row="1", column="2")
    assert page.selectbox(key="activations.layer").value == "features.3.squeeze"
    assert any("1" in words.value and "2" in words.value for words in page.caption)
    assert page.button(key="activations.again")
    page.button(key="activations.again").click().run()
    assert not page.exception
    assert "activations.again" not in [button.key for button in page.button]


@pytest.mark.parametrize("sort", ["index", "mean", "sparsity"])
def test_every_order_draws(sort, open_activations):
    page = open_activations(sort=sort, scale="joint")
    assert not page.error


def test_another_layer_forgets_the_channel(open_activations):
    page = open_activations(layer="features.0", channel="60")
    page.selectbox(key="activations.layer").select("features.3.squeeze").run()
    assert not page.error
    assert page.number_input(key="activations.channel").value is None


def test_a_layer_without_positions_has_bars(open_activations):
    page = open_activations(layer="flatten")
    assert not page.error
    assert page.get("plotly_chart")


def test_a_second_picture_lies_beside_the_first(open_activations):
    page = open_activations(other_image="sample:chelsea")
    assert page.selectbox(key="activations.other_image").value == "sample:chelsea"
    assert len(page.image) >= 2


def test_a_place_that_is_not_there_gets_its_sentence(open_activations):
    page = open_activations(row="999", column="0")
    assert "999" in page.error[0].value


def test_the_second_page_of_maps_goes_on_where_the_first_ended(open_activations):
    page = open_activations(layer="features.12.expand3x3", first="64")
    assert any("64" in words.value for words in page.caption)
    page.selectbox(key="activations.layer").select("features.12.squeeze").run()
    assert not page.exception
    assert not any("64 to" in words.value for words in page.caption)


def test_the_live_camera_takes_the_place_of_the_picture(open_activations):
    page = open_activations()
    page.toggle(key="camera.on").set_value(True).run()
    assert not page.exception
    assert page.slider(key="camera.gain")
    assert not page.get("plotly_chart")
    page.toggle(key="camera.on").set_value(False).run()
    assert not page.exception
    assert page.get("plotly_chart")
