"""Style transfer: what one picture shows, painted the way another is."""

import streamlit as st

from pages.ui.charts import curves, share_areas
from pages.ui.controls import own_fields
from pages.ui.curve_names import curves_of
from pages.ui.room import Room
from pages.ui.style_controls import (
    layer_sliders,
    manner_sliders,
    memory_note,
    optional_picture,
    own_picture,
    painted_mask,
    part_legend,
    several_pictures,
)
from pages.ui.style_race import style_race
from pages.ui.tape import tape
from viz_core.generate.matching import measured_layers
from viz_core.generate.style import COLOURS, CONTENT, MOST_OTHERS, OTHERS, SMOOTH, STYLE, Style
from viz_core.technique import Result

SLUG = "style"
DRAWN_HERE = ("style", "other_styles", "shares", "mask", "layer_weights", "rate", "steering")


def part_name(part: str) -> str:
    """What people read for a part of the objective."""
    return room.t(f"page.parts.{part.replace(' ', '_')}")


def legend() -> None:
    """The colours of the parts at work."""
    parts = (CONTENT, STYLE, *((OTHERS,) if technique.other_styles else ()), SMOOTH)
    part_legend(COLOURS, {part: part_name(part) for part in parts})


def paintings(result: Result) -> None:
    """The painting beside what it was made of."""
    painting, sources = st.columns([3, 1], gap="medium")
    with painting:
        room.show(result, "painting", room.t("page.painting", steps=result.scores["steps"]))
        if result.scores["backed off"]:
            st.info(room.t("page.backed_off", size=min(result.arrays["image"].shape[2:])), icon=":material/memory:")
    with sources:
        room.show(result, "content", room.t("page.content"))
        for name in (picture for picture in result.pictures if picture.startswith("style")):
            room.show(result, name, room.t("page.style"))


def pulls(result: Result) -> None:
    """Which part of the objective moves which pixel, and how much each pulls over the run."""
    st.subheader(room.t("page.pulls"), anchor=False)
    st.caption(room.t("page.pulls_help"))
    parts = [name.removeprefix("pull: ") for name in result.arrays if name.startswith("pull: ")]
    where, when = st.columns(2, gap="medium")
    with where:
        room.show(result, "tug of war", room.t("page.tug"))
        legend()
    with when:
        shares = {part_name(part): result.arrays[f"share: {part}"].tolist() for part in parts}
        colours = {part_name(part): COLOURS[part] for part in parts}
        chart = share_areas(result.arrays["looks"].tolist(), shares, colours, room.t("page.step"))
        st.plotly_chart(chart, width="stretch", key=f"{SLUG}.shares")
        st.caption(room.t("page.shares_help"))
    with st.expander(room.t("page.each"), icon=":material/layers:"):
        for column, part in zip(st.columns(len(parts)), parts, strict=True):
            share = f"{result.scores[f'pull of {part}']:.0%}"
            with column:
                room.show(result, f"pull of {part}", room.t("page.share", part=part_name(part), share=share))


def terms(result: Result) -> None:
    """Each term's curve."""
    st.markdown(f"**{room.t('page.terms')}**")
    chart = curves(curves_of(result), room.t("page.step"))
    chart.update_yaxes(type="log", title=room.t("page.distance"))
    st.plotly_chart(chart, width="stretch", key=f"{SLUG}.curves")


room = Room(Style)
with room.settings:
    own_picture(room, "style", "sample:strokes", room.t("fields.style.label"), room.t("fields.style.help"))
    several_pictures(room, "other_styles", MOST_OTHERS)
    optional_picture(room, "mask", room.t("page.everywhere"))
    painted_mask(room, "mask", room.t("page.paint_mask"), room.t("page.paint_mask_help"))
    if room.values["other_styles"]:
        manner_sliders(room, (room.values["style"], *room.values["other_styles"]), room.t("page.shares"))
technique = room.controls(only=tuple(name for name in own_fields(Style) if name not in DRAWN_HERE))
if technique.stepping.uses_adam:
    technique = room.controls(only=("rate",))
with room.settings:
    layer_sliders(room, measured_layers(room.network, technique.layers), room.t("page.weights"))
technique = room.controls(only=())
with room.settings:
    memory_note(room, technique, "size")
result = room.run(technique)
with room.stage:
    if result is None:
        legend()
    else:
        paintings(result)
        pulls(result)
        terms(result)
        tape(room, result)
    style_race(room)
room.downloads(result)
room.explain()
