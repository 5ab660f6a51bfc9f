"""ReLU: the small number grids, forward once and backward by three rules, then the same on the picture."""

import numpy as np
import streamlit as st

from pages.ui.charts import number_grid
from pages.ui.room import Room
from viz_core.learn.relu import Relu
from viz_core.models.relu_rules import RULES

STAGES = ("forward", "mask", "sent")


def draw(name: str, values: np.ndarray, mask: np.ndarray | None = None) -> None:
    """One grid with its name."""
    st.markdown(f"**{room.t(f'page.{name}')}**")
    st.plotly_chart(number_grid(values, bound, mask), width="content", key=f"relu.grid.{name}")


room = Room(Relu)
technique = room.controls()
result = room.run(technique)
arrays = result.arrays
bound = float(max(np.abs(arrays["values"]).max(), np.abs(arrays["signal"]).max(), 1e-9))
with room.stage:
    labels = {stage: room.t(f"page.stages.{stage}") for stage in STAGES}
    stage = st.segmented_control(
        room.t("page.stage"),
        STAGES,
        default=STAGES[-1],
        format_func=labels.get,
        key="relu.stage",
        required=True,
        persist_state="session",
    )
    before, after, back = st.columns(3)
    with before:
        draw("values", arrays["values"])
    with after:
        draw("out", arrays["forward"])
    if stage != "forward":
        with back:
            draw("signal", arrays["signal"])
        for column, rule in zip(st.columns(3), RULES, strict=True):
            with column:
                if stage == "mask":
                    draw(rule, arrays["signal"], arrays[f"mask_{rule}"])
                else:
                    draw(rule, arrays[rule])
                st.caption(room.t(f"page.rules.{rule}"))
    st.subheader(room.t("page.on_picture"), anchor=False)
    name = room.network.class_name(result.scores["class_index"], room.lang)
    st.caption(room.t("page.on_picture_help", name=name))
    for column, picture in zip(st.columns(4), ("picture", *RULES), strict=True):
        with column:
            room.show(result, picture, room.t(f"page.{picture}"))
room.downloads(result)
room.explain()
