"""Every page opens in both languages and shows its title and question."""

import pytest

from pages.ui.navigation import page_file, rooms
from viz_core.texts import text


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("kind", rooms(), ids=lambda kind: kind.slug)
def test_a_room_opens(kind, lang, open_page):
    page = open_page(str(page_file(kind).relative_to(page_file(kind).parents[2])), lang)
    namespace = kind.slug.replace("-", "_")
    assert text(f"{namespace}.title", lang) in page.title[0].value
    assert any(text(f"{namespace}.question", lang) in block.value for block in page.markdown)


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("page", [None, "pages/network.py"])
def test_home_and_network_open(page, lang, open_page):
    opened = open_page(page, lang)
    assert opened.title[0].value


def test_the_link_chooses_network_picture_and_class(open_page):
    page = open_page(model="random:squeezenet1_1", image="sample:coffee", target="7")
    assert page.selectbox(key="model").value == "random:squeezenet1_1"
    assert page.selectbox(key="image").value == "sample:coffee"
    assert page.selectbox(key="target").value == 7


def test_nonsense_in_the_link_does_no_harm(open_page):
    page = open_page(model="nonesuch", image="sample:nobody", target="many", patch="-3")
    assert page.selectbox(key="target").value == -1
    assert [error.value for error in page.error]


def test_choices_survive_a_change_of_page(open_page):
    page = open_page("pages/look/filters.py")
    page.selectbox(key="image").select("sample:coffee").run()
    page.switch_page("pages/network.py").run()
    assert page.selectbox(key="image").value == "sample:coffee"


def test_a_bad_upload_gets_its_sentence_and_leaves_the_picture(open_page):
    page = open_page()
    before = page.selectbox(key="image").value
    page.file_uploader(key="pictures.file").upload("notes.txt", b"this is no picture").run()
    assert not page.exception
    assert page.error
    assert page.selectbox(key="image").value == before
