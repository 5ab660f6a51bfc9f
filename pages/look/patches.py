"""Patches: the parts of many pictures that excite each channel most; one channel closely."""

import streamlit as st

from pages.ui.click_image import Click, Readout, click_image
from pages.ui.controls import widgets
from pages.ui.dataset_box import dataset_box, fetch
from pages.ui.pager import first_shown, pager
from pages.ui.room import Room
from pages.ui.units import choose, forget, layer_to_be, passport
from pages.ui.value_charts import histogram
from viz_core.look.patches import Patches
from viz_core.look.sheets import tile_at, tile_of, told_by_tile
from viz_core.result_cache import results
from viz_core.technique import Result

SLUG = Patches.slug
FIRST = ("layer", "channel")
THEN = ("pictures", "sort", "also", "count", "size")
MARK = "#d95f02"  # seen on the light and on the dark theme
DRAWN = "patches.drawn"  # which wall was drawn last: it stays while another channel is computed
ROWS = ("patches", "images", "backprop", "deconvnet", "guided", "least")


def wall(result: Result, channel: int) -> None:
    """All channels as blocks of patches; a click chooses one."""
    height, width = result.pictures["wall"].shape[:2]

    def clicked(click: Click) -> None:
        chosen = tile_at(result, click.y / height, click.x / width)
        if chosen is not None:
            choose(SLUG, channel=chosen)

    told = told_by_tile(result, result.arrays["values"][0])
    labels = [room.t("page.channel"), room.t("page.peak")]
    readout = Readout(told, room.t("page.block"), labels, marks=True, chosen=tile_of(result, channel))
    facts = room.t("page.facts", **result.scores)
    st.markdown(f"**{facts}**")
    click_image(room.png(result, "wall"), f"{SLUG}.wall", alt=facts, readout=readout, on_click=clicked)
    pager(SLUG, result.scores["channels"], technique.count)
    st.caption(room.t("page.searched", **result.scores))


def last_wall() -> Result | None:
    """The result whose wall is the one asked for, whichever channel it looks at closely."""
    key = technique.model_copy(update={"channel": None}).recipe().digest
    if result is not None:
        st.session_state[DRAWN] = key, result.recipe.digest
        return result
    same, digest = st.session_state.get(DRAWN, ("", ""))
    return results().get(digest) if same == key else None


def class_image(layer: str, channel: int) -> None:
    """What the class-image room has painted for this channel, if it has."""
    painted = results().newest("class-image", model=room.choice.model, goal="channel", layer=layer, channel=channel)
    if painted is not None:
        st.markdown(f"**{room.t('page.class_image')}**")
        with st.columns([1, 2])[0]:
            room.show(painted, "image")


def unit(result: Result) -> None:
    """One channel: its patches, where they come from, what reaches the unit, and how its values are spread."""
    scores = result.scores
    st.subheader(room.t("page.chosen", channel=scores["channel"]), anchor=False)
    passport(room, scores["layer"], scores["channel"])
    for name in ROWS:
        if name in result.pictures:
            st.markdown(f"**{room.t(f'page.{name}')}**")
            room.show(result, name)
    class_image(scores["layer"], scores["channel"])
    st.markdown(f"**{room.t('page.histogram')}**")
    chart = histogram(result, room.t("page.value"), room.t("page.count"))
    chart.add_vline(scores["own_value"], line_dash="dash", line_color=MARK, annotation_text=room.t("page.own"))
    chart.update_layout(margin_t=28)
    st.plotly_chart(chart, width="stretch", key=f"{SLUG}.histogram")
    with st.expander(room.t("page.table"), icon=":material/table_rows:"):
        st.dataframe([dict(row) for row in result.tables["most"]], width="stretch", hide_index=True)


room = Room(Patches)
forget(SLUG, (room.choice.model, layer_to_be(SLUG)), "channel", "page")
with room.settings:
    room.values |= widgets(Patches, room.network, FIRST)
    room.values["dataset"] = dataset_box(Patches)
    room.values |= widgets(Patches, room.network, THEN)
    room.guarded(lambda: fetch(room.values["dataset"]))
room.values["first"] = first_shown(SLUG, room.values["count"])
technique = room.controls(only=())
stage = room.stage
room.stage, above, room.screen = (stage.container() for _ in range(3))
result = room.run(technique)
room.stage, found = stage, last_wall()
if found is not None:
    with above:
        wall(found, result.scores["channel"] if result else technique.channel)
if result is not None:
    with room.stage:
        unit(result)
room.downloads(result)
room.explain()
