"""Where people looked beside where the network did, judged by the same score."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from pages.ui.png_image import show_png
from pages.ui.room import Room
from viz_core.images.datasets import label_title
from viz_core.images.render import encode_png
from viz_core.learn.looked import over, pack, together
from viz_core.learn.you_vs_net import MAPS, people_area
from viz_core.technique import Result


@st.cache_data(max_entries=256, show_spinner=False)
def _area(digest: str, place: int, painted: str, shares: tuple[float, ...], _result: Result, _network) -> float:
    """The deletion area of a painting; asked for again and again while a class paints."""
    return people_area(_result, _network, place, np.reshape(shares, (16, 16)))


def looked(room: Room, result: Result, paintings: Callable[[int], tuple[str, ...]], who: str) -> None:
    """One picture with what people painted, occlusion and Grad-CAM, and the area under the deletion curve of each."""
    if not result.tables["areas"]:
        return
    st.subheader(room.t("page.looked"), anchor=False)
    questions = result.tables["questions"]
    names = {p: f"{p + 1} {label_title(questions[p]['label'], room.lang)}" for p in range(len(result.tables["areas"]))}
    place = st.selectbox(room.t("page.looked_at"), list(names), format_func=names.get, key=f"looked.{who}")
    shown, areas = result.arrays["pictures"][place], dict(result.tables["areas"][place])
    maps: dict[str, np.ndarray] = {}
    painted = paintings(place)
    if painted:
        cells = together(painted)
        digest = result.recipe.digest
        maps["people"] = cells
        shares = tuple(cells.ravel().tolist())
        areas["people"] = _area(digest, place, pack(cells > 0), shares, result, room.network)
    else:
        st.caption(room.t("page.nobody_painted"))
    maps |= {name: result.arrays[name][place] for name in MAPS}
    best = min((areas[name], name) for name in maps)[1]
    for column, (name, values) in zip(st.columns(len(maps)), maps.items(), strict=True):
        show_png(encode_png(over(shown, values)), column, alt=room.t(f"page.maps.{name}"))
        star = " :material/trophy:" if name == best else ""
        column.metric(f"{room.t(f'page.maps.{name}')}{star}", f"{areas[name]:.3f}")
    st.caption(room.t("page.looked_help", chance=f"{areas['chance']:.3f}", people=len(painted)))
