"""A second network or layer beside the first: the same picture and class, both maps on one scale."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from pages.ui import link
from pages.ui.controls import layer_options
from pages.ui.language import t
from pages.ui.png_image import show_png
from pages.ui.room import Room
from pages.ui.sidebar import load_with_progress, model_label, model_labels, model_options
from pages.ui.value_charts import scale_bar
from viz_core import models
from viz_core.explain.sanity import likeness
from viz_core.images.render import Limits, encode_png, limits_of, overlay
from viz_core.images.tensor import to_pixels
from viz_core.technique import Result, Technique

NONE = ""
OVERLAY = 0.65
ONE_UNIT = ("channel", "row", "column")  # mean nothing in another layer or network


@dataclasses.dataclass(frozen=True)
class Second:
    """What was chosen to lie beside the first: a network, a layer, or both; None where it is the first one's."""

    model: str | None
    layer: str | None

    def technique(self, room: Room, first: Technique, result: Result) -> Technique:
        """The first technique with the second network and layer, and with the class that the first one explained."""
        changes: dict[str, Any] = {}
        if self.model is not None:
            changes = {"model": self.model, "target": _same_class(room, self.model, result)}
        if "layer" in type(first).model_fields:
            own = getattr(first, "layer", None)
            there = models.load(self.model or first.model).layer_names
            changes["layer"] = self.layer or (own if own in there else None)
            changes |= dict.fromkeys(name for name in ONE_UNIT if name in type(first).model_fields)
        return first.model_copy(update=changes)

    def name(self, room: Room) -> str:
        """What people call it."""
        return " · ".join(filter(None, (model_label(self.model or room.choice.model), self.layer)))


def pick_second(room: Room) -> Second | None:
    """The pickers of the second network and, where the technique has layers, of the second layer; None for neither."""
    with room.settings, st.expander(t("ui.beside.title"), icon=":material/compare:"):
        own = room.choice.model
        models_ = [NONE, *(name for name in model_options() if name != own)]
        labels = model_labels(models_) | {NONE: t("ui.beside.same_network")}
        model = _pick(room, "beside_model", models_, labels.__getitem__) or None
        if model is not None:
            room.guarded(lambda: load_with_progress(model))
        layer = None
        field = room.kind.model_fields.get("layer")
        if field is not None:
            network = models.load(model or own)
            shown = {NONE: t("ui.automatic") if model else t("ui.beside.same_layer")}
            options = [NONE, *layer_options(field, network)]
            layer = _pick(room, "beside_layer", options, lambda name: shown.get(name, name)) or None
    room.write_link()
    return Second(model, layer) if model or layer else None


def show_beside(
    room: Room,
    second: Second,
    results: tuple[Result, Result],
    values: Callable[[Result], np.ndarray],
    limits: Callable[..., Limits] = limits_of,
    signed: bool = False,
) -> None:
    """Both pictures under their maps, on one scale or each on its own, and how alike the maps are."""
    maps = [values(result) for result in results]
    st.markdown(f"**{t('ui.beside.heading')}**")
    one_scale = st.toggle(
        t("ui.beside.one_scale"), True, key=f"{room.kind.slug}.one_scale", help=t("ui.beside.one_scale_help")
    )
    joint = limits(*maps, signed=signed)
    names = (model_label(room.choice.model), second.name(room))
    for column, name, result, own in zip(st.columns(2, gap="medium"), names, results, maps, strict=True):
        scale = joint if one_scale else limits(own, signed=signed)
        pixels = overlay(to_pixels(result.arrays["input"]), own, OVERLAY, signed, scale)
        said = t("ui.beside.caption", name=name, seen=_seen(room, result))
        with column:
            show_png(encode_png(pixels, result.recipe.to_json()), caption=said, alt=said)
            if not one_scale:
                scale_bar(*scale, t("ui.beside.scale"))
    if one_scale:
        scale_bar(*joint, t("ui.beside.scale"))
    st.caption(t("ui.beside.likeness", value=f"{likeness(*maps):.2f}"))


def _seen(room: Room, result: Result) -> str:
    """The class or the unit that a result is about."""
    scores = result.scores
    if "channel" in scores:
        return t("ui.beside.unit", layer=scores["layer"], channel=scores["channel"])
    name = models.load(result.recipe.parameters["model"]).class_name(scores["class_index"], room.lang)
    return f"{name}, {scores['layer']}" if "layer" in scores else name


def _same_class(room: Room, model: str, result: Result) -> int | None:
    """The class of the first result in the second network, found by its name; None where that has no such class."""
    index = result.scores.get("class_index")
    if index is None:
        return None
    name = room.network.class_names[index]
    names = models.load(model).class_names
    return names.index(name) if name in names else None


def _pick(room: Room, name: str, options: list[str], label: Callable[[str], str]) -> str:
    key = f"{room.kind.slug}.{name}"
    link.seed(key, name, NONE)
    if st.session_state[key] not in options:
        st.session_state[key] = NONE
    chosen = st.selectbox(
        t(f"ui.{name}"), options, format_func=label, help=t(f"ui.{name}_help"), key=key, persist_state="session"
    )
    room.also.pop(name, None)
    if chosen:
        room.also[name] = chosen
    return chosen
