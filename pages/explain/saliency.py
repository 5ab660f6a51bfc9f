"""Saliency: the gradient of a class score as a map, and the object it leads to."""

import streamlit as st

from pages.ui.beside import pick_second, show_beside
from pages.ui.boxed import boxed_image
from pages.ui.room import Room
from pages.ui.value_charts import scale_bar
from viz_core.explain.boxes import bounding_box, box_overlap
from viz_core.explain.saliency import Saliency, shown_limits
from viz_core.images.render import is_flat
from viz_core.technique import Result

AVERAGED = {"smoothgrad": ("samples", "noise"), "smoothgrad_squared": ("samples", "noise"), "integrated": ("samples",)}
VIEW = ("against", "channels", "signed", "foreground", "background")


def draw_map(result: Result) -> None:
    """The map over the picture and alone, with the scale of its colours."""
    over, alone = st.columns(2, gap="medium")
    with over:
        room.show(result, "overlay", room.t("page.overlay"))
    with alone:
        room.show(result, "map", room.t("page.signed" if technique.signed else "page.unsigned"))
        scale_bar(*shown_limits(result.arrays["map"], signed=technique.signed), room.t("page.legend"))
    if is_flat(result.arrays["map"]):
        room.say_flat()


def draw_segmentation(result: Result) -> None:
    """The object cut out, its mask, and how well it fits a box drawn around the object."""
    mask = result.arrays["mask"]
    cut, picture = st.columns(2, gap="medium")
    with cut:
        room.show(result, "cutout", room.t("page.cutout", share=f"{mask.mean():.0%}"))
        if not mask.any():
            st.info(room.t("page.nothing"), icon=":material/crop_free:")
    with picture:
        box = boxed_image(room, result, "mask", room.t("page.mask"))
        if box is None:
            st.caption(room.t("page.draw"))
        else:
            st.metric(room.t("page.overlap"), f"{box_overlap(bounding_box(mask), box):.0%}")


room = Room(Saliency)
method = room.controls(only=("method",)).method
technique = room.controls(only=(*VIEW, *AVERAGED.get(method, ()), "size"))
second = pick_second(room)
base = room.run(technique.computed())
if base is not None:
    result = technique.again(base)
    with room.stage:
        name = room.network.class_name(result.scores["class_index"], room.lang)
        st.markdown(f"**{room.t('page.score', name=name, score=round(result.scores['score'], 2))}**")
        saliency, segmentation = st.tabs([room.t("page.tab_map"), room.t("page.tab_segmentation")])
        with saliency:
            draw_map(result)
        result = technique.finished(result)
        with segmentation:
            draw_segmentation(result)
    if second is not None:
        other = second.technique(room, technique, result)
        found = room.run_beside(other.computed(), technique.computed())
        if found is not None:
            pair = result, other.again(found)
            with room.stage:
                show_beside(room, second, pair, lambda each: each.arrays["map"], shown_limits, technique.signed)
    room.downloads(result)
room.explain()
