"""Bring a network of one's own: weights for an architecture of the catalogue, or an exported program."""

import streamlit as st

from pages.ui.language import language, t
from viz_core import models
from viz_core.errors import ConvscopeError
from viz_core.models import zoo
from viz_core.models.kept import forget, keep_network

LARGEST_MB = 400
NAMES = "own_network.names"
PROBLEM = "own_network.problem"


def own_network_box(state_key: str) -> None:
    """The form for a network of one's own; once it works it becomes the chosen one."""
    with st.popover(t("own_network.title"), icon=":material/upload_file:", width="stretch"):
        st.caption(t("own_network.help"))
        titles = {entry.name: entry.title for entry in zoo.entries()}
        st.selectbox(
            t("own_network.architecture"),
            list(titles),
            format_func=titles.get,
            help=t("own_network.architecture_help"),
            key="own_network.architecture",
            persist_state="session",
        )
        st.file_uploader(
            t("own_network.weights"),
            type=["safetensors", "pth", "pt", "pt2"],
            key="own_network.weights",
            max_upload_size=LARGEST_MB,
            help=t("own_network.weights_help"),
        )
        st.file_uploader(
            t("own_network.classes"),
            type=["txt"],
            key="own_network.classes",
            max_upload_size=1,
            help=t("own_network.classes_help"),
        )
        st.button(t("own_network.open"), key="own_network.open", type="primary", on_click=_take, args=(state_key,))
    problem = st.session_state.get(PROBLEM)
    if problem is not None:
        st.error(problem.sentence(language()), icon=":material/error:")


def brought(name: str) -> str | None:
    """What people called a network that was brought in this session."""
    return st.session_state.get(NAMES, {}).get(name)


def _take(state_key: str) -> None:
    """Keep the files and try them; a network that cannot be opened leaves its sentence and everything else as it was."""
    st.session_state[PROBLEM] = None
    file = st.session_state.get("own_network.weights")
    if file is None:
        return
    classes = st.session_state.get("own_network.classes")
    named = classes.getvalue().decode("utf-8", errors="replace") if classes else ""
    try:
        name = keep_network(file.name, file.getvalue(), st.session_state["own_network.architecture"], named)
    except ConvscopeError as problem:
        st.session_state[PROBLEM] = problem
        return
    try:
        models.load(name)
    except ConvscopeError as problem:
        forget(name)
        st.session_state[PROBLEM] = problem
        return
    st.session_state.setdefault(NAMES, {})[name] = file.name
    st.session_state[state_key] = name
