"""The film of a run: scrub through its frames, and let the run go on from any of them with other settings."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from pages.ui.film import film
from pages.ui.language import t
from pages.ui.room import Room
from viz_core.export import FRAME_MS
from viz_core.images.intake import Picture
from viz_core.images.refs import keep_upload
from viz_core.images.render import encode_jpeg, fit
from viz_core.technique import Result

QUALITY = 88
LONGEST_SIDE = 384
TEXTS = ("frame", "play", "pause", "alt", "go_on", "go_on_help")


def tape(room: Room, result: Result, begin: str | None = None, also: Mapping[str, Any] | None = None) -> None:
    """The film of a result, and what was changed while it was made.

    With `begin` a button starts a run that has the frame for this parameter, and `also` further values by the keys of
    their widgets.
    """
    if len(result.frames) < 2:
        return

    def take(number: int) -> None:
        ref = keep_upload(Picture(result.frames[number - 1]))
        st.session_state.update({_key(room, begin or ""): ref, **(also or {})})
        st.session_state["tape.names"] = {**st.session_state.get("tape.names", {}), ref: number}
        room.go()

    texts = {name: t(f"tape.{name}", number="{number}") for name in TEXTS}
    with st.expander(t("tape.title"), icon=":material/movie:"):
        for note in result.recipe.parameters.get("steering", ()):
            step, _, changes = note.partition(" ")
            st.caption(t("tape.steered", step=step, changes=changes))
        film(
            _encoded(room, result),
            f"{room.kind.slug}.film",
            name=f"{result.recipe.digest} {len(result.frames)}",
            milliseconds=FRAME_MS,
            texts=texts,
            on_take=take if begin else None,
        )


def begun(room: Room, parameter: str) -> str | None:
    """The frame a run is to begin from, if one was taken, with a button that lets go of it."""
    key = _key(room, parameter)
    ref = st.session_state.get(key)
    if ref is not None:
        number = st.session_state["tape.names"][ref]
        with room.settings:
            st.button(
                t("tape.begun", number=number),
                icon=":material/close:",
                help=t("tape.begun_help"),
                on_click=st.session_state.update,
                args=({key: None},),
            )
    return ref


def _key(room: Room, parameter: str) -> str:
    return f"{room.kind.slug}.{parameter}.frame"


def _encoded(room: Room, result: Result) -> list[bytes]:
    """The frames as JPEG, encoded once for each result that a session looks at."""
    key = f"{room.kind.slug}.tape"
    known, frames = st.session_state.get(key, (None, []))
    if known is not result:
        frames = [encode_jpeg(_small(frame), QUALITY) for frame in result.frames]
        st.session_state[key] = (result, frames)
    return frames


def _small(frame: np.ndarray) -> np.ndarray:
    return fit(frame, LONGEST_SIDE) if max(frame.shape[:2]) > LONGEST_SIDE else frame
