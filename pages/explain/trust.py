"""Trust: which explanations deserve belief on this network."""

import streamlit as st

from pages.ui.method_charts import agreement_matrix, method_bars, method_curves
from pages.ui.room import Room
from viz_core.explain.methods import METHODS
from viz_core.explain.trust import OVERLAY, Trust
from viz_core.images.render import encode_png, overlay
from viz_core.images.tensor import to_pixels
from viz_core.technique import Result

ACTING = {"randomise": ("seed",), "deletion": ("steps", "seed"), "planted": ("training_steps", "seed"), "agreement": ()}
COLUMNS = 4


def method_name(name: str) -> str:
    """What people call a method."""
    return room.t(f"methods.{name}")


def tiles(result: Result, maps, captions) -> None:
    """The picture with each method's map over it."""
    pixels = to_pixels(result.arrays["input"])
    columns = st.columns(COLUMNS)
    for place, (name, values, caption) in enumerate(zip(METHODS, maps, captions, strict=False)):
        png = encode_png(overlay(pixels, values, OVERLAY), result.recipe.to_json())
        said = f"{method_name(name)}: {caption}" if caption else method_name(name)
        columns[place % COLUMNS].image(png, caption=said, alt=said, width="stretch")


def randomise(result: Result) -> None:
    """The slider: how much of the network is noise, and what each map makes of it."""
    layers, rows = [row["layer"] for row in result.tables["layers"]], result.tables["similarity"]
    labels = [room.t("page.learnt"), *layers][: result.scores["depths"]]
    if len(labels) > 1:
        shown = st.select_slider(room.t("page.slider"), labels, key="trust.depth", help=room.t("page.slider_help"))
        depth = labels.index(shown)
    else:
        depth = 0
    here = {row["method"]: row["rank_correlation"] for row in rows if row["depth"] == depth}
    tiles(result, result.arrays["maps"][depth], [f"{here[name]:.2f}" for name in METHODS])
    for measure in ("rank_correlation", "structural"):
        st.markdown(f"**{room.t(f'page.{measure}')}**")
        curves = {method_name(m): [row[measure] for row in rows if row["method"] == m] for m in METHODS}
        chart = method_curves(curves, labels, room.t("page.forgotten"), "", marked=labels[depth])
        st.plotly_chart(chart, width="stretch", key=f"trust.{measure}")
    st.markdown(f"**{room.t('page.verdicts', layer=labels[result.scores['half']])}**")
    for row in result.tables["verdicts"]:
        colour, icon = ("green", "check") if row["depends"] == "yes" else ("red", "close")
        verdict = room.t(f"page.depends_{row['depends']}", kept=f"{row['kept']:.2f}")
        st.markdown(f":{colour}-badge[:material/{icon}: {method_name(row['method'])}] {verdict}")


def delete(result: Result) -> None:
    """The curves of both games and the areas under them."""
    areas, steps = result.tables["areas"], result.scores["steps"]
    shares = [100 * step / steps for step in range(steps + 1)]
    for column, kind in zip(st.columns(2, gap="large"), ("deletion", "insertion"), strict=True):
        with column:
            st.markdown(f"**{room.t(f'page.{kind}')}**")
            curves = {method_name(row["method"]): result.arrays[f"{kind}_{row['method']}"] for row in areas}
            chart = method_curves(curves, shares, room.t("page.share"), room.t("page.probability"))
            st.plotly_chart(chart, width="stretch", key=f"trust.{kind}")
    st.caption(room.t("page.areas"))
    names = [method_name(row["method"]) for row in areas]
    values = {room.t(f"page.{kind}_area"): [row[kind] for row in areas] for kind in ("deletion", "insertion")}
    st.plotly_chart(method_bars(names, values, ".2f"), width="stretch", key="trust.areas")


def plant(result: Result) -> None:
    """How truthful each method is where the truth is known."""
    scores, table = result.scores, result.tables["truth"]
    st.caption(room.t("page.planted", accuracy=f"{scores['accuracy']:.0%}", chance=f"{scores['chance']:.0%}"))
    names = [method_name(row["method"]) for row in table]
    values = {room.t(f"page.{kind}"): [row[kind] for row in table] for kind in ("points", "share_on_mark")}
    st.plotly_chart(method_bars(names, values), width="stretch", key="trust.truth")
    numbered = ", ".join(f"{number} {name}" for number, name in enumerate(names, start=1))
    columns = st.columns(2)
    for place, picture in enumerate(name for name in result.pictures if name.startswith("example")):
        with columns[place % 2]:
            room.show(result, picture, numbered)


def agree(result: Result) -> None:
    """How alike the methods are on this picture."""
    tiles(result, result.arrays["maps"], [""] * len(METHODS))
    st.markdown(f"**{room.t('page.agreement')}**")
    names = [method_name(name) for name in METHODS][: result.scores["methods"]]
    st.plotly_chart(agreement_matrix(names, result.arrays["map"]), width="stretch", key="trust.agreement")


room = Room(Trust)
check = room.controls(only=("check",)).check
technique = room.controls(only=ACTING[check])
room.settings.caption(room.t(f"page.about_{check}"))
result = room.run(technique)
if result is not None:
    with room.stage:
        {"randomise": randomise, "deletion": delete, "planted": plant, "agreement": agree}[check](result)
room.downloads(result)
room.explain()
