"""The map: pictures as points, alike ones near each other; watch it arrange itself, then look into it."""

import streamlit as st

from pages.ui.dataset_box import dataset_box
from pages.ui.map_chart import map_chart, points
from pages.ui.room import Room
from viz_core.embed.map import Map
from viz_core.images.datasets import open_dataset
from viz_core.images.render import encode_jpeg

MOST_SHOWN = 48
TILE = 80
IN_A_ROW = 8
OWN = {"pca": (), "tsne": ("perplexity", "exaggeration", "steps"), "umap": ("neighbours", "min_dist")}

room = Room(Map)
with room.settings:
    dataset = dataset_box(Map)
technique = room.controls(only=("method", "layer"), dataset=dataset)
technique = room.controls(only=(*OWN[technique.method], "seed"), dataset=dataset)
result = room.run(technique)
if result is not None:
    shown_set = result.recipe.parameters["dataset"]
    with room.stage:
        scores = result.scores
        facts = {"points": scores["points"], "layer": scores["layer"], "kept": f"{scores['kept']:.0%}"}
        st.caption(room.t("page.facts", **facts))
        chart, grid = st.tabs([room.t("page.chart"), room.t("page.grid")])
        with chart:
            frame = points(result, shown_set)
            colours = {name: room.t(f"page.colours.{name}") for name in ("label", "kept")}
            colour = st.segmented_control(
                room.t("page.colour"),
                list(colours),
                default="label",
                format_func=colours.get,
                key="map.colour",
                required=True,
            )
            labels = sorted(frame["label"].unique())
            wanted = st.selectbox(room.t("page.search"), labels, index=None, placeholder="", key="map.search")
            found = frame.index[frame["label"] == wanted].tolist() if wanted else []
            chosen = map_chart(frame, colour, found, "map.chart", room.t("page.chart"))
            st.caption(room.t("page.hint"))
            pictures = open_dataset(shown_set)
            gallery = chosen or found
            if gallery:
                st.markdown(f"**{room.t('page.gallery', count=len(gallery))}**")
                for first in range(0, min(len(gallery), MOST_SHOWN), IN_A_ROW):
                    for column, row in zip(st.columns(IN_A_ROW), gallery[first : first + IN_A_ROW], strict=False):
                        member = int(result.arrays["pictures"][row])
                        label = frame["label"][row]
                        column.image(
                            encode_jpeg(pictures.seen(member, TILE)), width="stretch", caption=label, alt=label
                        )
                table = frame.iloc[gallery][["title", "label", "x", "y", "kept"]].to_csv(index=False)
                st.download_button(room.t("page.csv"), table, file_name="convscope-map.csv", on_click="ignore")
        with grid:
            room.show(result, "grid", room.t("page.grid_help", side=scores["side"]))
room.downloads(result)
room.explain()
