"""What a page shows, in plain words: its formula, how to read it, its pitfalls, and where to read on."""

import streamlit as st

from pages.ui.language import t
from viz_core.texts import has_text


def explain_box(namespace: str) -> None:
    """The explanation of a technique or a page, as far as the catalogue tells it under `<namespace>.explain`."""
    with st.expander(t("ui.explain"), icon=":material/school:"):
        st.markdown(t(f"{namespace}.explain.plain"))
        if t(f"{namespace}.explain.formula"):
            st.latex(t(f"{namespace}.explain.formula"))
        for part in ("read", "pitfalls", "paper"):
            if has_text(f"{namespace}.explain.{part}"):
                st.markdown(f"**{t(f'ui.explain_{part}')}** {t(f'{namespace}.explain.{part}')}")
