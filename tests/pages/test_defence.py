"""The defence page."""

import pytest

PAGE = "pages/generate/defence.py"


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_both_networks_are_compared(lang, open_page, finished):
    page = finished(open_page(PAGE, lang, steps="10", model="bundled-random"), "defence")
    assert not page.error
    assert page.image
    assert any("ε = 0.15" in block.value for block in page.markdown)
