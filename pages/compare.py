"""Compare: pinned results side by side, on one scale, zoomed together, with their differences."""

from itertools import combinations

import streamlit as st

from pages.ui.compare_chart import compare_chart
from pages.ui.controls import namespace
from pages.ui.download_box import File, download_box
from pages.ui.explain_box import explain_box
from pages.ui.language import language, t
from pages.ui.navigation import open_recipe
from pages.ui.pins import PINS, caption, pinned
from viz_core.compare import Pin, arrays, can_write, difference, pin, sheet
from viz_core.explain.cam import Cam
from viz_core.export import facts_json, npz
from viz_core.images.render import encode_png
from viz_core.registry import technique
from viz_core.technique import finish


def example() -> tuple[Pin, ...]:
    """What the page shows before anybody pinned anything: one picture, two networks."""
    return tuple(pin(finish(Cam(model=name).run()), "array:map") for name in ("bundled", "bundled-robust"))


def remove(place: int) -> None:
    """Take one pin away."""
    st.session_state[PINS] = (*pinned()[:place], *pinned()[place + 1 :])


st.title(f":material/compare: {t('compare.title')}", anchor=False)
st.markdown(f"##### {t('compare.question')}")
own = pinned()
pins = own or example()
if not own:
    st.info(t("compare.example"), icon=":material/push_pin:")
pairs = [pair for pair in combinations(range(len(pins)), 2) if pins[pair[0]].is_map == pins[pair[1]].is_map]
with st.container(horizontal=True, vertical_alignment="bottom"):
    joint = st.toggle(t("compare.joint"), True, key="compare.joint", help=t("compare.joint_help"))
    labels = {pair: t("compare.pair", first=pair[0] + 1, second=pair[1] + 1) for pair in pairs}
    chosen = st.multiselect(
        t("compare.difference"), list(labels), list(labels)[:1], format_func=labels.get, placeholder="", width=420
    )
differences = [difference(pins[first], pins[second]) for first, second in chosen]
names = [f"{place}. {caption(one)}" for place, one in enumerate(pins, start=1)]
titles = [
    f"{place}. {t(f'{namespace(technique(one.recipe.technique))}.title')}" for place, one in enumerate(pins, start=1)
]
st.plotly_chart(
    compare_chart(pins, titles, joint, differences, [labels[pair] for pair in chosen]),
    width="stretch",
    key="compare.chart",
    config={"scrollZoom": True},
)
st.caption(t("compare.zoom_help"))
for place, name in enumerate(names):
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(name, width="stretch")
        if st.button(t("compare.open"), key=f"compare.open.{place}", icon=":material/open_in_new:"):
            open_recipe(pins[place].recipe)
        if own:
            st.button(
                t("compare.remove"),
                key=f"compare.remove.{place}",
                icon=":material/close:",
                on_click=remove,
                args=(place,),
            )
lang = language() if all(map(can_write, names)) else "en"
written = [f"{place}. {caption(one, lang)}" for place, one in enumerate(pins, start=1)]
words = [*written, *(labels[pair] for pair in chosen)]
pairs_named = [f"{second + 1}_less_{first + 1}" for first, second in chosen]
recipes = [one.recipe.model_dump() for one in pins]
with st.container(horizontal=True):
    download_box(
        [
            File(
                t("compare.save"), "convscope-compare.png", lambda: encode_png(sheet(pins, words, joint, differences))
            ),
            File(t("ui.npz"), "convscope-compare.npz", lambda: npz(arrays(pins, differences, pairs_named))),
            File(t("compare.recipes"), "convscope-compare.json", lambda: facts_json(recipes=recipes)),
        ]
    )
    if own:
        st.button(t("compare.clear"), icon=":material/delete:", on_click=st.session_state.pop, args=(PINS,))
explain_box("compare")
