"""The DeepDream page, plain and guided, and its film."""

import pytest

PAGE = "pages/generate/deepdream.py"
QUICK = {"steps": "1", "octaves": "2", "size": "32", "model": "bundled-random"}


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(
    "chosen", [{}, {"guided": "true"}, {"zoom": "2", "also": "conv1"}], ids=["plain", "guided", "zoom"]
)
def test_a_dream_is_shown(lang, chosen, open_page, finished):
    page = finished(open_page(PAGE, lang, **QUICK, **chosen), "deepdream")
    assert not page.error
    assert len(page.image) >= 2


def test_a_recipe_sets_the_controls(open_page):
    page = open_page(PAGE, **QUICK)
    page.selectbox(key="deepdream.preset").select("google").run()
    assert page.slider(key="deepdream.jitter").value == 32
