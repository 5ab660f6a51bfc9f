"""What depth buys: one map after the other, from the pixels to the last layer, with the curve of how pure they become."""

import streamlit as st

from pages.ui.dataset_box import dataset_box, fetch
from pages.ui.map_view import chosen_gallery, colouring, frame_of, pictures_of, points_of
from pages.ui.room import Room
from pages.ui.scatter import Frame, scatter
from viz_core.embed.depth import PIXELS, Depth
from viz_core.technique import Result


@st.fragment
def explore(result: Result) -> None:
    """The maps, one slider from the pixels to the last layer, and what is chosen on them."""
    frame, served = frame_of(room, result), pictures_of(result)
    names = [room.t("page.pixels") if row["name"] == PIXELS else row["name"] for row in result.tables["frames"]]
    colours = colouring(room, result, frame)
    chosen = scatter(
        points_of(result, frame),
        [Frame(name, places) for name, places in zip(names, result.arrays["maps"], strict=True)],
        colours,
        served,
        "depth.chart",
        alt=room.t("page.alt", points=len(frame)),
        curve=result.arrays["purity"].tolist(),
        curve_title=room.t("page.curve"),
    )
    if chosen:
        chosen_gallery(result, frame, chosen, served)


room = Room(Depth)
with room.settings:
    room.values["dataset"] = dataset = dataset_box(Depth)
    room.guarded(lambda: fetch(dataset))
fixed = {"image": Depth.model_fields["image"].default}
technique = room.controls(only=("count", "perplexity", "steps", "size"), **fixed)
result = room.run(technique)
if result is not None:
    with room.stage:
        st.caption(room.t("page.facts", **result.scores))
        if len(result.arrays["purity"]):
            first, last = (f"{result.arrays['purity'][at]:.0%}" for at in (0, -1))
            st.markdown(room.t("page.climbs", first=first, last=last))
        explore(result)
room.downloads(result)
room.explain()
