"""Charts that several pages draw."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from pages.ui.embedded import address
from viz_core.images.render import DIVERGING
from viz_core.models.graph import GraphModel

INK = "#2a8fb5"  # readable on the light and on the dark theme
STOPS = 32  # of a colour scale; between them charts mix


def colour_scale(colours: np.ndarray) -> list[tuple[float, str]]:
    """A table of colours, least to greatest, as charts want it: few, since a chart checks each of them several times."""
    colours = colours[:: max(1, (len(colours) - 1) // STOPS)]
    places = np.linspace(0, 1, len(colours))
    return [
        (float(place), f"rgb({red},{green},{blue})") for place, (red, green, blue) in zip(places, colours, strict=True)
    ]


def class_bars(
    top: Sequence[tuple[int, str, float]], network: GraphModel, lang: str, close_up: bool = False
) -> go.Figure:
    """The strongest classes as horizontal bars with their probabilities, up to 100 % or just beyond the greatest."""
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
    chart.update_xaxes(range=[0, min(1, 1.25 * max(shares)) if close_up else 1], tickformat=".0%")
    chart.update_yaxes(autorange="reversed", automargin=True)
    chart.update_layout(height=60 + 44 * len(top), margin={"l": 0, "r": 0, "t": 8, "b": 24}, showlegend=False)
    return chart


def picture_figure(png: bytes, height: int, width: int) -> go.Figure:
    """A chart whose background is a picture of `height` x `width` pixels, drawn sharp, with the picture's pixels as axes."""
    source = address(png)
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


def curves(
    lines: Mapping[str, Sequence[float]], x_title: str, at: Sequence[float | str] | np.ndarray | None = None
) -> go.Figure:
    """Several curves by name, over the steps of a run or over the values `at`."""
    chart = go.Figure()
    for name, values in lines.items():
        places = list(range(1, len(values) + 1)) if at is None else list(at)
        chart.add_scatter(y=list(values), x=places, mode="lines", name=name)
    chart.update_xaxes(title=x_title)
    chart.update_layout(height=260, margin={"l": 0, "r": 0, "t": 8, "b": 0}, legend={"orientation": "h", "y": -0.3})
    return chart


def share_areas(
    steps: Sequence[int], shares: Mapping[str, Sequence[float]], colours: Mapping[str, Sequence[int]], x_title: str
) -> go.Figure:
    """Shares of a whole stacked on each other over the steps of a run."""
    chart = go.Figure()
    for name, values in shares.items():
        chart.add_scatter(
            x=list(steps),
            y=list(values),
            name=name,
            mode="lines",
            stackgroup="all",
            line={"width": 0.5, "color": f"rgb{tuple(colours[name])}"},
            fillcolor=f"rgb{tuple(colours[name])}",
            hovertemplate="%{y:.0%}",
        )
    chart.update_xaxes(title=x_title)
    chart.update_yaxes(range=[0, 1], tickformat=".0%")
    chart.update_layout(
        height=300,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        legend={"orientation": "h", "y": -0.3, "traceorder": "normal"},
        hovermode="x unified",
    )
    return chart


def distance_bars(rows: Sequence[Mapping[str, float | str]], names: Mapping[str, str], total: str) -> go.Figure:
    """Distances by layer, one colour for each method; rows have `method`, `layer` (or "all") and `distance`."""
    chart = go.Figure()
    for method, name in names.items():
        own = [row for row in rows if row["method"] == method]
        layers = [total if row["layer"] == "all" else str(row["layer"]) for row in own]
        chart.add_bar(x=layers, y=[row["distance"] for row in own], name=name)
    chart.update_yaxes(tickformat=".1%", type="log")
    chart.update_layout(height=340, margin={"l": 0, "r": 0, "t": 8, "b": 0}, legend={"orientation": "h", "y": -0.45})
    return chart


def number_grid(values: np.ndarray, bound: float, mask: np.ndarray | None = None) -> go.Figure:
    """A grid of numbers (rows, columns), coloured about zero up to `bound`; cells outside the mask are struck out."""
    rows, columns = values.shape
    chart = go.Figure(
        go.Heatmap(
            z=values if mask is None else np.where(mask, values, 0),
            zmin=-1.7 * bound,  # the ends of the colours are too dark to write on
            zmax=1.7 * bound,
            colorscale=colour_scale(DIVERGING),
            showscale=False,
            xgap=2,
            ygap=2,
            text=[[f"{value:g}" for value in row] for row in values],
            texttemplate="%{text}",
            textfont={"size": 16, "color": "#16242b"},
            hoverinfo="skip",
        )
    )
    for row, column in [] if mask is None else np.argwhere(mask == 0):
        ends = {"x0": column - 0.35, "x1": column + 0.35, "y0": row - 0.35, "y1": row + 0.35}
        chart.add_shape(type="line", line={"color": "#16242b", "width": 2}, **ends)
    chart.update_xaxes(visible=False, range=[-0.5, columns - 0.5])
    chart.update_yaxes(visible=False, range=[rows - 0.5, -0.5], scaleanchor="x")
    chart.update_layout(height=44 * rows + 20, width=44 * columns + 20, margin={"l": 0, "r": 0, "t": 0, "b": 0})
    return chart
