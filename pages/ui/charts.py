"""Charts that several pages draw."""

import base64
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from viz_core.models.graph import GraphModel

INK = "#2a8fb5"  # readable on the light and on the dark theme


def class_bars(top: Sequence[tuple[int, str, float]], network: GraphModel, lang: str) -> go.Figure:
    """The strongest classes as horizontal bars with their probabilities."""
    names = [network.class_name(index, lang) for index, _, _ in top]
    shares = [probability for _, _, probability in top]
    chart = go.Figure(
        go.Bar(
            x=shares,
            y=names,
            orientation="h",
            text=[f"{share:.1%}" for share in shares],
            textposition="auto",
            hoverinfo="skip",
            marker_color=INK,
        )
    )
    chart.update_xaxes(range=[0, 1], tickformat=".0%")
    chart.update_yaxes(autorange="reversed", automargin=True)
    chart.update_layout(height=60 + 44 * len(top), margin={"l": 0, "r": 0, "t": 8, "b": 24}, showlegend=False)
    return chart


def picture_figure(png: bytes, height: int, width: int) -> go.Figure:
    """A chart whose background is a picture of `height` x `width` pixels, drawn sharp, with the picture's pixels as axes."""
    source = "data:image/png;base64," + base64.b64encode(png).decode()
    chart = go.Figure()
    chart.add_layout_image(
        source=source, xref="x", yref="y", x=-0.5, y=-0.5, sizex=width, sizey=height, sizing="stretch", layer="below"
    )
    chart.update_xaxes(range=[-0.5, width - 0.5], visible=False, constrain="domain")
    chart.update_yaxes(range=[height - 0.5, -0.5], visible=False, scaleanchor="x", constrain="domain")
    chart.update_layout(margin={"l": 0, "r": 0, "t": 0, "b": 0}, plot_bgcolor="rgba(0,0,0,0)", dragmode="pan")
    return chart


def pixel_figure(pixels: np.ndarray, values: np.ndarray, hover: str) -> go.Figure:
    """Pixels (H, W, 3) uint8 drawn sharp, with the values (H, W, C) behind each pixel in the hover card."""
    chart = go.Figure(
        go.Image(
            z=pixels,
            customdata=np.round(values, 4),
            hovertemplate=hover + "<extra></extra>",
        )
    )
    chart.update_xaxes(visible=False)
    chart.update_yaxes(visible=False)
    chart.update_layout(margin={"l": 0, "r": 0, "t": 0, "b": 0}, dragmode="pan")
    return chart


def curve(values: Sequence[float], x_title: str, y_title: str) -> go.Figure:
    """A curve over the steps of a run."""
    chart = go.Figure(go.Scatter(y=list(values), x=list(range(1, len(values) + 1)), mode="lines", line_color=INK))
    chart.update_xaxes(title=x_title)
    chart.update_yaxes(title=y_title, rangemode="tozero")
    chart.update_layout(height=220, margin={"l": 0, "r": 0, "t": 8, "b": 0})
    return chart
