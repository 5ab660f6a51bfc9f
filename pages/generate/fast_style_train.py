"""Training of a fast style: the own picture before and after, while the network learns."""

import streamlit as st

from pages.ui import link
from pages.ui.charts import curves
from pages.ui.controls import field_text, own_fields
from pages.ui.navigation import room_page
from pages.ui.pictures import UPLOADS, picture_name, sample_thumbnails
from pages.ui.room import Room
from pages.ui.trained_styles import known, remember
from viz_core.generate.fast_style import FastStyle
from viz_core.generate.fast_style_train import MOST_STYLES, FastStyleTrain

SLUG = "fast-style-train"
DRAWN_HERE = ("styles", "begin", "contents")


def choose_styles() -> None:
    """The pictures whose manner to learn."""
    key, options = f"{SLUG}.styles", [*sample_thumbnails(), *st.session_state.get(UPLOADS, {})]
    link.seed(key, "styles", list(FastStyleTrain.model_fields["styles"].default))
    chosen = st.session_state[key]
    chosen = chosen.split(",") if isinstance(chosen, str) else chosen
    st.session_state[key] = [ref for ref in chosen if ref in options]
    room.values["styles"] = tuple(
        st.multiselect(
            field_text(FastStyleTrain, "styles", "label"),
            options,
            format_func=picture_name,
            help=field_text(FastStyleTrain, "styles", "help"),
            max_selections=MOST_STYLES,
            key=key,
            persist_state="session",
        )
    )


def choose_begin() -> None:
    """The trained style to go on from, if any."""
    names = {"": room.t("page.afresh"), **known()}
    chosen = st.selectbox(
        field_text(FastStyleTrain, "begin", "label"),
        list(names),
        format_func=names.get,
        help=field_text(FastStyleTrain, "begin", "help"),
        key=f"{SLUG}.begin",
    )
    room.values["begin"] = chosen or None


room = Room(FastStyleTrain)
with room.settings:
    choose_styles()
    choose_begin()
technique = room.controls(only=tuple(name for name in own_fields(FastStyleTrain) if name not in DRAWN_HERE))
result = room.run(technique)
if result is not None:
    with room.stage:
        st.success(room.t("page.ready"), icon=":material/check_circle:")
        ref = remember(result.files["style.safetensors"])
        st.page_link(room_page(FastStyle), label=room.t("page.use"), query_params={"style": ref})
        room.show(result, "before and after", room.t("page.before_after", steps=result.scores["steps"]))
        st.markdown(f"**{room.t('page.curves')}**")
        lines = {
            room.t(f"page.parts.{part}"): result.arrays[f"curve: {part}"].tolist()
            for part in ("style", "content", "rough")
        }
        st.plotly_chart(curves(lines, room.t("page.step")), width="stretch", key=f"{SLUG}.curves")
room.downloads(result)
room.explain()
