"""A page with a picture to click, its values to read, and one to drag over; it writes down what it is told."""

import numpy as np
import streamlit as st

from pages.ui.click_image import Click, Readout, click_image
from viz_core.images.render import encode_png

values = np.arange(8, dtype=np.float32).reshape(2, 4) / 8
values[1, 3] = np.nan
pixels = np.linspace(0, 255, 20 * 40 * 3).reshape(20, 40, 3).astype(np.uint8)
whole = Readout(values, where="row {row}, column {column}")
parts = Readout(np.stack([values, -1000 * values], -1), "{row}/{column}", ("a", "b"), (0.25, 0.0, 0.75, 1.0))


def clicked(click: Click) -> None:
    st.session_state["slider"] = click.x


click = click_image(encode_png(pixels), "whole", alt="A slope", readout=whole, on_click=clicked, width=400)
st.slider("Column", 0, 39, key="slider")
dragged = click_image(encode_png(pixels), "parts", alt="Two halves", readout=parts, drag=True, width=400)
st.html(f'<p id="told-click">{click}</p><p id="told-drag">{dragged and dragged.box}</p>')
st.button("Again", key="again")
