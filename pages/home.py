"""Home: what the network sees in the picture, how it gets there, and the way to every room."""

import numpy as np
import streamlit as st
from torch import Tensor

from pages.ui.cards import Card, cards
from pages.ui.charts import class_bars
from pages.ui.download_box import File, download_box
from pages.ui.explain_box import explain_box
from pages.ui.language import language, t
from pages.ui.link import address_of
from pages.ui.navigation import recipe_drop, room_page, rooms
from pages.ui.png_image import show_png
from pages.ui.sidebar import Choice, model_label
from viz_core import models
from viz_core.export import facts_json, npz
from viz_core.images.intake import Picture
from viz_core.images.refs import open_image
from viz_core.images.render import encode_png
from viz_core.images.tensor import to_input, to_pixels
from viz_core.look.journey import STATIONS, Station, journey, numbers, sheet
from viz_core.models.graph import GraphModel
from viz_core.technique import SECTIONS, Technique
from viz_core.texts import text
from viz_core.thumbnails import thumbnail

Top = list[tuple[int, str, float]]

choice: Choice = st.session_state["choice"]
network = models.load(choice.model)
picture = open_image(choice.image)


@st.cache_data(max_entries=64, show_spinner=False)
def way_through(weights: str, digest: str, _network: GraphModel, _picture: Picture) -> tuple[bytes, list[Station], Top]:
    """The picture as the network sees it, the stations with their pictures as PNG, and the strongest classes."""
    seen = as_seen(_network, _picture)
    stations = [station._replace(picture=encode_png(station.picture)) for station in journey(_network, seen)]
    return encode_png(to_pixels(seen)), stations, _network.top(seen, 5)


def as_seen(network: GraphModel, picture: Picture) -> Tensor:
    """The picture as the network sees it (1, 3, H, W)."""
    return to_input(picture, network.input_size).to(network.device)


def whole_way(network: GraphModel, picture: Picture) -> np.ndarray:
    """The way through the network as one picture."""
    seen = as_seen(network, picture)
    return sheet(to_pixels(seen), journey(network, seen))


def card(kind: type[Technique]) -> Card:
    """The card of a room."""
    name = kind.slug.replace("-", "_")
    title, question = (text(f"{name}.{part}", language()) for part in ("title", "question"))
    return Card(kind.slug, address_of(kind.slug), title, question, thumbnail(kind.slug))


st.title(t("home.title"), anchor=False)
st.markdown(f"##### {t('home.tagline')}")
st.markdown(t("home.about"))

seen, stations, top = way_through(network.digest, picture.digest, network, picture)
question, answer = st.columns([2, 3], gap="large")
with question:
    st.markdown(f"**{t('home.picture')}**")
    show_png(seen, alt=t("ui.picture"))
    st.caption(t("home.sees_help", network=model_label(choice.model), size=network.input_size))
with answer:
    st.markdown(f"**{t('home.sees')}**")
    bars = class_bars(top, network, language(), close_up=True)
    st.plotly_chart(bars, width="stretch", key="home.top")

st.markdown(f"**{t('home.between')}**")
with st.grid(STATIONS, min_column_width=150):
    for station in stations:
        caption = t("home.station", layer=station.layer, channels=station.shape[0], side=station.shape[-1])
        show_png(station.picture, caption=caption, alt=caption)
st.caption(t("home.between_help"))
facts = {"model": choice.model, "image": choice.image, "weights": network.digest, "picture": picture.digest}
classes = [{"index": index, "name": name, "probability": probability} for index, name, probability in top]
download_box(
    [
        File("PNG", "convscope-home.png", lambda: encode_png(whole_way(network, picture))),
        File(t("ui.npz"), "convscope-home.npz", lambda: npz(numbers(network, as_seen(network, picture)))),
        File(t("ui.recipe"), "convscope-home.json", lambda: facts_json(**facts, classes=classes)),
    ]
)
explain_box("home")

for section in SECTIONS:
    inside = {kind.slug: kind for kind in rooms() if kind.section == section}
    if inside:
        st.subheader(t(f"ui.sections.{section}"), anchor=False)
        st.markdown(t(f"home.sections.{section}"))
        picked = cards([card(kind) for kind in inside.values()], key=f"home.{section}")
        if picked in inside:
            st.switch_page(room_page(inside[picked]))

st.subheader(t("home.recipe_title"), anchor=False)
recipe_drop()
