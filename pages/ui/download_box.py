"""Everything a page holds, as files; each is made when somebody asks for it."""

import dataclasses
from collections.abc import Callable, Sequence

import streamlit as st

from pages.ui.language import t


@dataclasses.dataclass(frozen=True)
class File:
    """A file to download: what people read, what it is called, and what makes it."""

    label: str
    name: str
    make: Callable[[], bytes | str]


def download_box(files: Sequence[File]) -> None:
    """A popover with a button for each file."""
    with st.popover(t("ui.downloads"), icon=":material/download:"):
        for file in files:
            st.download_button(
                file.label, file.make, file_name=file.name, key=f"download.{file.name}", on_click="ignore"
            )
