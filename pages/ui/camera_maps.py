"""The live camera on a layer: its maps for every frame, with the classes running along."""

import streamlit as st

from pages.ui.camera import camera
from pages.ui.charts import class_bars
from pages.ui.language import language, t
from pages.ui.room import Room
from viz_core.look.live import LiveView, Watch

VIEW = "camera.view"
MOST_MAPS = 64


def watch_maps(room: Room, layer: str, maps: int) -> None:
    """The camera and the maps of a layer instead of the rest of the page."""
    with room.stage:
        gain = st.slider(t("camera.gain"), 0.2, 5.0, 1.0, 0.1, help=t("camera.gain_help"), key="camera.gain", width=320)
        watch = Watch(room.network, layer, gain, min(maps, MOST_MAPS))
        view: LiveView = st.session_state.setdefault(VIEW, LiveView(watch))
        view.watch = watch

        def classes() -> None:
            if view.top:
                chart = class_bars(view.top, watch.network, language())
                st.plotly_chart(chart, width="stretch", key="camera.top")

        camera(view, t("camera.caption", layer=layer, maps=watch.maps), classes)
    room.explain()
    st.stop()
