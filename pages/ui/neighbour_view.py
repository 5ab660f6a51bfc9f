"""The furniture of the neighbours room: strips of neighbours, reasons, and pictures of the set to ask about."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from pages.ui import link
from pages.ui.language import language
from pages.ui.png_image import show_png
from pages.ui.room import Room
from pages.ui.thumbnails import thumbnails
from pages.ui.units import number
from viz_core.embed.neighbours import PRECISION_AT, TILE
from viz_core.errors import ConvscopeError
from viz_core.images.datasets import label_title, open_dataset, picture_title
from viz_core.images.render import encode_jpeg
from viz_core.technique import Result

QUERY, WHY, OFF = "neighbours.query", "neighbours.why", "neighbours.off"
PICK, SEED, LABEL = "neighbours.pick", "neighbours.pick_seed", "neighbours.pick_label"
OFFERED = 15
OFFERED_SIDE = 48
CURVE_HEIGHT = 220


def set_state(**values: Any) -> None:
    """Set parameters of the room from within a callback."""
    st.session_state.update({f"neighbours.{name}": value for name, value in values.items()})


def chosen_units(room: Room) -> tuple[int, ...]:
    """The units that are switched off; none any more once the network or the layer is another one."""
    link.seed(OFF, "off", ())
    given = st.session_state[OFF]
    if isinstance(given, str):
        given = tuple(int(part) for part in given.split(",") if part.isdecimal())
    context = (room.choice.model, room.values.get("layer"))
    before = st.session_state.setdefault(f"{OFF}.context", context)
    st.session_state[f"{OFF}.context"] = context
    st.session_state[OFF] = tuple(given) if before == context else ()
    return st.session_state[OFF]


def which_neighbour() -> int:
    """The neighbour to explain, the nearest at first."""
    st.session_state[WHY] = number("neighbours", "why") or 1
    return st.session_state[WHY]


def title_of(room: Room, row: Any) -> str:
    """What people call a picture of the set: its label, or its own name without the folders."""
    return label_title(row["label"], room.lang) if row["label"] else row["title"].rpartition("/")[2]


def facts(room: Room, result: Result) -> None:
    """What was searched and how well the two spaces agree with the labels."""
    names = ("pictures", "layer", "skipped", "width")
    st.caption(room.t("page.facts", **{name: result.scores[name] for name in names}))
    if not result.scores["exact"]:
        st.caption(room.t("page.approximate"))
    if "precision_features" in result.arrays:
        features, pixels = (
            float(result.arrays[f"precision_{space}"][PRECISION_AT - 1]) for space in ("features", "pixels")
        )
        times = f"{features / pixels:.1f}" if pixels else "∞"
        st.markdown(room.t("page.better", times=times, features=f"{features:.0%}", pixels=f"{pixels:.0%}"))
        _curves(room, result)
    if result.tables["skipped"]:
        with st.expander(room.t("page.skipped"), icon=":material/broken_image:"):
            st.dataframe([dict(row) for row in result.tables["skipped"]], hide_index=True, width="stretch")


def _curves(room: Room, result: Result) -> None:
    with st.expander(room.t("page.curve"), icon=":material/show_chart:"):
        chart = go.Figure()
        for space in ("features", "pixels"):
            values = result.arrays[f"precision_{space}"]
            chart.add_scatter(x=np.arange(1, len(values) + 1), y=values, name=room.t(f"page.{space}"))
        chart.update_layout(
            height=CURVE_HEIGHT, margin={"l": 8, "r": 8, "t": 8, "b": 8}, legend={"orientation": "h", "y": 1.2}
        )
        chart.update_yaxes(range=[0, 1.02], tickformat=".0%")
        chart.update_xaxes(title=room.t("page.k"), dtick=1)
        st.plotly_chart(chart, width="stretch", key="neighbours.curve")


def strip(room: Room, result: Result, space: str) -> None:
    """The neighbours in one space, nearest first, each with its label and distance; a click asks about one."""
    st.markdown(f"**{room.t(f'page.{space}')}**")
    k, values = result.recipe.parameters["k"], result.arrays.get(f"precision_{space}")
    if values is not None:
        st.caption(room.t("page.precision", k=k, share=f"{values[k - 1]:.0%}"))
    pictures, rows = open_dataset(result.recipe.parameters["dataset"]), result.tables[space]
    jpegs = {str(row["picture"]): encode_jpeg(pictures.seen(row["picture"], TILE)) for row in rows}
    names = [room.t("page.ask", title=title_of(room, row)) for row in rows]
    captions = [f"{title_of(room, row)}\n{row['distance']:.3g}" for row in rows]
    key = f"{PICK}.{space}"
    thumbnails(jpegs, names, "", key, room.t(f"page.{space}"), captions=captions, least=62)
    take_pick(key)


def take_pick(key: str) -> None:
    """Ask about the picture that was clicked in a strip, if one was."""
    picked = st.session_state.pop(key, None)
    if picked is not None:
        set_state(query=int(picked), why=None)
        st.rerun()


def reasons(room: Room, result: Result) -> None:
    """The units that make the chosen neighbour one, each as its patches and with a switch."""
    st.subheader(room.t("page.why"), anchor=False)
    rows = result.tables["why"]
    if not rows:
        st.caption(room.t("page.no_units"))
        return
    chosen = result.tables["features"][min(result.recipe.parameters["why"], len(result.tables["features"])) - 1]
    st.caption(room.t("page.why_help", title=title_of(room, chosen)))
    st.segmented_control(
        room.t("fields.why.label"), range(1, len(result.tables["features"]) + 1), key=WHY, required=True
    )
    st.caption(room.t("page.columns"))
    off = tuple(result.recipe.parameters["off"])
    for place, row in enumerate(rows):
        words, picture = st.columns([1, 3], vertical_alignment="center")
        with words:
            st.markdown(room.t("page.unit", unit=row["unit"], share=f"{row['share']:.1%}"))
            st.button(
                room.t("page.switch_off"),
                key=f"off.{place}",
                icon=":material/toggle_off:",
                on_click=set_state,
                kwargs={"off": (*off, row["unit"])},
            )
        with picture:
            show_png(room.png(result, f"why_{place}"), alt=room.t("page.columns"))


def pick_from_set(room: Room, dataset: str) -> None:
    """Some pictures of the set, of a label or of all, to ask about with a click."""
    try:
        pictures = open_dataset(dataset)
    except ConvscopeError:
        return  # the run tells it
    with st.expander(room.t("page.pick"), icon=":material/photo_library:"):
        labels = list(pictures.labels or ())
        wanted = None
        if labels:
            names = {label: label_title(label, language()) for label in labels}
            wanted = st.selectbox(
                room.t("page.pick_label"), labels, index=None, format_func=names.get, placeholder="", key=LABEL
            )
        among = [index for index in range(len(pictures)) if wanted is None or pictures.label(index) == wanted]
        seed = st.session_state.setdefault(SEED, 0)
        offered = np.random.default_rng(seed).permutation(among)[:OFFERED].tolist()
        shown = {}
        for index in offered:
            try:
                shown[str(index)] = encode_jpeg(pictures.seen(index, OFFERED_SIDE))
            except ConvscopeError:
                continue
        thumbnails(
            shown,
            [picture_title(pictures.titles[int(index)], dataset, language()) for index in shown],
            str(st.session_state[QUERY]),
            PICK,
            room.t("page.pick"),
        )
        take_pick(PICK)
        st.button(room.t("page.shuffle"), icon=":material/shuffle:", on_click=set_state, kwargs={"pick_seed": seed + 1})
