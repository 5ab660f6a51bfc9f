"""What the theme's settings cannot say."""

import streamlit as st

_DARK_LETTERS = """<style>
[data-testid=stBaseButton-primary], [data-testid=stBaseButton-primary] p, [data-testid=stMultiSelect] span[title] {
  color: #0e1418; }
</style>"""


def readable_buttons() -> None:
    """Dark letters on the light primary colour of the dark theme, where Streamlit would write white ones."""
    if st.context.theme.type == "dark":
        st.html(_DARK_LETTERS)
