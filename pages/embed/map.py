"""The map: pictures as points, alike ones near each other; watch it arrange itself, then look into it."""

import numpy as np
import streamlit as st

from pages.ui.dataset_box import dataset_box, fetch
from pages.ui.dropped import dropped, new_pictures
from pages.ui.map_view import chosen_gallery, colouring, frame_of, pictures_of, points_of
from pages.ui.room import Room
from pages.ui.scatter import Frame, scatter
from viz_core.embed.map import Map
from viz_core.embed.mosaic import grid_places
from viz_core.embed.projection import unit_square
from viz_core.technique import Result

OWN = {"pca": (), "tsne": ("perplexity", "exaggeration", "steps"), "umap": ("neighbours", "min_dist", "seed")}


def frames(result: Result) -> list[Frame]:
    """The map as it is, and as a grid."""
    grid, members = result.arrays["grid"], result.arrays["pictures"]
    places, cell = grid_places(grid, len(members))
    return [
        Frame(room.t("page.chart"), unit_square(result.arrays["map"])),
        Frame(room.t("page.grid"), places, cell),
    ]


@st.fragment
def explore(result: Result) -> None:
    """The chart and what is chosen on it."""
    frame, served, maps = frame_of(room, result), pictures_of(result), frames(result)
    colours = colouring(room, result, frame)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        labels = sorted(frame["label"].unique())
        wanted = st.selectbox(room.t("page.search"), labels, index=None, placeholder="", key="map.search", width=220)
        with st.popover(room.t("page.new"), icon=":material/add_photo_alternate:"):
            drop = st.toggle(room.t("page.drop"), value=True, key="map.drop", help=room.t("page.drop_help"))
            files = st.file_uploader(room.t("page.new_label"), accept_multiple_files=True, key="map.new")
    found = np.flatnonzero(frame["label"] == wanted).tolist() if wanted else []
    chosen = scatter(
        points_of(result, frame),
        maps,
        colours,
        served,
        "map.chart",
        alt=room.t("page.alt", points=len(frame)),
        marked=found,
        dropped=dropped(room, result, new_pictures(room, files), maps[0]) if drop else (),
    )
    if chosen or found:
        chosen_gallery(result, frame, chosen or found, served)


room = Room(Map)
with room.settings:
    room.values["dataset"] = dataset = dataset_box(Map)
    room.guarded(lambda: fetch(dataset))
fixed = {"image": Map.model_fields["image"].default}
technique = room.controls(only=("method", "layer"), **fixed)
technique = room.controls(only=(*OWN[technique.method], "size", "flat"), **fixed)
result = room.run(technique)
if result is not None:
    with room.stage:
        scores = result.scores
        facts = {"points": scores["points"], "layer": scores["layer"], "kept": f"{scores['kept']:.0%}"}
        st.caption(room.t("page.facts", **facts, skipped=scores["skipped"], side=scores["side"]))
        explore(result)
        st.download_button(
            room.t("page.grid_png"),
            room.png(result, "grid"),
            file_name="convscope-grid.png",
            icon=":material/grid_on:",
            on_click="ignore",
        )
room.downloads(result)
room.explain()
