"""Occlusion: hide parts of the picture and map what that does to the class probability."""

from html import escape

import plotly.graph_objects as go
import streamlit as st

from pages.ui.charts import colour_scale, picture_figure
from pages.ui.eraser import eraser_view
from pages.ui.room import Room
from viz_core.explain.eraser import eraser
from viz_core.explain.occlusion import TAKEOVER_COLOURS, Occlusion
from viz_core.images.render import SEQUENTIAL, encode_png, is_flat
from viz_core.images.tensor import to_pixels
from viz_core.technique import Result

CHART_WIDTH = 560  # pixels on the screen, about


def figure(technique: Occlusion, result: Result, opacity: float) -> go.Figure:
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
        opacity=opacity,
        zsmooth="best",
        colorscale=colour_scale(SEQUENTIAL),
        colorbar={
            "title": room.t("page.score_scale" if in_scores else "page.scale"),
            "tickformat": ".1f" if in_scores else ".2~p",
            "thickness": 14,
        },
        hovertemplate=room.t("page.score_hover" if in_scores else "page.hover") + "<extra></extra>",
    )
    chart.update_layout(height=round(CHART_WIDTH * height / width) + 20)
    return chart


def takeovers(result: Result) -> None:
    """The picture tinted by the classes that come first where the patch lies, and their names."""
    room.show(result, "overlay", room.t("page.takeover"))
    rows = result.tables["takeovers"]
    if not rows:
        st.info(room.t("page.no_takeover"), icon=":material/shield:")
    for row, (red, green, blue) in zip(rows, TAKEOVER_COLOURS, strict=False):
        st.html(
            f'<span style="display:inline-block;width:1em;height:1em;background:rgb({red},{green},{blue})"></span> '
            f"{escape(room.network.class_name(row['index'], room.lang))} ({row['share']:.0%})"
        )


@st.fragment
def erase() -> None:
    """The patch under the pointer and the classes that follow it."""
    alt = room.t("page.eraser")
    st.caption(alt)
    hiding = eraser(technique.computed())
    eraser_view("occlusion.eraser", hiding, alt, lambda index: room.network.class_name(index, room.lang))


room = Room(Occlusion)
technique = room.controls()
with room.settings:
    erasing = st.toggle(
        room.t("page.erase"), key="occlusion.erase", help=room.t("page.eraser"), persist_state="session"
    )
if erasing:
    with room.stage:
        room.guarded(erase)
    room.explain()
    st.stop()
result = room.run(technique.computed())
if result is not None:
    result = technique.again(result)
    scores = result.scores
    with room.stage:
        name = room.network.class_name(scores["class_index"], room.lang)
        st.markdown(f"**{room.t(f'page.{technique.show}_title', name=name)}**")
        st.caption(
            " · ".join(
                [
                    room.t("page.base", probability=f"{scores['probability']:.1%}"),
                    room.t("page.lowest", probability=f"{scores['lowest']:.1%}"),
                ]
            )
        )
        if technique.show == "takeover":
            takeovers(result)
        else:
            st.plotly_chart(figure(technique, result, room.opacity()), width="stretch", key="occlusion.map")
            if is_flat(result.arrays["map"]):
                room.say_flat()
room.downloads(result)
room.explain()
