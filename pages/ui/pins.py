"""Pinning results for the comparison page, from any room."""

import streamlit as st

from pages.ui.controls import field_text, namespace, option_label
from pages.ui.language import language, t
from pages.ui.navigation import compare_page
from pages.ui.pictures import picture_name
from pages.ui.sidebar import model_label
from viz_core.compare import MOST_PINS, Pin, offers, pin
from viz_core.registry import technique
from viz_core.technique import Result
from viz_core.texts import text

PINS = "compare.pins"
UNTOLD = ("model", "image", "seed", "size")


def pinned() -> tuple[Pin, ...]:
    """What this session has pinned so far."""
    return st.session_state.get(PINS, ())


@st.fragment  # pinning does not run the page again
def pin_box(result: Result) -> None:
    """The popover that pins a map or picture of a result."""
    popover = st.popover(t("compare.pin"), icon=":material/push_pin:", key="pin.open", on_change="rerun")
    if not popover.open:
        return
    with popover:
        names = {name: offer_name(name) for name in offers(result)}
        chosen = st.selectbox(t("compare.what"), list(names), format_func=names.get, key="pin.what")
        full = len(pinned()) >= MOST_PINS
        st.button(
            t("compare.pin_it"),
            key="pin.add",
            icon=":material/push_pin:",
            disabled=full,
            on_click=_add,
            args=(result, chosen),
        )
        st.caption(
            t("compare.full", most=MOST_PINS) if full else t("compare.count", count=len(pinned()), most=MOST_PINS)
        )
        st.page_link(compare_page(), width="content")


def _add(result: Result, name: str) -> None:
    st.session_state[PINS] = (*pinned(), pin(result, name))


def offer_name(name: str) -> str:
    """What people read for something that can be pinned."""
    kind, _, own = name.partition(":")
    return t(f"compare.kinds.{kind}", name=own)


def caption(one: Pin, lang: str | None = None) -> str:
    """Room, network, picture and changed settings of a pin, in a language."""
    lang = lang or language()
    kind = technique(one.recipe.technique)
    given = one.recipe.parameters
    told = [text(f"{namespace(kind)}.title", lang), model_label(given["model"]), picture_name(given["image"]), one.name]
    for name, field in kind.model_fields.items():
        value = given.get(name)
        if name not in UNTOLD and value is not None and value != field.default and not isinstance(value, list | dict):
            told.append(f"{field_text(kind, name, 'label')}: {option_label(kind, name, str(value))}")
    return " · ".join(told)
