"""The rooms of depth and of checking a set: their results on a small folder, and the cleaned set."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def link(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))
    noise = np.random.default_rng(0)
    for name in ("one", "two"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(6):
            Image.fromarray(noise.integers(0, 255, (24, 24, 3), np.uint8)).save(
                tmp_path / "set" / name / f"{number}.png"
            )
    monkeypatch.setenv("CONVSCOPE_FOLDERS", str(tmp_path / "set"))
    return {"dataset": f"folder:{tmp_path / 'set'}", "model": "random:squeezenet1_1", "size": "64"}


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_depth_shows_its_maps_in_every_colour(link, lang, open_page, finished):
    page = finished(open_page("pages/embed/depth.py", lang, **link, steps="20", perplexity="3"), "depth")
    assert len(page.session_state["depth.job"].result.arrays["maps"]) >= 4
    for colour in ("prediction", "unit", "label"):
        page.segmented_control(key="depth.colour").set_value(colour).run()
        assert not page.exception


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_checked_set_is_kept_without_what_was_found(link, lang, open_page, finished):
    page = finished(open_page("pages/embed/audit.py", lang, **link, k="3"), "audit")
    assert len(page.tabs) >= 4
    page.button(key="without.outliers").click().run()
    assert page.success
    assert any("9" in option for option in page.selectbox(key="audit.dataset").options)
