"""ReLU: the small number grids, forward once and backward by three rules, then the same on the picture."""

import numpy as np
import pandas as pd
import streamlit as st

from pages.ui import link
from pages.ui.charts import number_grid
from pages.ui.room import Room
from viz_core.errors import ConvscopeError
from viz_core.learn.relu import Relu, grid_text, parse_grid
from viz_core.models.relu_rules import RULES

GRIDS = ("values", "signal")
STAGES = ("forward", "mask", "sent")


def edited(name: str) -> str:
    """A grid of numbers to type into, as text; what the link says is where it begins."""
    key = f"relu.{name}"
    link.seed(key, name, Relu.model_fields[name].default)
    try:
        begin = parse_grid(st.session_state[key])
    except ConvscopeError as problem:
        st.error(problem.sentence(room.lang), icon=":material/error:")
        begin = parse_grid(st.session_state.setdefault(f"{key}.good", Relu.model_fields[name].default))
    st.markdown(f"**{room.t(f'fields.{name}.label')}**", help=room.t(f"fields.{name}.help"))
    frame = pd.DataFrame(begin, columns=[str(column + 1) for column in range(begin.shape[1])])
    cells = st.data_editor(frame, hide_index=True, key=f"{key}.{st.session_state[key]}", width="stretch")
    return grid_text(cells.fillna(0).to_numpy(float))


def fresh(side: int) -> None:
    """Other small whole numbers in both grids."""
    numbers = np.random.default_rng()
    for name in GRIDS:
        st.session_state[f"relu.{name}"] = grid_text(numbers.integers(-7, 8, (side, side)))


def draw(name: str, values: np.ndarray, mask: np.ndarray | None = None) -> None:
    """One grid with its name."""
    st.markdown(f"**{room.t(f'page.{name}')}**")
    st.plotly_chart(number_grid(values, bound, mask), width="content", key=f"relu.grid.{name}")


room = Room(Relu)
with room.settings:
    room.values |= {name: edited(name) for name in GRIDS}
    side = st.slider(room.t("page.side"), 1, 6, 3, key="relu.side")
    st.button(room.t("page.fresh"), icon=":material/casino:", on_click=fresh, args=(side,))
technique = room.controls(only=("layer",))
if technique.layer is not None:
    technique = room.controls(only=("channel",))
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
    neuron = technique.layer is not None
    st.caption(room.t("page.on_neuron_help", **result.scores) if neuron else room.t("page.on_picture_help", name=name))
    for column, picture in zip(st.columns(4), ("picture", *RULES), strict=True):
        with column:
            room.show(result, picture, room.t(f"page.{picture}"))
room.downloads(result)
room.explain()
