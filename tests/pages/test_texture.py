"""The texture room in both languages, with another sample and with one method alone."""

import pytest

PAGE = "pages/generate/texture.py"
QUICK = {"side": "32", "size": "32", "steps": "1", "reach": "2"}


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_room_opens_with_its_gram_matrix(lang, open_page):
    page = open_page(PAGE, lang, model="bundled-random", method="efros-leung", **QUICK)
    assert page.selectbox(key="texture.gram_layer").value == "relu1"
    assert page.selectbox(key="texture.image").value == "sample:brick"
    assert page.slider(key="texture.weight.relu1").value == 1.0


def test_another_sample_and_other_weights(open_page):
    page = open_page(PAGE, model="bundled-random", method="gram", image="sample:gravel", **QUICK)
    page.slider(key="texture.weight.relu1").set_value(0.0).run()
    assert not page.exception
    assert page.selectbox(key="texture.image").value == "sample:gravel"
