"""Backprop: one unit or a class score sent back to the pixels by three rules, side by side."""

import streamlit as st

from pages.ui.beside import pick_second, show_beside
from pages.ui.click_image import Click, Readout, click_image
from pages.ui.room import Room
from pages.ui.units import choose, forget, layer_to_be, number, passport
from viz_core.explain.backprop import Backprop
from viz_core.models.relu_rules import RULES
from viz_core.technique import Result

SLUG = Backprop.slug


def side_by_side(result: Result) -> None:
    """The three rules in their columns."""
    for column, rule in zip(st.columns(len(RULES)), RULES, strict=True):
        with column:
            strongest = f"{result.scores[f'strongest_{rule}']:.2g}"
            room.show(result, rule, room.t(f"page.{rule}", strongest=strongest))


def in_the_field(result: Result) -> None:
    """What the unit sees, and the three rules there alone."""
    scores = result.scores
    st.markdown(
        f"**{room.t('page.field', height=scores['bottom'] - scores['top'], width=scores['right'] - scores['left'])}**"
    )
    for column, picture in zip(st.columns(4), ("picture_crop", *(f"{rule}_crop" for rule in RULES)), strict=True):
        with column:
            room.show(result, picture, room.t(f"page.{picture}"))


def where(result: Result) -> None:
    """The chosen rule over the picture, and the channel's map, where a click chooses another place."""
    over, channel = st.columns(2, gap="medium")
    with over:
        room.show(result, "overlay", room.t("page.overlay", rule=room.t(f"options.rule.{technique.rule}")))
    activation = result.arrays["activation"]
    if activation.size > 1:

        def clicked(click: Click) -> None:
            rows, columns = activation.shape
            choose(SLUG, channel=result.scores["channel"], row=min(click.y, rows - 1), column=min(click.x, columns - 1))

        with channel:
            alt = room.t("page.activation", **result.scores)
            readout = Readout(activation, room.t("page.place"))
            png = room.png(result, "activation")
            click_image(png, f"{SLUG}.activation", alt=alt, readout=readout, on_click=clicked, crisp=True)
            st.caption(alt)


room = Room(Backprop)
forget(SLUG, (room.choice.model, layer_to_be(SLUG)), "channel")
forget(SLUG, (room.choice.model, layer_to_be(SLUG), room.choice.image), "row", "column")
layer = room.controls(only=("layer",)).layer
room.values |= {name: number(SLUG, name) if layer else None for name in ("row", "column")}
technique = room.controls(only=(*(("channel",) if layer else ()), "rule", "scale", "size"))
second = pick_second(room)
result = room.run(technique)
with room.stage:
    scores = result.scores
    if layer is None:
        name = room.network.class_name(scores["class_index"], room.lang)
        st.markdown(f"**{room.t('page.score', name=name, value=round(scores['value'], 2))}**")
    else:
        st.markdown(f"**{room.t('page.unit', **scores)}**")
    room.say_rules_agree()
    side_by_side(result)
    if scores["bottom"] - scores["top"] < result.arrays["map"].shape[0]:
        in_the_field(result)
    where(result)
    if layer is not None:
        passport(room, scores["layer"], scores["channel"])
if second is not None:
    other = room.run_beside(second.technique(room, technique, result), technique)
    with room.stage:
        show_beside(room, second, (result, other), lambda each: each.arrays["map"])
        side_by_side(other)
room.downloads(result)
room.explain()
