"""The patches page without a browser."""

import io
import time
import zipfile

import pytest
from streamlit.testing.v1 import AppTest

from viz_core.images.render import encode_png
from viz_core.images.samples import sample

PAGE = "pages/look/patches.py"
SMALL = {"model": "random:squeezenet1_1", "size": "32", "pictures": "20", "layer": "features.0", "count": "4"}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path))


@pytest.fixture
def open_patches(open_page):
    """Open the page with a small network, follow a link with few pictures, and wait for the pass to end."""

    def opened(lang: str = "en", **parameters: str) -> AppTest:
        page = open_page("pages/network.py", lang, model=SMALL["model"])
        for name, value in {**SMALL, "lang": lang, **parameters}.items():
            page.query_params[name] = value
        page.switch_page(PAGE)
        for name, value in {**SMALL, "lang": lang, **parameters}.items():
            page.query_params[name] = value
        return ended(page.run())

    return opened


def ended(page: AppTest) -> AppTest:
    """The page after its run has come to an end."""
    limit = time.monotonic() + 60
    while not page.error and not page.subheader and time.monotonic() < limit:
        time.sleep(0.3)
        page.run()
    assert not page.exception
    return page


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_wall_and_one_unit_appear(lang, open_patches):
    page = open_patches(lang)
    assert not page.error
    assert len(page.image) == 6
    assert len(page.get("plotly_chart")) == 1
    assert any("20" in words.value for words in page.caption)


def test_a_link_chooses_the_unit(open_patches):
    page = open_patches(channel="5", sort="index")
    assert page.subheader[0].value.endswith("5")


def test_a_channel_that_is_not_there_gets_its_sentence(open_patches):
    assert "63" in open_patches(channel="64").error[0].value


def test_a_layer_without_positions_shows_whole_pictures(open_patches):
    page = open_patches(layer="flatten", channel="3")
    assert not page.error
    assert len(page.image) == 5


def test_an_uploaded_zip_is_searched(open_patches):
    page = open_patches()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for number in range(10):
            archive.writestr(f"{number}.png", encode_png(sample("coffee").pixels[number * 20 : number * 20 + 60, :60]))
    page.file_uploader(key="patches.dataset.zip").upload("mine.zip", content.getvalue()).run()
    assert page.selectbox(key="patches.dataset").value.startswith("zip:")
    page = ended(page)
    assert not page.error
    assert any("10" in words.value for words in page.caption)


def test_a_bad_zip_gets_its_sentence_and_leaves_the_set(open_patches):
    page = open_patches()
    page.file_uploader(key="patches.dataset.zip").upload("mine.zip", b"this is no zip").run()
    assert page.error
    assert page.selectbox(key="patches.dataset").value == "photographs"
