"""A page whose buttons and whose fragment go wrong, each in its own way."""

import streamlit as st

from pages.ui.language import choose_language
from pages.ui.problems import tell_last
from viz_core.errors import ConvscopeError


def known() -> None:
    raise ConvscopeError("image_errors.empty")


def unforeseen() -> None:
    raise ZeroDivisionError("inside")


@st.fragment
def part() -> None:
    """A part of the page that is drawn by itself."""
    if st.button("In a part", key="part"):
        unforeseen()


choose_language()
tell_last()
st.title("Here it is")
st.button("Known", key="known", on_click=known)
st.button("Unforeseen", key="unforeseen", on_click=unforeseen)
part()
st.text("and it stays")
