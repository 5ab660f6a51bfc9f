"""Texture: a small sample grows, by copying pixels and by matching what the network sees."""

import streamlit as st

from pages.ui.charts import distance_bars
from pages.ui.click_image import Click, Readout, click_image
from pages.ui.controls import own_fields
from pages.ui.room import Room
from pages.ui.style_controls import layer_sliders, own_picture
from viz_core.generate.gram_view import GramView, gram_view
from viz_core.generate.style_statistics import style_layers
from viz_core.generate.texture import Texture
from viz_core.images.render import encode_png, enlarge, heatmap
from viz_core.technique import Result

SLUG = "texture"
ABREAST = 3  # textures in a row
MATRIX_WIDTH, MAP_SIDE = 360, 256  # pixels


def one(result: Result, method: str) -> None:
    """One texture, how near it is to the sample, and where its pixels were copied from."""
    st.markdown(f"**{room.t(f'options.method.{method}')}**")
    share = f"{result.scores[f'gram distance: {method}']:.1%}"
    caption = room.t("page.share", share=share)
    st.image(room.png(result, method), width="stretch", caption=caption, alt=caption)
    if f"from {method}" in result.pictures:
        room.show(result, f"from {method}", room.t("page.from"))


def matrix(technique: Texture) -> None:
    """The Gram matrix of a layer; a click takes one entry apart."""
    st.subheader(room.t("page.gram_title"), anchor=False)
    st.caption(room.t("page.gram_help"))
    layers = technique.layers or style_layers(room.network)
    layer = st.selectbox(room.t("page.gram_layer"), layers, key=f"{SLUG}.gram_layer", width=320)
    view = gram_view(room.network, technique.input(), layer)
    whole, pair = st.columns([1, 2], gap="large")
    with whole:
        readout = Readout(view.matrix, room.t("page.where"))
        alt = room.t("page.gram_click")
        click = click_image(
            encode_png(heatmap(view.compressed())),
            f"{SLUG}.gram",
            alt=alt,
            readout=readout,
            width=MATRIX_WIDTH,
            crisp=True,
            on_click=remember,
        )
        st.caption(alt)
    with pair:
        entry(view, *(click and (click.y, click.x)) or st.session_state.get(f"{SLUG}.pair", (0, 1)))


def remember(click: Click) -> None:
    """Keep the clicked entry while the page runs again."""
    st.session_state[f"{SLUG}.pair"] = (click.y, click.x)


def entry(view: GramView, first: int, second: int) -> None:
    """Two channels and their product."""
    first, second = min(first, len(view.maps) - 1), min(second, len(view.maps) - 1)
    product = view.product(first, second)
    words = [room.t("page.channel", number=first + 1), room.t("page.channel", number=second + 1)]
    words.append(room.t("page.product", value=f"{product.mean():.3g}"))
    for column, values, caption in zip(
        st.columns(3), (view.maps[first], view.maps[second], product), words, strict=True
    ):
        factor = max(1, MAP_SIDE // len(values))
        column.image(encode_png(enlarge(heatmap(values), factor)), caption=caption, alt=caption, width="stretch")


room = Room(Texture)
with room.settings:
    own_picture(room, "image", "sample:brick", room.t("page.source"), room.t("page.source_help"))
technique = room.controls(only=tuple(name for name in own_fields(Texture) if name != "layer_weights"))
with room.settings:
    layer_sliders(room, technique.layers or style_layers(room.network), room.t("page.weights"))
technique = room.controls(only=())
result = room.run(technique)
if result is not None:
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
