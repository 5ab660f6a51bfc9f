"""Defence: train a small network with and without attacks, and attack both."""

import streamlit as st

from pages.ui.charts import curves
from pages.ui.room import Room
from viz_core.generate.defence import Defence

LINES = ("plain_clean", "plain_attacked", "defended_clean", "defended_attacked")

room = Room(Defence)
technique = room.controls()
result = room.run(technique)
if result is not None:
    with room.stage:
        facts = {name: f"{result.scores[name]:.0%}" for name in LINES}
        st.markdown(f"**{room.t('page.verdict', epsilon=f'{technique.epsilon:.2f}', **facts)}**")
        room.show(result, "gradients", room.t("page.gradients"))
        learning, strength = st.columns(2)
        with learning:
            st.markdown(f"**{room.t('page.learning')}**")
            lines = {room.t(f"page.{name}"): result.arrays[f"curve: {name}"] for name in LINES}
            chart = curves(lines, room.t("page.step"), result.arrays["steps"])
            chart.update_yaxes(range=[0, 1], tickformat=".0%")
            st.plotly_chart(chart, width="stretch", key="defence.learning")
        with strength:
            st.markdown(f"**{room.t('page.strength')}**")
            rows = result.tables["strength"]
            lines = {room.t(f"page.{name}"): [row[name] for row in rows] for name in ("plain", "defended")}
            chart = curves(lines, room.t("page.epsilon"), [row["epsilon"] for row in rows])
            chart.update_yaxes(range=[0, 1], tickformat=".0%")
            st.plotly_chart(chart, width="stretch", key="defence.strength")
room.downloads(result)
room.explain()
