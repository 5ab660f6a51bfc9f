"""Uploading a short film for a technique that can work on one."""

import streamlit as st

from pages.ui.controls import field_text
from pages.ui.language import language
from pages.ui.room import Room
from viz_core.errors import ConvscopeError
from viz_core.images.video import MOST_BYTES, keep_clip

TYPES = ("mp4", "webm", "mov", "gif", "avi", "mkv")


def film_box(room: Room, name: str = "film") -> str | None:
    """An uploader for a film; returns its reference, or None while there is none. A bad one gets its sentence."""
    key = f"{room.kind.slug}.{name}"
    with room.settings, st.popover(field_text(room.kind, name, "label"), icon=":material/movie:", width="stretch"):
        file = st.file_uploader(
            field_text(room.kind, name, "label"),
            type=TYPES,
            key=f"{key}.file",
            max_upload_size=MOST_BYTES // 2**20,
            help=field_text(room.kind, name, "help"),
        )
        if file is None:
            return None
        try:
            return keep_clip(file.getvalue())
        except ConvscopeError as problem:
            st.error(problem.sentence(language()), icon=":material/error:")
    return None
