"""Texture: a small sample grows, by copying pixels and by matching what the network sees."""

import streamlit as st

from pages.ui.charts import distance_bars
from pages.ui.controls import own_fields
from pages.ui.gram_explorer import gram_explorer
from pages.ui.png_image import show_png
from pages.ui.room import Room
from pages.ui.style_controls import layer_sliders, memory_note, own_picture
from viz_core.generate.gram_view import gram_view
from viz_core.generate.matching import measured_layers
from viz_core.generate.texture import Texture
from viz_core.technique import Result

SLUG = "texture"
DRAWN_HERE = ("layer_weights", "steering")
ABREAST = 3  # textures in a row


def one(result: Result, method: str) -> None:
    """One texture, how near it is to the sample, and where its pixels were copied from."""
    st.markdown(f"**{room.t(f'options.method.{method}')}**")
    share = f"{result.scores[f'gram distance: {method}']:.1%}"
    caption = room.t("page.share", share=share)
    show_png(room.png(result, method), caption=caption, alt=caption)
    if f"from {method}" in result.pictures:
        room.show(result, f"from {method}", room.t("page.from"))


def legend(technique: Texture) -> None:
    """Which method stands where while all are at work."""
    if len(technique.methods) > 1:
        names = (room.t(f"options.method.{method}") for method in technique.methods)
        st.caption(" · ".join(f"**{number}** {name}" for number, name in enumerate(names, start=1)))


def matrix(technique: Texture) -> None:
    """The Gram matrix of a layer; what is under the pointer is taken apart."""
    st.subheader(room.t("page.gram_title"), anchor=False)
    st.caption(room.t("page.gram_help"))
    layers = measured_layers(room.network, technique.layers)
    layer = st.selectbox(room.t("page.gram_layer"), layers, key=f"{SLUG}.gram_layer", width=320)
    texts = {
        "alt": room.t("page.gram_hover"),
        "channel": room.t("page.channel", number="{number}"),
        "product": room.t("page.product", value="{value}"),
    }
    gram_explorer(gram_view(room.network, technique.input(), layer), f"{SLUG}.gram", texts)


room = Room(Texture)
with room.settings:
    own_picture(room, "image", "sample:brick", room.t("page.source"), room.t("page.source_help"))
technique = room.controls(only=tuple(name for name in own_fields(Texture) if name not in DRAWN_HERE))
with room.settings:
    layer_sliders(room, measured_layers(room.network, technique.layers), room.t("page.weights"))
technique = room.controls(only=())
with room.settings:
    memory_note(room, technique, "side")
result = room.run(technique)
if result is None:
    with room.stage:
        legend(technique)
else:
    with room.stage:
        methods = technique.methods
        for start in range(0, len(methods), ABREAST):
            for column, method in zip(st.columns(ABREAST), methods[start : start + ABREAST], strict=False):
                with column:
                    one(result, method)
        numbers, sample, origin = st.columns([3, 1, 1], gap="medium")
        with numbers:
            st.markdown(f"**{room.t('page.distances')}**")
            names = {method: room.t(f"options.method.{method}") for method in methods}
            chart = distance_bars(result.tables["distances"], names, room.t("page.all_layers"))
            st.plotly_chart(chart, width="stretch", key=f"{SLUG}.distances")
        with sample:
            room.show(result, "sample", room.t("page.sample", side=technique.size))
        with origin:
            room.show(result, "origin", room.t("page.origin"))
with room.stage:
    matrix(technique)
room.downloads(result)
room.explain()
