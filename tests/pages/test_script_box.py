"""The box with a result's script, on a page without a browser."""

import pytest
from streamlit.testing.v1 import AppTest


def opened_box() -> None:
    """A page of nothing but the box, opened."""
    import streamlit as st

    from pages.ui.script_box import script_box
    from viz_core.recipe import Recipe

    st.session_state["saliency.script"] = True
    script_box(Recipe(technique="saliency", parameters={}, weights="", picture=""))


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_script_comes_first_and_its_helper_below(lang):
    page = AppTest.from_function(opened_box, default_timeout=60)
    page.query_params["lang"] = lang
    page.run()
    assert not page.exception
    script, helper = (block.value for block in page.code)
    assert "from helper import" in script
    assert "net = nn.Sequential(" in helper
    assert [folded.proto.expanded for folded in page.expander] == [False]
