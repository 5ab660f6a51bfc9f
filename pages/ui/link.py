"""The link in the address bar holds every choice that differs from its default, by ids that outlive a change of language.

Streamlit's own binding writes the shown labels into the link; ours are translated, so the link is kept here.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import streamlit as st

KEPT = ("embed", "embed_options", "job", "room", "person", "host", "stop")  # not settings: they stay as they are
_WRITTEN = "link.written"
_FOUND = "link.found"
_PAGE = "link.page"


def read() -> None:
    """Take notice of the link's parameters where it came from outside: a first visit, a shared link, back and forward."""
    now = _settings()
    st.session_state[_FOUND] = now if now != st.session_state.get(_WRITTEN) else {}
    st.session_state[_WRITTEN] = now


def enter(page: str) -> None:
    """On a change of page everything in the link came with it, even if it is what the page before had written, too."""
    if st.session_state.get(_PAGE) != page:
        st.session_state[_FOUND] = _settings()
    st.session_state[_PAGE] = page


def leave() -> None:
    """After a run of the whole page: what the link brought has been taken up, and fragments that run later have their own."""
    st.session_state[_FOUND] = {}


def arrived() -> Mapping[str, str]:
    """The parameters that a link brought along in this run."""
    return st.session_state.get(_FOUND, {})


def seed(state_key: str, parameter: str, default: Any) -> None:
    """Give a widget its value before it is drawn: from an arriving link, else what it had, else the default."""
    if parameter in arrived():
        st.session_state[state_key] = arrived()[parameter]
    else:
        st.session_state.setdefault(state_key, default)


def seed_each(state_keys: Sequence[str], parameter: str, default: float | Sequence[float], most: float) -> None:
    """Give sliders from 0 to `most` that stand for one list of numbers their values before they are drawn, as `seed` does."""
    defaults = [default] * len(state_keys) if isinstance(default, float) else default
    given = arrived().get(parameter, "").split(",")
    try:
        numbers = [min(max(float(number), 0.0), most) for number in given]
    except ValueError:
        numbers = []
    if len(numbers) != len(state_keys):
        numbers = list(defaults)
    for key, number in zip(state_keys, numbers, strict=True):
        if parameter in arrived():
            st.session_state[key] = number
        else:
            st.session_state.setdefault(key, number)


def write(values: Mapping[str, str]) -> None:
    """Put the choices into the address bar, keeping the parameters Streamlit itself reads."""
    now = st.query_params.to_dict()
    link = {name: value for name, value in now.items() if name in KEPT} | dict(values)
    if now != link:
        st.query_params.from_dict(link)
    st.session_state[_WRITTEN] = _settings()


def keep(name: str, value: str) -> None:
    """Put something into the address bar that is no setting, such as the job the page shows."""
    assert name in KEPT
    if st.query_params.get(name) != value:
        st.query_params[name] = value


def address_of(page: str) -> str:
    """Where a page lies, seen from the home page, with the choices of the sidebar."""
    return f"{page}?{urlencode(_settings())}" if _settings() else page


def _settings() -> dict[str, str]:
    return {name: value for name, value in st.query_params.to_dict().items() if name not in KEPT}


def as_parameter(value: Any) -> str:
    """A value as the link and the command line spell it."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
