"""DeepDream: watch a layer draw more of what it sees."""

import streamlit as st

from pages.ui import link
from pages.ui.charts import curve
from pages.ui.film_box import film_box
from pages.ui.language import t
from pages.ui.presets import preset_picker
from pages.ui.room import Room
from pages.ui.style_controls import MOST_WEIGHT
from pages.ui.tape import begun, tape
from viz_core.generate.deepdream import PRESETS, DeepDream


def controls() -> DeepDream:
    """The widgets that matter for what was chosen."""
    preset_picker(room, PRESETS)
    chosen = room.controls(only=("layer", "guided"))
    room.controls(only=("guide",) if chosen.guided else ("channel",))
    film = film_box(room)
    room.controls(
        only=("octaves", "octave_scale", "steps", "step_size", "jitter", "carry" if film else "zoom"), film=film
    )
    chosen = room.controls(only=("also", "tile", "size", "seed"), film=film)
    room.values["weights"] = mix() if chosen.also else ()
    return room.controls(only=(), film=film, begin=begun(room, "begin"))


def mix() -> tuple[float, ...]:
    """How much each of several layers counts."""
    layers = room.values["layer"], *room.values["also"]
    keys = [f"deepdream.weight.{place}" for place in range(len(layers))]
    link.seed_each(keys, "weights", 1.0, MOST_WEIGHT)
    with room.settings, st.popover(room.t("fields.weights.label"), icon=":material/tune:", width="stretch"):
        st.caption(room.t("fields.weights.help"))
        return tuple(
            st.slider(layer or t("ui.automatic"), 0.0, MOST_WEIGHT, step=0.1, key=key)
            for key, layer in zip(keys, layers, strict=True)
        )


room = Room(DeepDream)
technique = controls()
result = room.run(technique)
if result is not None:
    with room.stage:
        dream, picture = st.columns([2, 1])
        with dream:
            room.show(result, "dream", room.t("page.dream", layer=result.scores["layer"], steps=result.scores["steps"]))
        with picture:
            room.show(result, "picture", room.t("page.picture"))
            st.markdown(f"**{room.t('page.curve')}**")
            loss = curve(result.arrays["loss"].tolist(), room.t("page.step"), room.t("page.activation"))
            st.plotly_chart(loss, width="stretch", key="deepdream.curve")
        if "dream.mp4" in result.files:
            st.video(result.files["dream.mp4"], format="video/mp4", loop=True, autoplay=True, muted=True)
        tape(room, result, begin="begin")
room.downloads(result)
room.explain()
