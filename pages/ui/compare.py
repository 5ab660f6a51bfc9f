"""A second network and a second picture to lay beside the first."""

from collections.abc import Callable

import streamlit as st

from pages.ui import link
from pages.ui.pictures import UPLOADS, picture_name, sample_thumbnails
from pages.ui.room import Room
from pages.ui.sidebar import load_with_progress, model_label, model_options

NONE = ""


def second_choices(room: Room) -> dict[str, str | None]:
    """Two pickers for the parameters `other_model` and `other_image`; None where the first one's is meant."""
    models = [NONE, *(name for name in model_options() if name != room.choice.model)]
    pictures = [*sample_thumbnails(), *st.session_state.get(UPLOADS, {})]
    pictures = [NONE, *(ref for ref in pictures if ref != room.choice.image)]
    with st.expander(room.t("page.compare"), icon=":material/compare:"):
        model = _pick(room, "other_model", models, {NONE: room.t("page.same_network")}, model_label)
        image = _pick(room, "other_image", pictures, {NONE: room.t("page.same_picture")}, picture_name)
    if model is not None:
        room.guarded(lambda: load_with_progress(model))
    return {"other_model": model, "other_image": image}


def second_name(room: Room) -> str:
    """What the second network and the second picture are called."""
    model, image = room.values["other_model"], room.values["other_image"]
    names = [label(value) for value, label in ((model, model_label), (image, picture_name)) if value is not None]
    return room.t("page.second", name=" · ".join(names))


def _pick(room: Room, name: str, options: list[str], names: dict[str, str], label: Callable[[str], str]) -> str | None:
    key = f"{room.kind.slug}.{name}"
    link.seed(key, name, NONE)
    if st.session_state[key] not in options:
        st.session_state[key] = NONE
    return (
        st.selectbox(
            room.t(f"fields.{name}.label"),
            options,
            format_func=lambda option: names.get(option) or label(option),
            help=room.t(f"fields.{name}.help"),
            key=key,
            persist_state="session",
        )
        or None
    )
