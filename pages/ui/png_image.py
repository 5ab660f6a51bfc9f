"""A PNG on the page, byte for byte as it was made."""

from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

Width = int | Literal["stretch", "content"]


def show_png(
    png: bytes, place: DeltaGenerator | None = None, *, alt: str, caption: str | None = None, width: Width = "stretch"
) -> None:
    """Draw a PNG here or in another place of the page.

    Without being told the format Streamlit would make a JPEG of it in every run of the page: blurred colours, time lost,
    and the recipe gone from a picture that somebody saves with the right mouse button.
    """
    (place or st).image(png, caption=caption, width=width, alt=alt, output_format="PNG")
