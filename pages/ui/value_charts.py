"""Charts of the values of channels."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from pages.ui.charts import INK
from viz_core.images.render import DIVERGING, SEQUENTIAL
from viz_core.technique import Result

COLOURS = (INK, "#d95f02")
NO_MARGIN = {"l": 0, "r": 0, "t": 8, "b": 0}


def value_bars(names: Sequence[str], values: Mapping[str, Sequence[float | None]], title: str) -> go.Figure:
    """One upright bar for each name in the given order, those of several pictures or networks beside each other."""
    places, chart = list(range(len(names))), go.Figure()
    for (label, heights), colour in zip(values.items(), COLOURS, strict=False):
        hover = "%{customdata}: %{y:.4g}<extra>" + label + "</extra>"
        chart.add_bar(x=places, y=list(heights), name=label, customdata=names, marker_color=colour, hovertemplate=hover)
    every = max(1, len(names) // 25)
    chart.update_xaxes(tickvals=places[::every], ticktext=list(names[::every]), tickangle=-60)
    chart.update_yaxes(title=title)
    chart.update_layout(height=420, margin=NO_MARGIN, bargap=0.1, showlegend=len(values) > 1, legend_orientation="h")
    return chart


def histogram(result: Result, x_title: str, y_title: str) -> go.Figure:
    """How often values lie between neighbouring edges; counts on a logarithmic scale, because zeros are many."""
    counts, edges = result.arrays["histogram"], result.arrays["histogram_edges"]
    ranges = [f"{low:.3g} … {high:.3g}" for low, high in pairwise(edges)]
    chart = go.Figure(
        go.Bar(
            x=edges[:-1],
            y=counts,
            width=np.diff(edges),
            offset=0,
            customdata=ranges,
            marker_color=INK,
            hovertemplate="%{customdata}: %{y}<extra></extra>",
        )
    )
    chart.update_xaxes(title=x_title)
    chart.update_yaxes(title=y_title, type="log", dtick=1)
    chart.update_layout(height=200, margin=NO_MARGIN, bargap=0)
    return chart


def scale_bar(low: float, high: float, label: str, signed: bool | None = None) -> None:
    """The colours of a map from least to greatest with the numbers at both ends and in the middle.

    Diverging if `signed`; None: if there are values below zero. In the page's own colours, so that nothing white lies under
    it in the dark. `label` says what it is to who cannot see it.
    """
    signed = low < 0 if signed is None else signed
    if signed:
        low, high = -max(-low, high), max(-low, high)
    colours = (DIVERGING if signed else SEQUENTIAL)[::16]
    stops = ",".join(f"rgb({red},{green},{blue})" for red, green, blue in colours)
    numbers = "".join(f"<span>{value:.3g}</span>" for value in (low, (low + high) / 2, high))
    st.html(
        f'<div role="img" aria-label="{escape(label)}" '
        f'style="height:10px;border-radius:5px;background:linear-gradient(90deg,{stops})"></div>'
        f'<div style="display:flex;justify-content:space-between;font-size:0.8rem">{numbers}</div>'
    )
