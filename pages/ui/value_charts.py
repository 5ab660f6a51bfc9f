"""Charts of the values of channels."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from pages.ui.charts import INK
from viz_core.technique import Result

NO_MARGIN = {"l": 0, "r": 0, "t": 8, "b": 0}


def value_bars(names: Sequence[str], values: Sequence[float], title: str) -> go.Figure:
    """One upright bar for each name, in the given order."""
    places = list(range(len(names)))
    chart = go.Figure(
        go.Bar(
            x=places,
            y=values,
            customdata=names,
            marker_color=INK,
            hovertemplate="%{customdata}: %{y:.4g}<extra></extra>",
        )
    )
    every = max(1, len(names) // 25)
    chart.update_xaxes(tickvals=places[::every], ticktext=list(names[::every]), tickangle=-60)
    chart.update_yaxes(title=title)
    chart.update_layout(height=420, margin=NO_MARGIN, bargap=0.1)
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
