"""The map of occlusion as a chart over the picture, to read values from."""

import plotly.graph_objects as go

from pages.ui.charts import colour_scale, picture_figure
from pages.ui.room import Room
from viz_core.explain.occlusion import Occlusion
from viz_core.images.render import SEQUENTIAL, encode_png
from viz_core.images.tensor import to_pixels
from viz_core.technique import Result

CHART_WIDTH = 560  # pixels on the screen, about
BAR_HEIGHT = 64  # of the colour bar under it with its title, pixels


def occlusion_chart(room: Room, technique: Occlusion, result: Result) -> go.Figure:
    """The picture with the map over it, one cell for each position of the patch."""
    pixels = to_pixels(result.arrays["input"])
    height, width = pixels.shape[:2]
    chart = picture_figure(encode_png(pixels), height, width)
    middle = (technique.patch - 1) / 2
    in_scores = technique.show == "score"
    chart.add_heatmap(
        z=result.arrays["logit" if in_scores else "map"],
        x0=middle,
        dx=technique.stride,
        y0=middle,
        dy=technique.stride,
        opacity=room.opacity(),
        zsmooth="best",
        colorscale=colour_scale(SEQUENTIAL),
        colorbar={
            "title": room.t("page.score_scale" if in_scores else "page.scale"),
            "tickformat": ".1f" if in_scores else ".2~p",
            "thickness": 12,
            "orientation": "h",  # beside the picture it would take a third of a telephone's width
            "yanchor": "top",
            "y": 0,
            "nticks": 5,
        },
        hovertemplate=room.t("page.score_hover" if in_scores else "page.hover") + "<extra></extra>",
    )
    chart.update_layout(height=round(CHART_WIDTH * height / width) + BAR_HEIGHT, margin_b=BAR_HEIGHT)
    return chart
