"""The language people read: chosen in the sidebar, by the link, or by the browser."""

import streamlit as st

from pages.ui import link
from viz_core.texts import LANGUAGES, match_language, text


def language() -> str:
    """The code of the current language."""
    return st.session_state.get("lang") or match_language(st.context.locale)


def t(key: str, **values: object) -> str:
    """The text under a key in the current language."""
    return text(key, language(), **values)


def choose_language() -> None:
    """Settle the language before anything is drawn: as chosen, as the link says, or as the browser prefers."""
    link.seed("lang", "lang", language())
    if st.session_state["lang"] not in LANGUAGES:
        st.session_state["lang"] = match_language(st.context.locale)


def language_picker() -> None:
    """The switch between the languages."""
    st.segmented_control(
        t("ui.language"),
        list(LANGUAGES),
        format_func=LANGUAGES.get,
        key="lang",
        required=True,
        persist_state="session",
    )
