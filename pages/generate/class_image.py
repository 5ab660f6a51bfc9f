"""Class images: paint what a class, a channel or a neuron would most like to see."""

from typing import Any

import streamlit as st

from pages.ui.charts import curves
from pages.ui.curve_names import curves_of, objective_name
from pages.ui.dataset_box import dataset_box, fetch
from pages.ui.gallery import gallery
from pages.ui.presets import preset_picker
from pages.ui.room import Room
from pages.ui.sidebar import model_label
from pages.ui.tape import begun, tape
from pages.ui.units import passport
from viz_core.generate.class_image import LADDER, PRESETS, STANDARD, ClassImage
from viz_core.generate.twins import twins

UNIT_FIELDS = {"class": ("also",), "channel": ("layer", "channel", "count"), "neuron": ("layer", "channel", "count")}
PIXEL_PRIORS = ("blur", "blur_every", "decay", "small_pixels", "small_contributions")


def controls() -> ClassImage:
    """The widgets that matter for what was chosen."""
    preset_picker(room, PRESETS)
    chosen = room.controls(only=("goal",))
    room.controls(only=UNIT_FIELDS.get(chosen.goal, ("layer",)))
    painter = ("painter",) if room.choice.model == STANDARD else ()
    chosen = room.controls(only=(*painter, "compare", "steps"))
    if chosen.compare == "facets":
        with room.settings:
            room.values["dataset"] = dataset_box(ClassImage)
        room.guarded(lambda: fetch(room.values["dataset"]))
        return room.controls(only=("facets", "size", "seed"))
    if chosen.compare in ("ladder", "centre"):
        return room.controls(only=("size", "seed"))
    chosen = room.controls(only=("canvas", "transforms"))
    start = () if chosen.canvas == "fourier" or chosen.compare == "starts" else ("start",)
    priors = () if chosen.canvas == "fourier" else PIXEL_PRIORS
    bound = ("most_rate",) if st.session_state.get("class-image.optimiser") == "progress" else ()
    measure = ("measure",) if chosen.goal == "class" else ()
    rest = (*measure, "optimiser", "rate", *bound, *start, *priors, "l2", "tv", "guided", "size", "seed")
    return room.controls(only=rest, begin=begun(room, "begin"))


def name_of(row: dict[str, Any]) -> str:
    """What a picture was painted for."""
    layer = room.network.resolve_layer(technique.layer) if technique.goal != "class" else ""
    name = room.network.class_name(row["class_index"], room.lang)
    return room.t(f"page.{technique.goal}_unit", name=name, number=row["unit"], layer=layer)


def caption(number: int, row: dict[str, Any]) -> str:
    """What one picture of the result is, and what the network says of it."""
    probability = f"{row['probability']:.1%}"
    if technique.compare == "ladder":
        return room.t("page.twin", name=room.t(f"page.rung_{row['run']}"), probability=probability)
    if technique.compare == "twins":
        return room.t("page.twin", name=model_label(row["run"]), probability=probability)
    if technique.compare == "facets":
        return room.t("page.facet", number=number + 1, probability=probability)
    if technique.compare == "starts":
        return room.t("page.start_number", number=row["run"], probability=probability)
    if technique.goal == "class":
        return room.t("page.alone", name=name_of(row), probability=probability)
    seen = room.network.class_name(row["class_index"], room.lang)
    return room.t("page.unit", name=name_of(row), seen=seen, probability=probability)


def legend() -> None:
    """Which number in the frames of a run is which of those that keep pace."""
    names = {
        "ladder": [room.t(f"page.rung_{name}") for name in LADDER],
        "twins": [model_label(name) for name in twins(technique.model)],
    }.get(technique.compare, [])
    if names:
        with room.stage:
            st.caption(" · ".join(f"**{number}** {name}" for number, name in enumerate(names, start=1)))


room = Room(ClassImage)
technique = controls()
legend()
result = room.run(technique)
if result is not None:
    with room.stage:
        rows = result.tables["pictures"]
        if technique.compare != "one":
            st.markdown(f"**{name_of(rows[0])}**")
        names = [name for name in result.pictures if name != "image"] or ["image"]
        gallery(room, result, list(zip(names, [caption(*row) for row in enumerate(rows)], strict=True)))
        if technique.network().name != room.network.name:
            st.caption(room.t("page.painted_by"))
        if technique.goal in ("channel", "neuron"):
            passport(room, room.network.resolve_layer(technique.layer), rows[0]["unit"])
        if "facets_apart" in result.scores:
            st.caption(room.t("page.facets_apart", apart=f"{result.scores['facets_apart']:.0%}"))
        if result.scores["undone"]:
            st.caption(room.t("page.undone", count=result.scores["undone"]))
        with st.expander(room.t("page.curves"), icon=":material/show_chart:"):
            st.caption(room.t("page.objective", objective=objective_name(result.scores["objective"])))
            st.plotly_chart(curves(curves_of(result), room.t("page.step")), width="stretch", key="class_image.curves")
        alone = technique.compare == "one" and len(rows) == 1
        meant = {"target": rows[0]["class_index"]} if technique.goal == "class" else {}
        tape(room, result, begin="begin" if alone else None, also=meant)
room.downloads(result)
room.explain()
