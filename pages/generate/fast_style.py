"""Fast style transfer: one pass of a network that has learnt a style."""

import streamlit as st

from pages.ui import link
from pages.ui.camera import camera, camera_is_on, camera_switch
from pages.ui.film_box import film_box
from pages.ui.room import Room
from pages.ui.style_controls import several_pictures
from pages.ui.trained_styles import known, name_of, upload
from viz_core.generate.fast_style import FastStyle
from viz_core.generate.live_style import Brush, StyleMirror
from viz_core.generate.style_files import open_style
from viz_core.technique import Result

SLUG = "fast-style"
MOST_OTHERS = 12
MIRROR = f"{SLUG}.mirror"


def choose_style() -> None:
    """One of the trained styles, and how much of each style it holds."""
    names, key = known(), f"{SLUG}.style"
    link.seed(key, "style", FastStyle.model_fields["style"].default)
    if st.session_state[key] not in names:
        st.session_state[key] = next(iter(names), "")
    room.values["style"] = st.selectbox(
        room.t("fields.style.label"),
        list(names),
        format_func=names.get,
        help=room.t("fields.style.help"),
        key=key,
        persist_state="session",
    )
    styles = open_style(room.values["style"]).card.names
    if len(styles) > 1:
        st.markdown(f"**{room.t('fields.mix.label')}**", help=room.t("fields.mix.help"))
        keys = [f"{SLUG}.mix.{place}" for place in range(len(styles))]
        link.seed_each(keys, "mix", [1.0] + [0.0] * (len(styles) - 1), 1.0)
        mix = tuple(
            st.slider(name_of(name), 0.0, 1.0, step=0.05, key=key, persist_state="session")
            for key, name in zip(keys, styles, strict=True)
        )
        room.values["mix"] = mix if any(mix) else (1.0, *mix[1:])


def paint_camera(technique: FastStyle) -> None:
    """The camera in the style instead of the rest of the page."""
    assert technique.size is not None
    trained = open_style(technique.style)
    brush = Brush(trained, technique.shares(trained), technique.size)
    mirror: StyleMirror = st.session_state.setdefault(MIRROR, StyleMirror(brush))
    mirror.brush = brush
    with room.stage:
        camera(mirror, room.t("page.camera_caption"))
    room.explain()
    st.stop()


def painted(result: Result, technique: FastStyle) -> None:
    """The painting beside the picture and what the network is; the film, or all paintings, below."""
    painting, content = st.columns([3, 1], gap="medium")
    with painting:
        if "painting.mp4" in result.files:
            st.video(result.files["painting.mp4"], format="video/mp4", loop=True, autoplay=True, muted=True)
            st.caption(room.t("page.film", frames=result.scores["painted"], seconds=f"{result.scores['seconds']:.2f}"))
        else:
            room.show(result, "painting", room.t("page.painting", seconds=f"{result.scores['seconds']:.2f}"))
    with content:
        room.show(result, "content", room.t("page.content"))
        card = open_style(technique.style).card
        st.caption(room.t("page.card", steps=card.steps, side=card.side))
        for name in card.names:
            st.caption(f":material/brush: {name_of(name)}")
    if "sheet" in result.pictures:
        room.show(result, "sheet", room.t("page.sheet", pictures=result.scores["painted"]))


room = Room(FastStyle)
with room.settings:
    room.guarded(choose_style)
    camera_switch(room.t("page.camera_help"))
if camera_is_on():
    paint_camera(room.controls(only=("size",)))
with room.settings:
    several_pictures(room, "others", MOST_OTHERS)
technique = room.controls(only=("size",), film=film_box(room))
with room.settings:
    upload(room)
result = room.run(technique)
if result is not None:
    with room.stage:
        painted(result, technique)
room.downloads(result)
room.explain()
