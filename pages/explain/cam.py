"""CAM family: where a layer's maps speak for each of several classes."""

import streamlit as st

from pages.ui.beside import pick_second, show_beside
from pages.ui.boxed import boxed_image
from pages.ui.room import Room
from pages.ui.value_charts import scale_bar
from viz_core.explain.boxes import box_overlap, map_box, points_into, share_inside
from viz_core.explain.cam import Cam, picture_map
from viz_core.images.render import is_flat
from viz_core.technique import Result


def side_by_side(result: Result) -> None:
    """One column for each class, the chosen one first."""
    classes = result.tables["classes"]
    columns = st.columns(max(2, min(3, len(classes))))
    for place, row in enumerate(classes, start=1):
        with columns[(place - 1) % len(columns)]:
            name = room.network.class_name(row["index"], room.lang)
            room.show(
                result, f"class_{place}", room.t("page.class", name=name, probability=f"{row['probability']:.1%}")
            )
            if f"detail_{place}" in result.pictures:
                room.show(result, f"detail_{place}", room.t("page.detail", name=name))


def against_a_box(result: Result) -> None:
    """How well the chosen class's map agrees with a box drawn around the object."""
    picture, scores = st.columns(2, gap="medium")
    with picture:
        box = boxed_image(room, result, "class_1", room.t("page.draw"))
    if box is None:
        return
    values = picture_map(result)
    with scores:
        st.metric(room.t("page.pointing"), room.t("page.hit" if points_into(values, box) else "page.miss"))
        st.metric(room.t("page.inside"), f"{share_inside(values, box):.0%}")
        st.metric(room.t("page.overlap"), f"{box_overlap(map_box(values), box):.0%}")


room = Room(Cam)
method = room.controls(only=("method",)).method
technique = room.controls(only=(*(() if method == "cam" else ("layer",)), "classes", "scale", "size"))
second = pick_second(room)
result = room.run(technique)
if result is not None:
    with room.stage:
        st.markdown(
            f"**{room.t('page.facts', method=room.t(f'options.method.{method}'), layer=result.scores['layer'])}**"
        )
        if method == "guided":
            room.say_rules_agree()
        side_by_side(result)
        if technique.scale == "joint":
            first = result.tables["classes"][0]
            scale_bar(first["low"], first["high"], room.t("page.legend"))
        if is_flat(result.arrays["map"]):
            room.say_flat()
        with st.expander(room.t("page.box"), icon=":material/crop_free:"):
            against_a_box(result)
    if second is not None:
        found = room.run_beside(second.technique(room, technique, result), technique)
        if found is not None:
            with room.stage:
                show_beside(room, second, (result, found), lambda each: each.arrays["map"], signed=method == "cam")
room.downloads(result)
room.explain()
