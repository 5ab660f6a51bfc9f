"""What the checks of the trust room found, drawn: a view for each check. `key` tells two views on one page apart."""

from collections.abc import Iterable
from functools import partial

import numpy as np
import streamlit as st

from pages.ui.method_charts import agreement_matrix, method_bars, method_curves
from pages.ui.png_image import show_png
from pages.ui.room import Room
from viz_core.explain.methods import METHODS
from viz_core.explain.trust import OVERLAY
from viz_core.images.render import overlay
from viz_core.images.tensor import to_pixels
from viz_core.technique import Result

COLUMNS = 4
GAMES = ("deletion", "insertion")
BADGES = {"better": ("green", "check"), "worse": ("red", "close"), "open": ("grey", "question_mark")}


def method_name(room: Room, name: str) -> str:
    """What people call a method."""
    return room.t(f"methods.{name}")


def tiles(room: Room, result: Result, maps: Iterable[np.ndarray], captions: Iterable[str], depth: int = 0) -> None:
    """The picture with each method's map over it, row by row; depth: of the network that these maps are of."""
    pixels = to_pixels(result.arrays["input"])
    told = list(zip(METHODS, maps, captions, strict=False))
    for start in range(0, len(told), COLUMNS):
        for column, (name, values, caption) in zip(st.columns(COLUMNS), told[start : start + COLUMNS], strict=False):
            png = result.png_of(f"{name}_{depth}", partial(overlay, pixels, values, OVERLAY))
            said = f"{method_name(room, name)}: {caption}" if caption else method_name(room, name)
            show_png(png, column, caption=said, alt=said)


@st.fragment
def randomise(room: Room, result: Result, key: str) -> None:
    """The slider: how much of the network is noise, and what each map makes of it."""
    layers, rows = [row["layer"] for row in result.tables["layers"]], result.tables["similarity"]
    labels = [room.t("page.learnt"), *layers][: result.scores["depths"]]
    depth = 0
    if len(labels) > 1:
        help_text = room.t("page.slider_help")
        shown = st.select_slider(room.t("page.slider"), labels, key=f"trust.depth{key}", help=help_text)
        depth = labels.index(shown)
    here = {row["method"]: row["rank_correlation"] for row in rows if row["depth"] == depth}
    tiles(room, result, result.arrays["maps"][depth], [f"{here[name]:.2f}" for name in METHODS], depth)
    for measure in ("rank_correlation", "structural"):
        st.markdown(f"**{room.t(f'page.{measure}')}**")
        curves = {method_name(room, m): [row[measure] for row in rows if row["method"] == m] for m in METHODS}
        chart = method_curves(curves, labels, room.t("page.forgotten"), "", marked=labels[depth])
        st.plotly_chart(chart, width="stretch", key=f"trust.{measure}{key}")
    st.markdown(f"**{room.t('page.verdicts', layer=labels[result.scores['half']])}**")
    for row in result.tables["verdicts"]:
        colour, icon = ("green", "check") if row["depends"] == "yes" else ("red", "close")
        verdict = room.t(f"page.depends_{row['depends']}", kept=f"{row['kept']:.2f}")
        st.markdown(f":{colour}-badge[:material/{icon}: {method_name(room, row['method'])}] {verdict}")


def delete(room: Room, result: Result, key: str) -> None:
    """The curves of both games and the areas under them."""
    areas, steps = result.tables["areas"], result.scores["steps"]
    shares = [100 * step / steps for step in range(steps + 1)]
    for game in GAMES:
        st.markdown(f"**{room.t(f'page.{game}')}**")
        curves = {method_name(room, row["method"]): result.arrays[f"{game}_{row['method']}"] for row in areas}
        chart = method_curves(curves, shares, room.t("page.share"), room.t("page.probability"))
        st.plotly_chart(chart, width="stretch", key=f"trust.{game}{key}")
    st.caption(room.t("page.areas"))
    names = [method_name(room, row["method"]) for row in areas]
    values = {room.t(f"page.{game}_area"): [row[game] for row in areas] for game in GAMES}
    st.plotly_chart(method_bars(names, values, ".2f"), width="stretch", key=f"trust.areas{key}")


def many(room: Room, result: Result, key: str) -> None:
    """Mean areas over many pictures with their intervals, and a verdict for each method in each game."""
    rows = result.tables["areas"]
    st.markdown(f"**{room.t('page.many', pictures=result.scores['pictures'])}**")
    room.show(result, "pictures", room.t("page.many_pictures"))
    names = [method_name(room, row["method"]) for row in rows]
    for column, game in zip(st.columns(2, gap="large"), GAMES, strict=True):
        with column:
            st.markdown(f"**{room.t(f'page.{game}')}**")
            values, ends = [row[game] for row in rows], [row[f"{game}_high"] - row[game] for row in rows]
            chart = method_bars(names, {room.t(f"page.{game}_area"): values}, ".2f", [ends])
            st.plotly_chart(chart, width="stretch", key=f"trust.many.{game}{key}")
            for name, row in list(zip(names, rows, strict=True))[1:]:  # the first is chance itself
                colour, icon = BADGES[row[f"{game}_verdict"]]
                low, high = (f"{row[f'{game}_gain_{end}']:+.3f}" for end in ("low", "high"))
                said = room.t(f"page.verdict_{row[f'{game}_verdict']}", low=low, high=high)
                st.markdown(f":{colour}-badge[:material/{icon}: {name}] {said}")


def plant(room: Room, result: Result, key: str) -> None:
    """How truthful each method is where the truth is known."""
    scores, table = result.scores, result.tables["truth"]
    st.caption(room.t("page.planted", accuracy=f"{scores['accuracy']:.0%}", chance=f"{scores['chance']:.0%}"))
    names = [method_name(room, row["method"]) for row in table]
    values = {room.t(f"page.{kind}"): [row[kind] for row in table] for kind in ("points", "share_on_mark")}
    st.plotly_chart(method_bars(names, values), width="stretch", key=f"trust.truth{key}")
    numbered = ", ".join(f"{number} {name}" for number, name in enumerate(names, start=1))
    columns = st.columns(2)
    for place, picture in enumerate(name for name in result.pictures if name.startswith("example")):
        with columns[place % 2]:
            room.show(result, picture, numbered)


def agree(room: Room, result: Result, key: str) -> None:
    """How alike the methods are on this picture."""
    tiles(room, result, result.arrays["maps"], [""] * len(METHODS))
    st.markdown(f"**{room.t('page.agreement')}**")
    names = [method_name(room, name) for name in METHODS][: result.scores["methods"]]
    st.plotly_chart(agreement_matrix(names, result.arrays["map"]), width="stretch", key=f"trust.agreement{key}")


VIEWS = {"randomise": randomise, "deletion": delete, "many": many, "planted": plant, "agreement": agree}
