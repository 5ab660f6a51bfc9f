"""One unit of a network on many pages: chosen by a click, followed through the rooms that can show it."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.ui import link
from pages.ui.language import language, t
from pages.ui.navigation import room_page, rooms
from pages.ui.room import Room
from viz_core.texts import text

UNIT = ("layer", "channel")


def choose(slug: str, **values: Any) -> None:
    """Set parameters of a room from within a callback, as if their widgets had been used."""
    for name, value in values.items():
        st.session_state[f"{slug}.{name}"] = value


def number(slug: str, name: str) -> int | None:
    """A parameter without a widget: set by clicks, by a link, or not at all."""
    key = f"{slug}.{name}"
    link.seed(key, name, None)
    value = st.session_state[key]
    if not isinstance(value, int):
        value = int(value) if str(value).isdigit() else None
        st.session_state[key] = value
    return value


def layer_to_be(slug: str) -> str:
    """The layer that the room's widget is about to show; empty for the automatic one."""
    return link.arrived().get("layer") or st.session_state.get(f"{slug}.layer") or ""


def forget(slug: str, context: tuple[Any, ...], *names: str) -> None:
    """Empty parameters that made sense only for what was shown before; those that a link brings along stay."""
    key = f"{slug}.context.{'.'.join(names)}"
    before = st.session_state.get(key, context)
    st.session_state[key] = context
    if before != context:
        for name in names:
            if name not in link.arrived():
                st.session_state[f"{slug}.{name}"] = None


def channel_names(room: Room, layer: str, channels: Sequence[int]) -> list[str]:
    """What the channels of a layer are called: by their numbers, those of the last layer by their classes."""
    if layer != room.network.layer_names[-1]:
        return [str(channel) for channel in channels]
    return [room.network.class_name(channel, room.lang) for channel in channels]


def passport(room: Room, layer: str, channel: int) -> None:
    """Links to the same unit in the other rooms."""
    st.markdown(f"**{t('units.elsewhere', layer=layer, channel=channel)}**")
    found = [kind for kind in rooms() if kind is not room.kind and set(UNIT) <= set(kind.model_fields)]
    with st.container(horizontal=True):
        for kind in found:
            title = text(f"{kind.slug.replace('-', '_')}.title", language())
            parameters = room.choice.parameters() | {"layer": layer, "channel": str(channel)}
            if "goal" in kind.model_fields:
                parameters["goal"] = "channel"
            st.page_link(room_page(kind), label=title, query_params=parameters)
