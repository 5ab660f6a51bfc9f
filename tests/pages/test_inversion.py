"""The inversion page: all depths, several starts, and the published recipe."""

import pytest

PAGE = "pages/generate/inversion.py"
QUICK = {"steps": "2", "size": "32", "model": "bundled-random"}


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("chosen", [{}, {"starts": "2", "layers": "relu1,stage2.relu1"}], ids=["depths", "starts"])
def test_every_layer_has_its_picture(lang, chosen, open_page, finished):
    page = finished(open_page(PAGE, lang, **QUICK, **chosen), "inversion")
    assert not page.error
    assert len(page.image) >= 5


def test_a_recipe_sets_the_controls(open_page):
    page = open_page(PAGE, **QUICK)
    page.selectbox(key="inversion.preset").select("mahendran").run()
    assert page.number_input(key="inversion.steps").value == 400
