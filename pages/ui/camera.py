"""The live camera: a layer's maps for every frame, with the classes running along."""

import streamlit as st

from pages.ui.charts import class_bars
from pages.ui.language import language, t
from pages.ui.pictures import UPLOADS
from pages.ui.room import Room
from viz_core.images.intake import Picture
from viz_core.images.refs import keep_upload
from viz_core.look.live import LiveView, Watch
from viz_core.models.graph import GraphModel

ON = "camera.on"
VIEW = "camera.view"
MOST_MAPS = 64
TOP_EVERY_S = 0.5
CAMERA = {"video": {"width": {"ideal": 640}, "frameRate": {"ideal": 15}}, "audio": False}
NO_SERVERS = {"iceServers": []}  # browser and server find each other on this computer or network; nothing leaves it
LABELS = (
    *("start", "stop", "select_device", "media_api_not_available", "device_ask_permission"),
    *("device_not_available", "device_access_denied"),
)


def camera_switch() -> None:
    """The switch between the chosen picture and the live camera."""
    st.toggle(t("camera.switch"), key=ON, help=t("camera.help"), persist_state="session")


def camera_is_on() -> bool:
    """Whether the switch is on."""
    return st.session_state[ON]


def watch_camera(room: Room, layer: str, maps: int) -> None:
    """The camera and the maps of a layer instead of the rest of the page."""
    with room.stage:
        _camera(room.network, layer, min(maps, MOST_MAPS))
    room.explain()
    st.stop()


def _camera(network: GraphModel, layer: str, maps: int) -> None:
    """The video; gain, a frame that stands still, and the way back with it."""
    from av import VideoFrame  # only for those who want it: both take a second to load
    from streamlit_webrtc import webrtc_streamer

    gain_box, freeze_box = st.columns(2)
    gain = gain_box.slider(t("camera.gain"), 0.2, 5.0, 1.0, 0.1, help=t("camera.gain_help"), key="camera.gain")
    frozen = freeze_box.toggle(t("camera.freeze"), help=t("camera.freeze_help"), key="camera.freeze")
    watch = Watch(network, layer, gain, maps, frozen)
    view: LiveView = st.session_state.setdefault(VIEW, LiveView(watch))
    view.watch = watch

    def drawn(frame: VideoFrame) -> VideoFrame:
        """The picture to watch; called in a thread of its own with the newest frame, while older ones are left out."""
        return VideoFrame.from_ndarray(view.draw(frame.to_ndarray(format="rgb24")), format="rgb24")

    context = webrtc_streamer(
        "camera.stream",
        video_frame_callback=drawn,
        rtc_configuration=NO_SERVERS,
        media_stream_constraints=CAMERA,
        translations={name: t(f"camera.{name}") for name in LABELS},
    )
    st.caption(t("camera.caption", layer=layer, maps=maps))
    if context.state.playing:
        _running_along(view, network)
        # Outside what is drawn twice a second: a press may not meet a button that is just being replaced.
        st.button(t("camera.take"), key="camera.take", icon=":material/photo_camera:", on_click=_take, args=(view,))


def _running_along(view: LiveView, network: GraphModel) -> None:
    """The classes and the rate, read twice a second."""

    @st.fragment(run_every=TOP_EVERY_S)
    def top() -> None:
        if view.top:
            st.plotly_chart(class_bars(view.top, network, language()), width="stretch", key="camera.top")
            st.caption(t("camera.rate", rate=f"{view.rate:.1f}"))

    top()


def _take(view: LiveView) -> None:
    """Make the newest frame, if one has come yet, the picture that all pages work on."""
    if view.frame is None:
        return
    ref = keep_upload(Picture(view.frame))
    st.session_state.setdefault(UPLOADS, {})[ref] = t("ui.camera_picture")
    st.session_state.update({"image": ref, ON: False})
