"""A picture in which people draw a box around the object, to compare a map with it."""

import streamlit as st

from pages.ui.click_image import Click, click_image
from pages.ui.room import Room
from viz_core.images.render import encode_png
from viz_core.technique import Result

EDGE = (230, 60, 40)
Box = tuple[int, int, int, int]


def boxed_image(room: Room, result: Result, picture: str, alt: str) -> Box | None:
    """Draw a picture of the result and return the box dragged over it, in the picture's pixels; None before the first."""
    key = f"{room.kind.slug}.box"
    pixels = result.pictures[picture].copy()
    height, width = pixels.shape[:2]
    drawn = st.session_state.get(key)
    box = drawn[1] if drawn is not None and drawn[0] == (room.choice.image, height, width) else None
    if box is not None:
        left, top, right, bottom = box
        pixels[top:bottom, [left, right - 1]] = EDGE
        pixels[[top, bottom - 1], left:right] = EDGE

    def dragged(click: Click) -> None:
        left, top, right, bottom = click.box
        st.session_state[key] = (room.choice.image, height, width), (left, top, min(right, width), min(bottom, height))

    click_image(encode_png(pixels, result.recipe.to_json()), f"{key}.{picture}", alt=alt, on_click=dragged, drag=True)
    st.caption(alt)
    return box
