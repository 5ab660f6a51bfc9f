"""Pinned maps and pictures in one chart whose panels zoom and move together."""

from collections.abc import Sequence
from textwrap import wrap

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pages.ui.charts import colour_scale
from pages.ui.embedded import address
from viz_core.compare import Pin, limits
from viz_core.images.render import DIVERGING, SEQUENTIAL, Limits, encode_png, limits_of

PANEL_HEIGHT = 340
LONGEST_TITLE = 16  # characters in a line: two panels lie beside each other on a telephone, too
BAR = {"orientation": "h", "thickness": 8, "yanchor": "top", "nticks": 3, "tickformat": ".3~g"}


def compare_chart(
    pins: Sequence[Pin], names: Sequence[str], joint: bool, differences: Sequence[np.ndarray], labels: Sequence[str]
) -> go.Figure:
    """Every pin and difference in a panel of its own, two in a row; one colour bar for all maps if `joint`."""
    shapes = [one.values.shape for one in pins] + [values.shape for values in differences]
    rows = -(-len(shapes) // 2)
    titles = ["<br>".join(wrap(title, LONGEST_TITLE)) for title in (*names, *labels)]
    chart = make_subplots(rows, 2, subplot_titles=titles, vertical_spacing=0.3 / rows, horizontal_spacing=0.06)
    for place, (one, scale) in enumerate(zip(pins, limits(pins, joint), strict=True)):
        if scale is None:
            _picture(chart, place, one.values)
        else:
            _map(chart, place, one.values, scale)
    for place, values in enumerate(differences, start=len(pins)):
        _map(chart, place, values, limits_of(values, signed=True), signed=True)
    widest = max(shape[1] / shape[0] for shape in shapes)
    chart.update_xaxes(matches="x", visible=False, range=[0, widest], constrain="domain")
    chart.update_yaxes(matches="y", visible=False, range=[1, 0], scaleanchor="x", constrain="domain")
    chart.update_layout(
        height=rows * (PANEL_HEIGHT + 60), margin={"l": 0, "r": 0, "t": 72, "b": 40}, dragmode="pan", showlegend=False
    )
    chart.update_layout(plot_bgcolor="rgba(0,0,0,0)")
    return chart


def _place(place: int) -> dict[str, int]:
    return {"row": place // 2 + 1, "col": place % 2 + 1}


def _map(chart: go.Figure, place: int, values: np.ndarray, scale: Limits, signed: bool = False) -> None:
    """A map from 0 to 1 downwards, as wide as its shape says, with its colour bar under it."""
    signed = signed or scale[0] < 0
    low, high = (-max(map(abs, scale)), max(map(abs, scale))) if signed else scale
    height = len(values)
    axis = chart.get_subplot(**_place(place))
    left, right = axis.xaxis.domain
    bar = BAR | {"x": (left + right) / 2, "len": right - left, "y": axis.yaxis.domain[0]}
    heat = go.Heatmap(
        z=values,
        x0=0.5 / height,
        dx=1 / height,
        y0=0.5 / height,
        dy=1 / height,
        zmin=low,
        zmax=high,
        colorscale=colour_scale(DIVERGING if signed else SEQUENTIAL),
        colorbar=bar,
        hovertemplate="%{z:.4g}<extra></extra>",
    )
    chart.add_trace(heat, **_place(place))


def _picture(chart: go.Figure, place: int, pixels: np.ndarray) -> None:
    height, width = pixels.shape[:2]
    source = address(encode_png(pixels))
    chart.add_layout_image(
        source=source, x=0, y=0, sizex=width / height, sizey=1, sizing="stretch", layer="below", **_place(place)
    )
    chart.add_trace(go.Scatter(x=[], y=[], mode="markers"), **_place(place))
