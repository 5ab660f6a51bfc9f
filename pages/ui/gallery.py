"""Pictures of a result in rows, each with its caption."""

from collections.abc import Sequence

import streamlit as st

from pages.ui.room import Room
from viz_core.technique import Result

MOST_COLUMNS = 4
ONE_ROW = 5  # so many still fit beside each other


def gallery(room: Room, result: Result, pictures: Sequence[tuple[str, str]]) -> None:
    """Draw pictures (name, caption) in one row, or four in each where there are many; a single one is drawn large."""
    if len(pictures) == 1:
        with st.columns([2, 1])[0]:
            room.show(result, *pictures[0])
        return
    width = len(pictures) if len(pictures) <= ONE_ROW else MOST_COLUMNS
    for first in range(0, len(pictures), width):
        row = pictures[first : first + width]
        for column, (name, caption) in zip(st.columns(width), row, strict=False):
            with column:
                room.show(result, name, caption)
