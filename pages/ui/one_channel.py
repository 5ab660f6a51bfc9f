"""One channel of a layer closely: over the picture, at one place, in numbers. Drawn anew by itself when another is chosen."""

from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.ui.click_image import Click, Readout, click_image
from pages.ui.compare import second_name
from pages.ui.controls import widgets
from pages.ui.language import t
from pages.ui.room import Room
from pages.ui.units import channel_names, choose, number, passport
from pages.ui.value_charts import histogram, scale_bar, value_bars
from viz_core.images.render import encode_jpeg
from viz_core.look.activations import STRONGEST_COLUMNS, area, unit_at
from viz_core.technique import Result

GRID = "activations.grid"  # whose clicks are heard here
MARKED = "activations.marked"  # the channel marked in the grid
QUALITY = 92


@st.fragment
def one_channel(room: Room, panel: DeltaGenerator, has_places: bool, on_map: Callable[[Click], None]) -> None:
    """The chosen channel in the panel and in what follows; where the grid marks another one, the whole page runs again."""
    room.stage = st.container()
    with panel:
        room.values |= widgets(room.kind, room.network, ("channel",))
        picture = st.container()
        if has_places:
            room.values |= widgets(room.kind, room.network, ("opacity",))
    room.values |= {name: number(room.kind.slug, name) for name in ("row", "column")}
    result = room.run(room.controls(only=()))
    with picture:
        name = channel_names(room, result.scores["layer"], [result.scores["channel"]])[0]
        st.markdown(f"**{room.t('page.chosen', channel=name)}**")
        if has_places:
            _over_picture(room, result, on_map)
        else:
            st.caption(room.t("page.whole", **result.scores))
    with room.stage:
        if has_places:
            _alone(room, result)
            _strongest(room, result)
        passport(room, result.scores["layer"], result.scores["channel"])
    room.downloads(result)
    if st.session_state.get(MARKED, result.scores["channel"]) != result.scores["channel"]:
        st.rerun()


def _over_picture(room: Room, result: Result, on_map: Callable[[Click], None]) -> None:
    """The map over the picture, with what the unit sees framed; a click chooses the place to look at."""
    slug, scores, pixels = room.kind.slug, result.scores, result.pictures["overlay"]
    counted = dict(scores) | {name: scores[name] + 1 for name in ("row", "column", "top", "left")}  # as people count
    alt = room.t("page.unit", **counted)

    def clicked(click: Click) -> None:
        row, column = unit_at(result, click.y / pixels.shape[0], click.x / pixels.shape[1])
        choose(slug, channel=scores["channel"], row=row, column=column)

    if "other_overlay" in result.pictures:
        first, second = st.columns(2, gap="medium")
        second.image(_jpeg(result, "other_overlay"), width="stretch", alt=second_name(room))
    else:
        first = st.container()
    with first:
        unit = (scores["row"], scores["column"])
        readout = Readout(result.arrays["map"], room.t("page.here"), area=area(result), marks=True, chosen=unit)
        click_image(
            _jpeg(result, "overlay"),
            f"{slug}.overlay",
            alt=alt,
            readout=readout,
            on_click=clicked,
            hears=GRID,
            on_heard=on_map,
        )
    scale_bar(scores["low"], scores["high"], t("ui.beside.scale"))
    st.caption(alt)
    if room.values["row"] is not None:
        st.button(room.t("page.peak_again"), key=f"{slug}.again", on_click=partial(choose, slug, row=None, column=None))


def _alone(room: Room, result: Result) -> None:
    """The map by itself, unit by unit, and how its values are spread."""
    scores = result.scores
    alone, values = st.columns(2, gap="large")
    with alone:
        title = room.t("page.alone", channel=scores["channel"], height=scores["height"], width=scores["width"])
        st.markdown(f"**{title}**")
        readout = Readout(result.arrays["map"], room.t("page.here"))
        click_image(room.png(result, "map"), f"{room.kind.slug}.map", alt=title, readout=readout, crisp=True)
    with values:
        st.markdown(f"**{room.t('page.histogram')}**")
        st.caption(room.t("page.numbers", **scores, active=1 - scores["sparsity"]))
        chart = histogram(result, room.t("page.value"), room.t("page.units"))
        st.plotly_chart(chart, width="stretch", key=f"{room.kind.slug}.histogram")


def _strongest(room: Room, result: Result) -> None:
    """The maps of the channels that answer most at the chosen place, to click, and how strongly they answer there."""
    slug, scores, best = room.kind.slug, result.scores, result.tables["strongest"]
    channels, values = ([entry[name] for entry in best] for name in ("channel", "value"))

    def clicked(click: Click) -> None:
        height, width = result.pictures["strongest"].shape[:2]
        rows = -(-len(best) // STRONGEST_COLUMNS)
        place = int(click.y / height * rows) * STRONGEST_COLUMNS + int(click.x / width * STRONGEST_COLUMNS)
        if place < len(best):
            choose(slug, channel=channels[place], row=scores["row"], column=scores["column"])

    st.markdown(f"**{room.t('page.strongest', row=scores['row'] + 1, column=scores['column'] + 1)}**")
    tiles, bars = st.columns(2, gap="large")
    with tiles:
        told = np.full((-(-len(best) // STRONGEST_COLUMNS) * STRONGEST_COLUMNS, 2), np.nan, np.float32)
        told[: len(best)] = np.stack([channels, values], axis=1)
        labels = [room.t(f"page.{name}") for name in ("channel", "value")]
        readout = Readout(told.reshape(-1, STRONGEST_COLUMNS, 2), room.t("page.map"), labels)
        alt = room.t("page.strongest_alt")
        click_image(room.png(result, "strongest"), f"{slug}.tiles", alt=alt, readout=readout, on_click=clicked)
    with bars:
        chart = value_bars([str(channel) for channel in channels], {"": values}, room.t("page.value"))
        st.plotly_chart(chart.update_layout(height=180), width="stretch", key=f"{slug}.strongest")


def _jpeg(result: Result, name: str) -> bytes:
    return encode_jpeg(result.pictures[name], QUALITY)
