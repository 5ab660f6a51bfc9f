"""Filters: the weights of a convolution as pictures, one network or several side by side."""

import numpy as np
import streamlit as st

from pages.ui.charts import pixel_figure
from pages.ui.room import Room
from pages.ui.sidebar import load_with_progress, model_label, model_options
from viz_core.look.filters import MAX_INPUTS, Filters
from viz_core.technique import Result

MOST_NETWORKS = 4
HOVER_RGB = "R %{customdata[0]:.3f}<br>G %{customdata[1]:.3f}<br>B %{customdata[2]:.3f}"
HOVER_GREY = "%{customdata[0]:.4f}"


def caption(technique: Filters, result: Result) -> str:
    """What the grid shows, with the numbers of the filters drawn."""
    scores = result.scores
    facts = room.t("page.facts", **scores)
    if technique.in_colour():
        return facts
    first = min(technique.first, scores["filters"] - 1)
    first_input = min(technique.first_input, scores["inputs"] - 1)
    return f"{facts}. " + room.t(
        "page.rows",
        first=first,
        last=min(first + technique.count, scores["filters"]) - 1,
        filters=scores["filters"],
        first_input=first_input,
        last_input=min(first_input + MAX_INPUTS, scores["inputs"]) - 1,
        inputs=scores["inputs"],
    )


def draw(technique: Filters) -> None:
    """One network's grid with its facts; hovering tells the weights."""
    result = room.run(technique)
    pixels = np.round(255 * result.arrays["grid"]).astype(np.uint8)
    st.markdown(f"**{model_label(technique.model)}**")
    figure = pixel_figure(pixels, result.arrays["values"], HOVER_RGB if technique.in_colour() else HOVER_GREY)
    st.plotly_chart(figure, width="stretch", key=f"filters.{technique.model}", config={"scrollZoom": True})
    st.caption(caption(technique, result))


room = Room(Filters)
technique = room.controls(only=("layer", "normalise"))
if not technique.in_colour():
    technique = room.controls(only=("first", "count", "first_input"))
labels = {name: model_label(name) for name in model_options() if name != technique.model}
with room.settings:
    others = st.multiselect(
        room.t("page.compare"),
        list(labels),
        format_func=labels.get,
        help=room.t("page.compare_help"),
        max_selections=MOST_NETWORKS - 1,
        key="filters.compare",
        persist_state="session",
    )
with room.stage:
    networks = [technique.model, *others]
    columns = st.columns(min(2, len(networks)))
    for place, name in enumerate(networks):
        with columns[place % len(columns)]:
            room.guarded(lambda name=name: load_with_progress(name))
            draw(technique if name == technique.model else technique.model_copy(update={"model": name, "layer": None}))
room.downloads(room.run(technique))
room.explain()
