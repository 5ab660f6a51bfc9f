"""Style transfer: what one picture shows, painted the way another is."""

import streamlit as st

from pages.ui.charts import curves
from pages.ui.controls import own_fields
from pages.ui.room import Room
from pages.ui.style_controls import layer_sliders, optional_picture, own_picture, painted_mask
from viz_core.generate.style import Style
from viz_core.technique import Result

SLUG = "style"
DRAWN_HERE = ("style", "second_style", "mask", "blend", "layer_weights")
MEGABYTE = 2**20


def paintings(result: Result) -> None:
    """The painting beside what it was made of."""
    painting, sources = st.columns([3, 1], gap="medium")
    with painting:
        room.show(result, "painting", room.t("page.painting", steps=result.scores["steps"]))
    with sources:
        room.show(result, "content", room.t("page.content"))
        room.show(result, "style", room.t("page.style"))
        if "second style" in result.pictures:
            room.show(result, "second style", room.t("page.second"))


def terms(result: Result) -> None:
    """Each term's curve."""
    st.markdown(f"**{room.t('page.terms')}**")
    lines = {
        name.removeprefix("curve: "): a.tolist() for name, a in result.arrays.items() if name.startswith("curve: ")
    }
    chart = curves(lines, room.t("page.step"))
    chart.update_yaxes(type="log", title=room.t("page.distance"))
    st.plotly_chart(chart, width="stretch", key=f"{SLUG}.curves")


def pulls(result: Result) -> None:
    """Which part of the objective still pulls, and where."""
    st.markdown(f"**{room.t('page.pulls')}**")
    st.caption(room.t("page.pulls_help"))
    parts = [name for name in result.pictures if name.startswith("pull of ")]
    for column, name in zip(st.columns(len(parts)), parts, strict=True):
        part = room.t(f"page.parts.{name.removeprefix('pull of ').replace(' ', '_')}")
        with column:
            room.show(result, name, room.t("page.share", part=part, share=f"{result.scores[name]:.0%}"))


room = Room(Style)
with room.settings:
    own_picture(room, "style", "sample:strokes", room.t("fields.style.label"), room.t("fields.style.help"))
    optional_picture(room, "second_style", room.t("page.none"))
    optional_picture(room, "mask", room.t("page.everywhere"))
    painted_mask(room, "mask", room.t("page.paint_mask"), room.t("page.paint_mask_help"), room.t("page.clear_mask"))
second = room.values["second_style"] is not None and room.values["mask"] is None
if second:
    room.controls(only=("blend",))
technique = room.controls(only=tuple(name for name in own_fields(Style) if name not in DRAWN_HERE))
with room.settings:
    layer_sliders(room, technique.layers or technique.style_layers(room.network), room.t("page.weights"))
technique = room.controls(only=())
with room.settings:
    st.caption(room.t("page.memory", megabytes=max(1, room.guarded(technique.memory) // MEGABYTE)))
result = room.run(technique)
if result is not None:
    with room.stage:
        paintings(result)
        terms(result)
        pulls(result)
room.downloads(result)
room.explain()
