"""Occlusion: hide parts of the picture and map what that does to the class probability."""

import plotly.graph_objects as go
import streamlit as st

from pages.ui.charts import colour_scale, picture_figure
from pages.ui.room import Room
from viz_core.explain.occlusion import Occlusion
from viz_core.images.render import SEQUENTIAL, encode_png, is_flat
from viz_core.images.tensor import to_pixels
from viz_core.technique import Result


def figure(technique: Occlusion, result: Result, opacity: float) -> go.Figure:
    """The picture with the probability map over it, one cell for each position of the patch."""
    pixels = to_pixels(result.arrays["input"])
    height, width = pixels.shape[:2]
    chart = picture_figure(encode_png(pixels), height, width)
    middle = (technique.patch - 1) / 2
    chart.add_heatmap(
        z=result.arrays["map"],
        x0=middle,
        dx=technique.stride,
        y0=middle,
        dy=technique.stride,
        opacity=opacity,
        zsmooth="best",
        colorscale=colour_scale(SEQUENTIAL),
        colorbar={"title": room.t("page.scale"), "tickformat": ".0%", "thickness": 14},
        hovertemplate=room.t("page.hover") + "<extra></extra>",
    )
    chart.update_layout(height=560)
    return chart


room = Room(Occlusion)
technique = room.controls()
result = room.run(technique)
if result is not None:
    scores = result.scores
    with room.stage:
        name = room.network.class_name(scores["class_index"], room.lang)
        st.markdown(f"**{room.t('page.probability', name=name)}**")
        st.caption(
            " · ".join(
                [
                    room.t("page.base", probability=f"{scores['probability']:.1%}"),
                    room.t("page.lowest", probability=f"{scores['lowest']:.1%}"),
                ]
            )
        )
        opacity = room.opacity()
        st.plotly_chart(figure(technique, result, opacity), width="stretch", key="occlusion.map")
        if is_flat(result.arrays["map"]):
            room.say_flat()
room.downloads(result)
room.explain()
