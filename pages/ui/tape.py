"""The film of a run: scrub through its frames, and take any of them as a new start."""

import numpy as np
import streamlit as st

from pages.ui.language import t
from pages.ui.pictures import UPLOADS
from pages.ui.room import Room
from viz_core.images.intake import Picture
from viz_core.images.refs import keep_upload
from viz_core.images.render import encode_jpeg
from viz_core.technique import Result

QUALITY = 90


def tape(room: Room, result: Result, go_on: bool = False) -> None:
    """A slider through the frames; with `go_on` a button makes the frame the picture of the sidebar and the start."""
    frames = result.frames
    if len(frames) < 2:
        return
    slug = room.kind.slug

    @st.fragment
    def film() -> None:
        key = f"{slug}.frame"
        st.session_state[key] = min(st.session_state.get(key) or len(frames), len(frames))
        number = st.slider(t("tape.frame"), 1, len(frames), key=key, help=t("tape.help"))
        frame = frames[number - 1]
        st.image(encode_jpeg(frame, QUALITY), width=min(512, 2 * frame.shape[1]), alt=t("tape.alt", number=number))
        if go_on and st.button(
            t("tape.go_on"),
            icon=":material/resume:",
            key=f"{slug}.go_on",
            help=t("tape.go_on_help"),
            on_click=_take,
            args=(room, frame, number),
        ):
            st.rerun()

    with st.expander(t("tape.title"), icon=":material/movie:"):
        film()


def _take(room: Room, frame: np.ndarray, number: int) -> None:
    """Make a frame the picture of the sidebar, and what the technique starts from."""
    ref = keep_upload(Picture(frame))
    st.session_state.setdefault(UPLOADS, {})[ref] = t("tape.name", number=number)
    st.session_state["image"] = ref
    if "start" in room.kind.model_fields:
        st.session_state[f"{room.kind.slug}.start"] = "picture"
