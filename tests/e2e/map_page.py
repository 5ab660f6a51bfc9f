"""A page with a map of twenty thousand points and a second arrangement of them; it writes down what is chosen."""

import numpy as np
import streamlit as st

from pages.ui.scatter import Frame, Points, by_name, scatter
from pages.ui.served import serve
from viz_core.images.intake import Picture
from viz_core.images.picture_set import PictureSet

COUNT = 20_000
ACROSS = 200
rows, columns = np.divmod(np.arange(COUNT), ACROSS)
grid = np.stack([(columns + 0.5) / ACROSS, 1 - (rows + 0.5) / 100], axis=1)
disc = 0.5 + 0.4 * np.sqrt(np.arange(COUNT) / COUNT)[:, None] * np.stack(
    [np.cos(np.arange(COUNT) * 2.4), np.sin(np.arange(COUNT) * 2.4)], axis=1
)
names = [f"group {row // 25}" for row in rows]


@st.cache_resource
def looks() -> np.ndarray:
    shades = np.linspace(0, 255, COUNT).astype(np.uint8)
    return np.broadcast_to(shades[:, None, None, None], (COUNT, 32, 32, 3))


def drawn(index: int, _: int) -> Picture:
    return Picture(np.full((64, 64, 3), index % 256, np.uint8))


pictures = PictureSet("drawn", "0", tuple(map(str, range(COUNT))), tuple(names), drawn)
neighbours = (np.arange(COUNT)[:, None] + np.arange(1, 9)) % COUNT
points = Points("twenty-thousand", np.arange(COUNT), names, [f"point {n}" for n in range(COUNT)], neighbours)
chosen = scatter(
    points,
    [Frame("grid", grid), Frame("disc", disc)],
    by_name(names),
    serve("twenty-thousand", lambda: pictures, looks()),
    "map",
    alt="Twenty thousand points",
)
st.html(f'<p id="chosen">{len(chosen)}</p>')
