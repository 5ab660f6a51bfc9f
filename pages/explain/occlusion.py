"""Occlusion: hide parts of the picture and map what that does to the class probability."""

from html import escape

import streamlit as st
import torch

from pages.ui.beside import pick_second, show_beside
from pages.ui.eraser import eraser_view
from pages.ui.occlusion_chart import occlusion_chart
from pages.ui.room import Room
from pages.ui.value_charts import scale_bar
from viz_core.explain.eraser import eraser
from viz_core.explain.occlusion import TAKEOVER_COLOURS, Occlusion
from viz_core.images.render import is_flat
from viz_core.technique import Result


def headline(result: Result) -> None:
    """Which class is meant, and how far the patch takes it down."""
    scores = result.scores
    name = room.network.class_name(scores["class_index"], room.lang)
    facts = ("base", scores["probability"]), ("lowest", scores["lowest"])
    st.markdown(f"**{room.t(f'page.{technique.show}_title', name=name)}**")
    st.caption(" · ".join(room.t(f"page.{key}", probability=f"{value:.1%}") for key, value in facts))


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


def other_sizes(result: Result) -> None:
    """The maps of all sizes of the patch, the small ones first."""
    sides = sorted(side for side in technique.sides(torch.from_numpy(result.arrays["input"])))
    shown = [side for side in sides if technique.array("overlay", side) in result.pictures]
    if len(shown) < 2:
        return
    st.markdown(f"**{room.t('page.sizes')}**")
    for column, side in zip(st.columns(3, gap="medium"), shown, strict=False):
        with column:
            room.show(result, technique.array("overlay", side), room.t("page.patch_side", side=side))
    if technique.show != "takeover":
        label = room.t("page.score_scale" if technique.show == "score" else "page.scale")
        scale_bar(*technique.limits(result), label, signed=False)


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
second = pick_second(room)
result = room.run(technique.computed())
if result is not None:
    result = technique.again(result)
    with room.stage:
        headline(result)
        if technique.show == "takeover":
            takeovers(result)
        else:
            st.plotly_chart(occlusion_chart(room, technique, result), width="stretch", key="occlusion.map")
            if is_flat(result.arrays["map"]):
                room.say_flat()
        other_sizes(result)
    if second is not None:
        other = second.technique(room, technique, result)
        found = room.run_beside(other.computed(), technique.computed())
        if found is not None:
            with room.stage:
                show_beside(room, second, (result, other.again(found)), technique.shown)
room.downloads(result)
room.explain()
