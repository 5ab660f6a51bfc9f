"""Neighbours: the pictures nearest to one, by the network's last layer and by pixels."""

import streamlit as st

from pages.ui.dataset_box import dataset_box
from pages.ui.room import Room
from pages.ui.units import passport
from viz_core.embed.neighbours import TILE, Neighbours
from viz_core.images.datasets import label_title, open_dataset
from viz_core.images.render import encode_jpeg
from viz_core.technique import Result

QUERY = "neighbours.query"
IN_A_ROW = 8


def ask_about(picture: int | None) -> None:
    """Make a picture of the set, or the sidebar's, the one asked about."""
    st.session_state[QUERY] = picture


def strip(result: Result, space: str) -> None:
    """The neighbours in one space, nearest first, each with its label and distance."""
    st.markdown(f"**{room.t(f'page.{space}')}**")
    share = result.scores.get(f"precision_{space}")
    if share is not None:
        st.caption(room.t("page.precision", share=f"{share:.0%}"))
    pictures = open_dataset(technique.dataset)
    rows = result.tables[space]
    for first in range(0, len(rows), IN_A_ROW):
        for column, row in zip(st.columns(IN_A_ROW), rows[first : first + IN_A_ROW], strict=False):
            with column:
                label = label_title(row["label"], room.lang) if row["label"] else row["title"]
                st.image(encode_jpeg(pictures.seen(row["picture"], TILE)), width="stretch", alt=label)
                far = room.t("page.distance", distance=f"{row['distance']:.3g}")
                st.caption(f"{label}  \n{far}")
                st.button(
                    room.t("page.ask"), key=f"ask.{space}.{row['picture']}", on_click=ask_about, args=(row["picture"],)
                )


room = Room(Neighbours)
with room.settings:
    dataset = dataset_box(Neighbours)
technique = room.controls(only=("layer", "query", "k"), dataset=dataset)
result = room.run(technique)
if result is not None:
    with room.stage:
        query, words = st.columns([1, 4])
        with query:
            room.show(result, "query", room.t("page.query"))
        with words:
            st.caption(room.t("page.facts", **{name: result.scores[name] for name in ("pictures", "layer", "skipped")}))
            if technique.query is not None:
                st.button(room.t("page.back"), on_click=ask_about, args=(None,))
        strip(result, "features")
        strip(result, "pixels")
        with st.expander(room.t("page.why"), icon=":material/psychology_alt:"):
            st.caption(room.t("page.why_help"))
            for row in result.tables["features"][:4]:
                shares = zip(row["units"], row["shares"], strict=True)
                told = [room.t("page.unit", unit=unit, share=f"{share:.0%}") for unit, share in shares]
                st.markdown(f"{label_title(row['label'] or row['title'], room.lang)}: {' · '.join(told)}")
            passport(room, result.scores["layer"], result.tables["features"][0]["units"][0])
room.downloads(result)
room.explain()
