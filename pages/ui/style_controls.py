"""What the rooms about textures and styles share: pictures of their own, masks, and a slider for each layer."""

from collections.abc import Sequence

import streamlit as st

from pages.ui import link
from pages.ui.click_image import click_image
from pages.ui.controls import field_text
from pages.ui.pictures import UPLOADS, picture_name, sample_thumbnails, thumbnail
from pages.ui.room import Room
from viz_core.generate.region import ellipses_mask
from viz_core.images.intake import Picture
from viz_core.images.refs import keep_upload, open_image
from viz_core.images.render import encode_png, fit, overlay

NONE = ""
MASK_SIDE = 360


def own_picture(room: Room, name: str, default: str, label: str, help: str) -> None:
    """Choose the picture of a parameter in the room itself; it is shown below."""
    key = f"{room.kind.slug}.{name}"
    link.seed(key, name, default)
    options = [*sample_thumbnails(), *st.session_state.get(UPLOADS, {})]
    if st.session_state[key] not in options:
        st.session_state[key] = default
    shown, chosen = st.columns([1, 2], vertical_alignment="bottom")
    with chosen:
        ref = st.selectbox(label, options, format_func=picture_name, help=help, key=key, persist_state="session")
    shown.image(thumbnail(ref), width="stretch", alt=picture_name(ref))
    room.values[name] = ref


def layer_sliders(room: Room, layers: Sequence[str], title: str) -> None:
    """A slider for the weight of each layer; untouched they all count the same."""
    with st.expander(title, icon=":material/equalizer:"):
        weights = tuple(
            st.slider(layer, 0.0, 2.0, 1.0, 0.1, key=f"{room.kind.slug}.weight.{layer}", persist_state="session")
            for layer in layers
        )
    room.values["layer_weights"] = () if len(set(weights)) == 1 and any(weights) else weights


def optional_picture(room: Room, name: str, none: str) -> None:
    """Choose a picture for a parameter, or none."""
    key = f"{room.kind.slug}.{name}"
    link.seed(key, name, NONE)
    options = [NONE, *sample_thumbnails(), *st.session_state.get(UPLOADS, {})]
    if st.session_state[key] not in options:
        st.session_state[key] = NONE
    chosen = st.selectbox(
        field_text(room.kind, name, "label"),
        options,
        format_func=lambda ref: picture_name(ref) if ref else none,
        help=field_text(room.kind, name, "help"),
        key=key,
        persist_state="session",
    )
    room.values[name] = chosen or None


def painted_mask(room: Room, name: str, title: str, help: str, clear: str) -> None:
    """Draw ellipses over the picture by dragging; together they are the mask of a parameter that has none yet."""
    boxes_key = f"{room.kind.slug}.{name}.boxes"
    pixels = open_image(room.choice.image).pixels
    small = fit(pixels, MASK_SIDE)
    kept = st.session_state.setdefault(boxes_key, {}).setdefault(room.choice.image, [])
    mask = ellipses_mask(small.shape[:2], kept)
    with st.expander(title, icon=":material/gesture:"):
        st.caption(help)
        view = overlay(small, mask[..., 0] / 255, 0.5, limits=(0.0, 1.0)) if kept else small
        click_image(encode_png(view), f"{boxes_key}.view", alt=title, drag=True, on_click=lambda c: kept.append(c.box))
        st.button(clear, key=f"{boxes_key}.clear", disabled=not kept, on_click=kept.clear, icon=":material/ink_eraser:")
    if kept and room.values.get(name) is None:
        room.values[name] = keep_upload(Picture(mask))
