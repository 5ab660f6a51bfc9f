"""The trained styles a person may choose from: shipped ones, those trained in this session, and uploads."""

import streamlit as st

from pages.ui.language import language, t
from pages.ui.room import Room
from viz_core.errors import ConvscopeError
from viz_core.generate.style_files import SHIPPED, keep_trained, open_style, shipped
from viz_core.texts import has_text

OWN = "styles.trained"
PROBLEM = "styles.problem"


def remember(content: bytes) -> str:
    """Keep a trained style for this session; raises ConvscopeError where it is none."""
    ref = keep_trained(content)
    st.session_state.setdefault(OWN, {})[ref] = ", ".join(name_of(name) for name in open_style(ref).card.names)
    return ref


def known() -> dict[str, str]:
    """What people read for every trained style within reach, by reference; the newest own ones first."""
    own = dict(reversed(st.session_state.get(OWN, {}).items()))
    return own | {ref: name_of(ref.removeprefix(SHIPPED)) for ref in shipped()}


def name_of(name: str) -> str:
    """What people read for a style's name."""
    for key in (f"fast_style.names.{name}", f"samples.{name}"):
        if has_text(key):
            return t(key)
    return name


def upload(room: Room) -> None:
    """Bring a trained style along as a file."""
    st.file_uploader(
        room.t("page.upload"), type=["safetensors"], key="styles.file", on_change=_take, max_upload_size=32
    )
    problem = st.session_state.get(PROBLEM)
    if problem is not None:
        st.error(problem.sentence(language()), icon=":material/error:")


def _take() -> None:
    st.session_state[PROBLEM] = None
    file = st.session_state.get("styles.file")
    if file is None:
        return
    try:
        st.session_state["fast-style.style"] = remember(file.getvalue())
    except ConvscopeError as problem:
        st.session_state[PROBLEM] = problem
