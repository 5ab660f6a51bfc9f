"""A page with a film of 200 frames, each of its own grey, that writes down which one was taken."""

import numpy as np
import streamlit as st

from pages.ui.film import film
from viz_core.images.render import encode_jpeg

TEXTS = {
    **{"frame": "Frame", "play": "Play", "pause": "Pause", "alt": "Frame {number}"},
    **{"go_on": "Go on", "go_on_help": "Goes on from here"},
}
frames = [encode_jpeg(np.full((96, 144, 3), number, np.uint8), 90) for number in range(1, 201)]


def take(number: int) -> None:
    st.session_state["taken"] = number


film(frames, "film", name="greys", milliseconds=20, texts=TEXTS, on_take=take)
st.html(f'<p id="taken">{st.session_state.get("taken")}</p>')
