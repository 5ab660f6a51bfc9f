"""Loss against seconds: L-BFGS and Adam on the same paintings, as the benchmark measured them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from pages.ui.charts import INK
from pages.ui.language import language
from pages.ui.room import Room
from viz_core.images import samples

RACE = Path(__file__).parents[2] / "assets" / "style_race.json"  # written by tests/benchmarks/bench_style.py
RIVALS = {"lbfgs": ("L-BFGS", INK), "adam": ("Adam", "#e6862c")}
HEIGHT = 260


@cache
def _races() -> list[dict[str, Any]]:
    return json.loads(RACE.read_text())


def style_race(room: Room) -> None:
    """One chart for each pair of pictures, with how soon L-BFGS is where Adam ends."""
    with st.expander(room.t("page.race"), icon=":material/timer:"):
        st.caption(room.t("page.race_help", size=_races()[0]["size"], evaluations=_races()[0]["evaluations"]))
        for column, race in zip(st.columns(len(_races())), _races(), strict=True):
            with column:
                names = (samples.title(race[name], language()) for name in ("content", "style"))
                st.markdown(f"**{' / '.join(names)}**")
                key = f"{room.kind.slug}.race.{race['content']}"
                st.plotly_chart(_chart(room, race), width="stretch", key=key)
                told = "page.race_reached" if race["reached"] else "page.race_not_reached"
                st.caption(room.t(told, reached=race["reached"], evaluations=race["evaluations"]))


def _chart(room: Room, race: dict[str, Any]) -> go.Figure:
    chart = go.Figure()
    for rival, (name, colour) in RIVALS.items():
        seconds, losses = zip(*race[rival], strict=True)
        chart.add_scatter(x=seconds, y=losses, name=name, mode="lines", line_color=colour)
    chart.update_xaxes(title=room.t("page.seconds"))
    chart.update_yaxes(title=room.t("page.distance"), type="log", automargin=True)
    legend = {"orientation": "h", "y": 1.12, "x": 0}
    chart.update_layout(height=HEIGHT, margin={"l": 0, "r": 0, "t": 8, "b": 0}, legend=legend)
    return chart
