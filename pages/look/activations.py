"""Activations: every channel of a layer for this picture; one of them closely; the strongest at one place."""

import streamlit as st

from pages.ui.camera import camera_is_on, camera_switch
from pages.ui.camera_maps import watch_maps
from pages.ui.click_image import Click, Readout, click_image
from pages.ui.compare import second_choices, second_name
from pages.ui.controls import widgets
from pages.ui.language import t
from pages.ui.one_channel import GRID, MARKED, one_channel
from pages.ui.pager import first_shown, pager
from pages.ui.room import Room
from pages.ui.units import channel_names, choose, forget, layer_to_be, number
from pages.ui.value_charts import scale_bar, value_bars
from viz_core.look.activations import Activations, default_layer, statistics
from viz_core.look.sheets import shown_channels, tile_at, tile_of, told_by_tile
from viz_core.technique import Result

SLUG = Activations.slug
LIVE = ("layer", "count")
WIDGETS = ("layer", "sort", "scale", "count", "size")


def maps(result: Result) -> None:
    """All channels as a grid; a click chooses one, and only what is about one channel is drawn anew."""
    labels = [room.t(f"page.{name}") for name in ("channel", "peak", "mean")]
    known, alt = statistics(result.arrays["maps"]), room.t("page.facts", **result.scores)
    told = told_by_tile(result, known["max"], known["mean"])
    chosen = tile_of(result, result.scores["channel"])
    readout = Readout(told, room.t("page.map"), labels, marks=True, chosen=chosen)
    click_image(room.png(result, "grid"), f"{SLUG}.grid", alt=alt, readout=readout, tells=GRID)


def choose_map(click: Click) -> None:
    """Take the channel of the map that was clicked."""
    height, width = result.pictures["grid"].shape[:2]
    channel = tile_at(result, click.y / height, click.x / width)
    if channel is not None:
        choose(SLUG, channel=channel, row=None, column=None)
        st.session_state[MARKED] = channel


def bars(result: Result) -> None:
    """A layer without positions: one bar for each channel, in the chosen order."""
    shown = shown_channels(result)
    names = channel_names(room, result.scores["layer"], shown)
    values = {room.t("page.this"): result.arrays["maps"][shown, 0, 0]}
    if "other_maps" in result.arrays:
        other = result.arrays["other_maps"][:, 0, 0]
        values[second_name(room)] = [other[channel] if channel < len(other) else None for channel in shown]
    chart = value_bars(names, values, room.t("page.value"))
    st.plotly_chart(chart, width="stretch", key=f"{SLUG}.bars")


room = Room(Activations)
forget(SLUG, (room.choice.model, layer_to_be(SLUG)), "channel", "page")
forget(SLUG, (room.choice.model, layer_to_be(SLUG), room.choice.image), "row", "column")
with room.settings:
    camera_switch(t("camera.maps_help"))
    room.values |= widgets(Activations, room.network, LIVE if camera_is_on() else WIDGETS)
    room.values |= {} if camera_is_on() else second_choices(room)
if camera_is_on():
    live = room.controls(only=())
    watch_maps(room, live.layer or default_layer(room.network), live.count)
room.values |= {name: number(SLUG, name) for name in ("channel", "row", "column")}
room.values |= {"first": first_shown(SLUG, room.values["count"])}
technique = room.technique()
result = room.run(technique)
st.session_state[MARKED] = result.scores["channel"]
with room.stage:
    has_places = "map" in result.pictures
    compared = has_places and "other_grid" in result.pictures
    grid, beside = st.columns([1, 1] if compared else [3, 2], gap="medium")
    with grid:
        st.markdown(f"**{room.t('page.facts', **result.scores)}**")
        (maps if has_places else bars)(result)
        if has_places and technique.scale == "joint":
            scale_bar(result.scores["low"], result.scores["high"], t("ui.beside.scale"))
        pager(SLUG, result.scores["channels"], technique.count)
        st.caption(room.t("page.shown" if has_places else "page.shown_bars", **result.scores))
    if compared:
        with beside:
            st.markdown(f"**{second_name(room)}**")
            room.show(result, "other_grid")
    one_channel(room, st.container() if compared else beside, has_places, choose_map)
room.explain()
