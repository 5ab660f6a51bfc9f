"""Neighbours: the pictures nearest to one, by the network's last layer and by pixels, and why they are."""

import streamlit as st

from pages.ui.dataset_box import dataset_box, fetch
from pages.ui.neighbour_view import OFF, QUERY, chosen_units, facts, pick_from_set, reasons, strip, which_neighbour
from pages.ui.room import Room
from pages.ui.units import number, passport
from viz_core.embed.neighbours import Neighbours

room = Room(Neighbours)
with room.settings:
    room.values["dataset"] = dataset = dataset_box(Neighbours)
    room.guarded(lambda: fetch(dataset))
room.controls(only=("layer", "k", "size", "flat"))
room.values |= {
    "query": number("neighbours", "query"),
    "why": which_neighbour(),
    "off": chosen_units(room),
}
technique = room.controls(only=())
with room.settings:
    pick_from_set(room, dataset)
result = room.run(technique)
if result is not None:
    with room.stage:
        query, words = st.columns([1, 4])
        with query:
            room.show(result, "query", room.t("page.query"))
        with words:
            facts(room, result)
            if technique.query is not None:
                st.button(room.t("page.back"), on_click=st.session_state.update, args=({QUERY: None},))
            for unit in technique.off:
                left = tuple(other for other in technique.off if other != unit)
                st.button(room.t("page.on_again", unit=unit), on_click=st.session_state.update, args=({OFF: left},))
        for space in ("features", "pixels"):
            strip(room, result, space)
        reasons(room, result)
        if result.tables["why"]:
            passport(room, result.scores["layer"], result.tables["why"][0]["unit"])
room.downloads(result)
room.explain()
