"""Turning pages through more tiles than fit at once; the link holds the place of the first one."""

import streamlit as st

from pages.ui import link


def first_shown(slug: str, count: int) -> int:
    """Place of the first tile of the present page; an arriving link's `first` chooses the page that holds it."""
    found = f"{slug}.first"
    link.seed(found, "first", "")
    arrived = str(st.session_state.pop(found))
    if arrived.isdigit():
        st.session_state[_key(slug)] = int(arrived) // count + 1
    return ((st.session_state.get(_key(slug)) or 1) - 1) * count


def pager(slug: str, total: int, count: int) -> None:
    """The page numbers, where there is more than one page."""
    pages = -(-total // count)
    if pages > 1:
        st.session_state[_key(slug)] = min(st.session_state.get(_key(slug)) or 1, pages)
        st.pagination(pages, key=_key(slug), persist_state="session")


def _key(slug: str) -> str:
    return f"{slug}.page"
