"""A second network or layer beside the first, without a browser."""

import pytest

from viz_core.texts import text

NETWORK, OTHER = "random:squeezenet1_1", "bundled-random"


@pytest.fixture
def open_beside(open_page):
    """Follow a link that names a second network or layer."""

    def opened(page: str, lang: str, **parameters: str):
        given = {"model": NETWORK, "size": "64", **parameters}
        opened = open_page(page, lang, model=NETWORK)
        for name, value in given.items():
            opened.query_params[name] = value
        opened.run()
        assert not opened.exception
        assert not opened.error
        return opened

    return opened


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(("slug", "pictures"), [("cam", 5), ("saliency", 5), ("backprop", 9)])
def test_two_networks_on_one_scale(slug, pictures, lang, open_beside):
    page = open_beside(f"pages/explain/{slug}.py", lang, beside_model=OTHER)
    assert any(text("ui.beside.heading", lang) in block.value for block in page.markdown)
    assert len(page.image) == pictures
    assert page.query_params["beside_model"] == OTHER


def test_two_layers_of_one_network(open_beside):
    page = open_beside("pages/explain/cam.py", "en", beside_layer="cat_2")
    captions = [picture.caption for image in page.image for picture in image.proto.imgs]
    assert any("cat_2" in caption for caption in captions)


def test_each_on_its_own_scale_and_nothing_beside(open_beside):
    page = open_beside("pages/explain/cam.py", "en", beside_model=OTHER)
    page.toggle(key="cam.one_scale").set_value(False).run()
    assert len(page.image) == 5
    page.selectbox(key="cam.beside_model").select("").run()
    assert len(page.image) == 3
    assert "beside_model" not in page.query_params
