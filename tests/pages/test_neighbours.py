"""The neighbours room: asking about other pictures, explaining a neighbour, units off and on."""

import numpy as np
import pytest
from PIL import Image

PAGE = "pages/embed/neighbours.py"


@pytest.fixture
def link(tmp_path, monkeypatch):
    """The room on a small folder of two kinds of pictures, and one broken file."""
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))
    noise = np.random.default_rng(0)
    for name, colour in (("red", (220, 30, 30)), ("green", (30, 200, 30))):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(8):
            pixels = np.clip(np.array(colour) + noise.normal(0, 40, (24, 24, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / name / f"{number:02}.png")
    (tmp_path / "set" / "red" / "99.png").write_bytes(b"no picture")
    monkeypatch.setenv("CONVSCOPE_FOLDERS", str(tmp_path / "set"))
    return {"model": "random:squeezenet1_1", "dataset": f"folder:{tmp_path / 'set'}", "size": "64"}


def result_of(page):
    return page.session_state["neighbours.job"].result


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_units_go_off_and_on_and_another_neighbour_is_explained(link, lang, open_page, finished):
    page = finished(open_page(PAGE, lang, **link, query="3"), "neighbours")
    unit = result_of(page).tables["why"][0]["unit"]
    page.button(key="off.0").click().run()
    page = finished(page, "neighbours")
    assert result_of(page).recipe.parameters["off"] == [unit]
    assert unit not in [row["unit"] for row in result_of(page).tables["why"]]
    page.segmented_control(key="neighbours.why").set_value(3).run()
    page = finished(page, "neighbours")
    third = result_of(page).tables["features"][2]["picture"]
    assert {row["neighbour"] for row in result_of(page).tables["why"]} == {third}
    next(button for button in page.button if str(unit) in button.label).click().run()
    assert result_of(finished(page, "neighbours")).recipe.parameters["off"] == []


def test_units_of_another_layer_are_forgotten(link, open_page, finished):
    page = finished(open_page(PAGE, **link, off="3,4"), "neighbours")
    assert result_of(page).recipe.parameters["off"] == [3, 4]
    page.selectbox(key="neighbours.layer").select("features.0").run()
    assert result_of(finished(page, "neighbours")).recipe.parameters["off"] == []


def test_back_to_the_picture_of_the_sidebar(link, open_page, finished):
    page = finished(open_page(PAGE, **link, query="3"), "neighbours")
    page.button[[button.label for button in page.button].index("Back to the chosen picture")].click().run()
    assert result_of(finished(page, "neighbours")).recipe.parameters["query"] is None
