"""The map's room: every method, every colour, search, and a selection that becomes a data set."""

import pytest

PAGE = "pages/embed/map.py"


@pytest.fixture
def link(folder) -> dict[str, str]:
    """The room on a small folder."""
    return {"dataset": folder, "perplexity": "3", "steps": "20", "method": "pca"}


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_colour_can_be_chosen(link, lang, open_page, finished):
    page = finished(open_page(PAGE, lang, **link), "map")
    for colour in ("prediction", "right", "kept", "unit", "label"):
        page.segmented_control(key="map.colour").set_value(colour).run()
        assert not page.exception
        assert not page.error


def test_what_is_found_is_shown_and_becomes_a_data_set(link, open_page, finished):
    page = finished(open_page(PAGE, **link), "map")
    page.selectbox(key="map.search").select("goldfish").run()
    assert any("6 pictures chosen" in block.value for block in page.markdown)
    page.text_input(key="subset.name").set_value("only fish").run()
    next(button for button in page.button if button.label == "Save as a data set").click().run()
    assert page.success
    box = page.selectbox(key="map.dataset")
    assert "only fish" in box.options
    page.switch_page("pages/embed/neighbours.py").run()
    assert "only fish" in page.selectbox(key="neighbours.dataset").options


def test_a_changed_sidebar_picture_leaves_the_map(link, open_page, finished):
    page = finished(open_page(PAGE, **link), "map")
    job = page.session_state["map.job"]
    page.selectbox(key="image").select("sample:chelsea").run()
    assert page.session_state["map.job"] is job
    assert not page.info


def test_t_sne_of_a_dozen_pictures(link, open_page, finished):
    page = finished(open_page(PAGE, **(link | {"method": "tsne"})), "map")
    assert page.session_state["map.job"].result.arrays["map"].shape == (12, 2)
