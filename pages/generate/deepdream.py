"""DeepDream: watch a layer draw more of what it sees."""

import streamlit as st

from pages.ui.charts import curve
from pages.ui.room import Room
from viz_core.generate.deepdream import DeepDream

room = Room(DeepDream)
technique = room.controls()
result = room.run(technique)
if result is not None:
    with room.stage:
        dream, picture = st.columns([2, 1])
        with dream:
            room.show(result, "dream", room.t("page.dream", layer=result.scores["layer"], steps=result.scores["steps"]))
        with picture:
            room.show(result, "picture", room.t("page.picture"))
            st.markdown(f"**{room.t('page.curve')}**")
            loss = curve(result.arrays["loss"].tolist(), room.t("page.step"), room.t("page.activation"))
            st.plotly_chart(loss, width="stretch", key="deepdream.curve")
room.downloads(result)
room.explain()
