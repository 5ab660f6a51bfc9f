"""What the rooms about textures and styles share: a picture of their own, and a slider for each layer."""

from collections.abc import Sequence

import streamlit as st

from pages.ui import link
from pages.ui.pictures import picture_box
from pages.ui.room import Room


def own_picture(room: Room, name: str, default: str, label: str, help: str) -> None:
    """Choose the picture of a parameter in the room itself."""
    key = f"{room.kind.slug}.{name}"
    link.seed(key, name, default)
    room.values[name] = picture_box(label=label, help=help, key=key, persist_state="session")


def layer_sliders(room: Room, layers: Sequence[str], title: str) -> None:
    """A slider for the weight of each layer; untouched they all count the same."""
    with st.expander(title, icon=":material/equalizer:"):
        weights = tuple(
            st.slider(layer, 0.0, 2.0, 1.0, 0.1, key=f"{room.kind.slug}.weight.{layer}", persist_state="session")
            for layer in layers
        )
    room.values["layer_weights"] = () if len(set(weights)) == 1 and any(weights) else weights
