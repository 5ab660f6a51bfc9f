"""Published recipes to pick by name and then to change."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.ui.room import Room


def preset_picker(room: Room, presets: Mapping[str, Mapping[str, Any]]) -> None:
    """A box that sets the widgets of a technique to a recipe; what the recipe does not name goes back to its default."""
    key = f"{room.kind.slug}.preset"
    touched = dict.fromkeys(name for recipe in presets.values() for name in recipe)

    def take() -> None:
        chosen = presets.get(st.session_state[key] or "")
        if chosen is not None:
            for name in touched:
                default = room.kind.model_fields[name].default
                st.session_state[f"{room.kind.slug}.{name}"] = chosen.get(name, default)

    names = {name: room.t(f"presets.{name}") for name in presets}
    with room.settings:
        st.selectbox(
            room.t("page.preset"),
            list(names),
            index=None,
            format_func=names.get,
            placeholder=room.t("page.own_settings"),
            help=room.t("page.preset_help"),
            key=key,
            on_change=take,
            persist_state="session",
        )
