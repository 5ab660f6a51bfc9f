"""Inversion: what is left of a picture at each depth of the network."""

import streamlit as st

from pages.ui.charts import curves
from pages.ui.gallery import gallery
from pages.ui.presets import preset_picker
from pages.ui.room import Room
from pages.ui.tape import begun, tape
from viz_core.generate.inversion import PRESETS, Inversion
from viz_core.technique import Result


def controls() -> Inversion:
    """The widgets that matter for what was chosen."""
    preset_picker(room, PRESETS)
    chosen = room.controls(only=("layers", "starts", "part", "steps", "schedule"))
    own = ("optimiser", "canvas", "tv", "beta", "alpha") if chosen.schedule == "own" else ()
    return room.controls(only=(*own, "size", "seed"), begin=begun(room, "begin"))


def pictures(result: Result) -> list[tuple[str, str]]:
    """The original, then one picture for each layer and start, with how well its features agree."""
    shown = [("picture", room.t("page.picture"))]
    for row in result.tables["layers"]:
        facts = {"layer": row["layer"], "error": f"{row['feature_error']:.1%}", "psnr": f"{row['psnr']:.1f}"}
        starts = [row["layer"]] if technique.starts == 1 else [f"{row['layer']} {n}" for n in range(technique.starts)]
        shown += [(name, room.t("page.layer", **facts)) for name in starts]
    return shown


def by_depth(result: Result) -> None:
    """How the errors grow from layer to layer."""
    rows = result.tables["layers"]
    if len(rows) < 2:
        return
    st.markdown(f"**{room.t('page.by_depth')}**")
    layers = [row["layer"] for row in rows]
    for column, (key, name) in zip(st.columns(2), (("psnr", "picture"), ("feature_error", "feature")), strict=True):
        chart = curves({"": [row[key] for row in rows]}, room.t("page.depth"), layers)
        chart.update_yaxes(title=room.t(f"page.{name}_error"), rangemode="tozero")
        chart.update_layout(showlegend=False)
        column.plotly_chart(chart, width="stretch", key=f"inversion.{key}")


room = Room(Inversion)
technique = controls()
result = room.run(technique)
if result is not None:
    with room.stage:
        gallery(room, result, pictures(result))
        by_depth(result)
        if technique.starts > 1:
            st.markdown(f"**{room.t('page.undetermined')}**")
            levels = {room.t("page.differ"): [row["starts_differ"] for row in result.tables["layers"]]}
            st.plotly_chart(curves(levels, room.t("page.depth")), width="stretch", key="inversion.differ")
        with st.expander(room.t("page.curves"), icon=":material/show_chart:"):
            lines = {
                row["layer"]: result.arrays[f"curve: {row['layer']}: distance in {row['layer']}"].tolist()
                for row in result.tables["layers"]
            }
            st.plotly_chart(curves(lines, room.t("page.step")), width="stretch", key="inversion.curves")
        tape(room, result, begin="begin" if technique.starts == len(result.tables["layers"]) == 1 else None)
room.downloads(result)
room.explain()
