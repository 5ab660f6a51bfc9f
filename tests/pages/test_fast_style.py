"""Both rooms about fast styles: painting with shipped styles, bad files, and training."""

import pytest

from viz_core.generate.fast_style_train import FastStyleTrain
from viz_core.technique import finish

PAINT, TRAIN = "pages/generate/fast_style.py", "pages/generate/fast_style_train.py"


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_painting_with_a_shipped_style_and_a_mix(lang, open_page):
    page = open_page(PAINT, lang, model="bundled-random", size="64")
    assert page.selectbox(key="fast-style.style").value == "style:drawings"
    page.slider(key="fast-style.mix.1").set_value(0.8).run()
    page.slider(key="fast-style.mix.0").set_value(0.0).run()
    assert not page.exception


def test_the_live_camera_takes_the_place_of_the_picture(open_page):
    page = open_page(PAINT, model="bundled-random", size="64")
    page.toggle(key="camera.on").set_value(True).run()
    assert not page.exception
    assert page.toggle(key="camera.freeze").value is False
    page.toggle(key="camera.on").set_value(False).run()
    assert not page.exception


def test_a_file_that_is_no_style_gets_its_sentence_and_a_style_is_taken(open_page):
    page = open_page(PAINT, model="bundled-random", size="64")
    page.file_uploader(key="styles.file").upload("bad.safetensors", b"nothing").run()
    assert not page.exception
    assert any("no trained style" in error.value for error in page.error)
    quick = {"model": "bundled-random", "size": 32, "style_size": 64, "width": 8, "blocks": 1, "steps": 1}
    content = finish(FastStyleTrain(**quick).run()).files["style.safetensors"]
    page.file_uploader(key="styles.file").upload("good.safetensors", content).run()
    assert not page.exception
    assert not page.error
    assert page.selectbox(key="fast-style.style").value.startswith("trained:")


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_training_room_opens(lang, open_page):
    page = open_page(TRAIN, lang, model="bundled-random", size="32", steps="1", width="8", blocks="1", style_size="64")
    assert page.multiselect(key="fast-style-train.styles").value == ["sample:strokes"]
