"""Charts that compare several methods by name."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from pages.ui.charts import colour_scale
from viz_core.images.render import DIVERGING

MARGIN = {"l": 0, "r": 0, "t": 8, "b": 0}


def method_curves(
    curves: Mapping[str, Sequence[float]],
    x: Sequence[float | str],
    x_title: str,
    y_title: str,
    marked: float | str | None = None,
) -> go.Figure:
    """One line for each method over the same places; `marked` is a place to draw a vertical line at."""
    chart = go.Figure()
    for name, values in curves.items():
        chart.add_scatter(x=list(x)[: len(values)], y=list(values), name=name, mode="lines+markers")
    if marked is not None:
        chart.add_shape(
            type="line", x0=marked, x1=marked, y0=0, y1=1, yref="paper", line={"dash": "dot", "color": "grey"}
        )
    chart.update_xaxes(title=x_title)
    chart.update_yaxes(title=y_title)
    chart.update_layout(height=400, margin=MARGIN, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"})
    return chart


def method_bars(
    names: Sequence[str],
    values: Mapping[str, Sequence[float]],
    tick_format: str = ".0%",
    intervals: Sequence[Sequence[float]] = (),
) -> go.Figure:
    """A group of horizontal bars for each method, one bar for each kind of value; `intervals` are half widths, by kind."""
    chart = go.Figure()
    for place, (kind, lengths) in enumerate(values.items()):
        bars = {"array": list(intervals[place]), "color": "grey"} if place < len(intervals) else None
        chart.add_bar(y=list(names), x=list(lengths), name=kind, orientation="h", error_x=bars)
    chart.update_xaxes(tickformat=tick_format, rangemode="tozero")
    chart.update_yaxes(autorange="reversed", automargin=True)
    chart.update_layout(
        height=80 + 42 * len(names), margin=MARGIN, barmode="group", legend={"orientation": "h", "y": -0.1}
    )
    return chart


def agreement_matrix(names: Sequence[str], alike: np.ndarray) -> go.Figure:
    """How alike each pair of methods is, -1 to 1."""
    chart = go.Figure(
        go.Heatmap(
            z=alike,
            x=list(names),
            y=list(names),
            zmin=-1,
            zmax=1,
            colorscale=colour_scale(DIVERGING),
            text=np.round(alike, 2),
            texttemplate="%{text}",
            hoverinfo="skip",
            colorbar={"thickness": 12},
        )
    )
    chart.update_yaxes(autorange="reversed", automargin=True)
    chart.update_xaxes(automargin=True)
    chart.update_layout(height=460, margin=MARGIN)
    return chart
