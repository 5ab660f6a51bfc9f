"""Turning pages through more tiles than fit at once; the link holds the place of the first one."""

import streamlit as st

from pages.ui import link


def first_shown(slug: str, count: int) -> int:
    """Place of the first tile of the present page; an arriving link's `first` chooses the page that holds it."""
    found, key = f"{slug}.first", _key(slug)
    link.seed(found, "first", "")
    arrived = str(st.session_state.pop(found))
    if arrived.isdigit():
        st.session_state.pop(key, None)
        st.session_state[_begin(slug)] = int(arrived) // count + 1
    if st.session_state.get(key, 0) is None:  # forgotten: other tiles are shown from now on
        st.session_state.pop(key)
    page = st.session_state.get(key) or st.session_state.get(_begin(slug), 1)
    return (page - 1) * count


def pager(slug: str, total: int, count: int) -> None:
    """The page numbers, where there is more than one page."""
    pages, key = -(-total // count), _key(slug)
    if pages == 1:
        return
    if st.session_state.get(key, 1) > pages:
        st.session_state[key] = pages
    begin = min(st.session_state.pop(_begin(slug), 1), pages)
    st.pagination(pages, default=begin, key=key, persist_state="session")


def _key(slug: str) -> str:
    return f"{slug}.page"


def _begin(slug: str) -> str:
    return f"{slug}.begin"
