"""Home: what the network sees in the picture, and the way to every room."""

import streamlit as st

from pages.ui.charts import class_bars
from pages.ui.language import language, t
from pages.ui.navigation import room_page, rooms
from pages.ui.sidebar import Choice, model_label
from viz_core import models
from viz_core.images.refs import open_image
from viz_core.images.render import encode_png
from viz_core.images.tensor import to_input, to_pixels
from viz_core.look.filters import Filters
from viz_core.technique import SECTIONS, finish
from viz_core.texts import text

CARDS = 3  # in a row

choice: Choice = st.session_state["choice"]
network = models.load(choice.model)

st.title(t("home.title"), anchor=False)
st.markdown(f"##### {t('home.tagline')}")

seen = to_input(open_image(choice.image), network.input_size).to(network.device)
picture, answer, filters = st.columns([2, 3, 2], gap="large")
with picture:
    st.image(encode_png(to_pixels(seen)), width="stretch", alt=t("ui.picture"))
    st.caption(t("home.sees_help", network=model_label(choice.model), size=network.input_size))
with answer:
    st.markdown(f"**{t('home.sees')}**")
    st.plotly_chart(class_bars(network.top(seen, 5), network, language()), width="stretch", key="home.top")
with filters:
    st.markdown(f"**{t('home.first_filters')}**")
    grid = finish(Filters(model=choice.model).run()).pictures["grid"]
    st.image(encode_png(grid), width="stretch", alt=t("home.first_filters"))

for section in SECTIONS:
    inside = [kind for kind in rooms() if kind.section == section]
    if inside:
        st.subheader(t(f"ui.sections.{section}"), anchor=False)
    for first in range(0, len(inside), CARDS):
        for column, kind in zip(st.columns(CARDS), inside[first : first + CARDS], strict=False):
            with column.container(border=True, height="stretch"):
                st.page_link(room_page(kind), width="stretch")
                st.caption(text(f"{kind.slug.replace('-', '_')}.question", language()))
