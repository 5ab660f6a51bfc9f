"""Activations: every channel of a layer for this picture; one of them closely; the strongest at one place."""

from functools import partial

import streamlit as st

from pages.ui.camera import camera_switch, watch_camera
from pages.ui.click_image import Click, Readout, click_image
from pages.ui.compare import second_choices, second_name
from pages.ui.controls import widgets
from pages.ui.pager import first_shown, pager
from pages.ui.room import Room
from pages.ui.units import channel_names, choose, forget, layer_to_be, number, passport
from pages.ui.value_charts import histogram, value_bars
from viz_core.images.render import encode_png
from viz_core.look.activations import Activations, area, default_layer, over_picture, statistics, unit_at
from viz_core.look.sheets import shown_channels, tile_at, told_by_tile
from viz_core.technique import Result

SLUG = Activations.slug
WIDGETS = ("layer", "channel", "sort", "scale", "count", "size")


def maps(result: Result) -> None:
    """All channels as a grid; a click chooses one."""
    height, width = result.pictures["grid"].shape[:2]

    def clicked(click: Click) -> None:
        channel = tile_at(result, click.y / height, click.x / width)
        if channel is not None:
            choose(SLUG, channel=channel, row=None, column=None)

    labels = [room.t(f"page.{name}") for name in ("channel", "peak", "mean")]
    known, alt = statistics(result.arrays["maps"]), room.t("page.facts", **result.scores)
    readout = Readout(told_by_tile(result, known["max"], known["mean"]), room.t("page.map"), labels)
    click_image(room.png(result, "grid"), f"{SLUG}.grid", alt=alt, readout=readout, on_click=clicked)
    if "other_grid" in result.pictures:
        room.show(result, "other_grid", second_name(room))


def bars(result: Result) -> None:
    """A layer without positions: one bar for each channel, in the chosen order."""
    shown = shown_channels(result)
    names = channel_names(room, result.scores["layer"], shown)
    chart = value_bars(names, result.arrays["maps"][shown, 0, 0], room.t("page.value"))
    st.plotly_chart(chart, width="stretch", key=f"{SLUG}.bars")


def closely(result: Result) -> None:
    """The chosen channel over the picture; a click chooses the place to look at."""
    scores, pixels = result.scores, over_picture(result, room.opacity())

    def clicked(click: Click) -> None:
        row, column = unit_at(result, click.y / pixels.shape[0], click.x / pixels.shape[1])
        choose(SLUG, channel=scores["channel"], row=row, column=column)

    st.markdown(f"**{room.t('page.chosen', channel=scores['channel'])}**")
    alt = room.t("page.unit" if "map" in result.pictures else "page.whole", **scores)
    readout = Readout(result.arrays["map"], room.t("page.here"), area=area(result))
    click_image(encode_png(pixels), f"{SLUG}.overlay", alt=alt, readout=readout, on_click=clicked)
    st.caption(alt)
    if technique.row is not None:
        st.button(room.t("page.peak_again"), key=f"{SLUG}.again", on_click=partial(choose, SLUG, row=None, column=None))
    if "other_map" in result.pictures:
        room.show(result, "other_map", second_name(room))


def numbers(result: Result) -> None:
    """The strongest channels at the chosen place and the values of the chosen channel."""
    scores = result.scores
    passport(room, scores["layer"], scores["channel"])
    strongest, values = st.columns(2, gap="large")
    with strongest:
        st.markdown(f"**{room.t('page.strongest')}**")
        best = {str(row["channel"]): row["value"] for row in result.tables["strongest"]}
        chart = value_bars(list(best), list(best.values()), room.t("page.value"))
        st.plotly_chart(chart.update_layout(height=220), width="stretch", key=f"{SLUG}.strongest")
    if "map" in result.pictures:
        with values:
            st.markdown(f"**{room.t('page.histogram')}**")
            st.caption(room.t("page.numbers", **scores, active=1 - scores["sparsity"]))
            chart = histogram(result, room.t("page.value"), room.t("page.units"))
            st.plotly_chart(chart, width="stretch", key=f"{SLUG}.histogram")


room = Room(Activations)
forget(SLUG, (room.choice.model, layer_to_be(SLUG)), "channel", "page")
forget(SLUG, (room.choice.model, layer_to_be(SLUG), room.choice.image), "row", "column")
with room.settings:
    camera_switch()
    room.values |= widgets(Activations, room.network, WIDGETS)
    room.values |= second_choices(room)
room.values |= {"row": number(SLUG, "row"), "column": number(SLUG, "column")}
room.values |= {"first": first_shown(SLUG, room.values["count"])}
technique = room.controls(only=())
watch_camera(room, technique.layer or default_layer(room.network), technique.count)
result = room.run(technique)
with room.stage:
    grid, one = st.columns([2, 1], gap="medium")
    with grid:
        st.markdown(f"**{room.t('page.facts', **result.scores)}**")
        (maps if "map" in result.pictures else bars)(result)
        pager(SLUG, result.scores["channels"], technique.count)
        st.caption(room.t("page.shown", **result.scores))
    with one:
        closely(result)
    numbers(result)
room.downloads(result)
room.explain()
