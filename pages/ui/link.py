"""The link in the address bar holds every choice that differs from its default, by ids that outlive a change of language.

Streamlit's own binding writes the shown labels into the link; ours are translated, so the link is kept here.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st

KEPT = ("embed", "embed_options", "job", "room")  # not settings: they stay as they are
_WRITTEN = "link.written"
_FOUND = "link.found"


def read() -> None:
    """Take notice of the link's parameters where it came from outside: a first visit, a shared link, back and forward."""
    now = st.query_params.to_dict()
    st.session_state[_FOUND] = now if now != st.session_state.get(_WRITTEN) else {}
    st.session_state[_WRITTEN] = now


def arrived() -> Mapping[str, str]:
    """The parameters that a link brought along in this run."""
    return st.session_state.get(_FOUND, {})


def seed(state_key: str, parameter: str, default: Any) -> None:
    """Give a widget its value before it is drawn: from an arriving link, else what it had, else the default."""
    if parameter in arrived():
        st.session_state[state_key] = arrived()[parameter]
    else:
        st.session_state.setdefault(state_key, default)


def write(values: Mapping[str, str]) -> None:
    """Put the choices into the address bar, keeping the parameters Streamlit itself reads."""
    kept = {
        name: value for name, value in st.query_params.to_dict().items() if name in KEPT
    }
    link = kept | dict(values)
    if st.query_params.to_dict() != link:
        st.query_params.from_dict(link)
    st.session_state[_WRITTEN] = st.query_params.to_dict()


def as_parameter(value: Any) -> str:
    """A value as the link and the command line spell it."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
