"""The live camera: something to watch for every frame, and what is told beside it."""

from collections.abc import Callable

import streamlit as st

from pages.ui.language import t
from pages.ui.pictures import UPLOADS
from viz_core.camera import Mirror
from viz_core.images.intake import Picture
from viz_core.images.refs import keep_upload

ON = "camera.on"
TOLD_EVERY_S = 0.5
CAMERA = {"video": {"width": {"ideal": 640}, "frameRate": {"ideal": 15}}, "audio": False}
NO_SERVERS = {"iceServers": []}  # browser and server find each other on this computer or network; nothing leaves it
LABELS = (
    *("start", "stop", "select_device", "media_api_not_available", "device_ask_permission"),
    *("device_not_available", "device_access_denied"),
)


def camera_switch(help: str) -> None:
    """The switch between the chosen picture and the live camera."""
    st.toggle(t("camera.switch"), key=ON, help=f"{help} {t('camera.help')}", persist_state="session")


def camera_is_on() -> bool:
    """Whether the switch is on."""
    return st.session_state[ON]


def camera(mirror: Mirror, caption: str, beside: Callable[[], None] = lambda: None) -> None:
    """The video with a frame that stands still and the way back with it; `beside` is drawn twice a second while it runs."""
    from av import VideoFrame  # only for those who want it: both take a second to load
    from streamlit_webrtc import webrtc_streamer

    mirror.frozen = st.toggle(t("camera.freeze"), help=t("camera.freeze_help"), key="camera.freeze")

    def drawn(frame: VideoFrame) -> VideoFrame:
        """The picture to watch; called in a thread of its own with the newest frame, while older ones are left out."""
        return VideoFrame.from_ndarray(mirror.draw(frame.to_ndarray(format="rgb24")), format="rgb24")

    context = webrtc_streamer(
        "camera.stream",
        video_frame_callback=drawn,
        rtc_configuration=NO_SERVERS,
        media_stream_constraints=CAMERA,
        translations={name: t(f"camera.{name}") for name in LABELS},
    )
    st.caption(caption)
    if context.state.playing:
        _running_along(mirror, beside)
        # Outside what is drawn twice a second: a press may not meet a button that is just being replaced.
        st.button(t("camera.take"), key="camera.take", icon=":material/photo_camera:", on_click=_take, args=(mirror,))


def _running_along(mirror: Mirror, beside: Callable[[], None]) -> None:
    """What is told beside the video, and the rate, read twice a second."""

    @st.fragment(run_every=TOLD_EVERY_S)
    def told() -> None:
        if mirror.rate:
            beside()
            st.caption(t("camera.rate", rate=f"{mirror.rate:.1f}"))

    told()


def _take(mirror: Mirror) -> None:
    """Make the newest frame, if one has come yet, the picture that all pages work on."""
    if mirror.frame is None:
        return
    ref = keep_upload(Picture(mirror.frame))
    st.session_state.setdefault(UPLOADS, {})[ref] = t("ui.camera_picture")
    st.session_state.update({"image": ref, ON: False})
