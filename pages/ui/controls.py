"""Widgets made from a technique's declaration, one for each parameter."""

import types
from typing import Any, Literal, Union, get_args, get_origin

import streamlit as st
from pydantic.fields import FieldInfo

from pages.ui import link
from pages.ui.language import language, t
from pages.ui.pictures import picture_box
from viz_core.models.cam import map_layers
from viz_core.models.graph import GraphModel
from viz_core.technique import Technique
from viz_core.texts import has_text, text

LONGEST_SLIDER = 512
LONGEST_SEGMENTS = 10  # characters that fit beside each other in the settings column
NONE = "none"  # how catalogues call the empty choice
AUTOMATIC = ""  # a widget cannot hold None and show a choice
SIDEBAR_FIELDS = ("model", "image", "target")


def namespace(kind: type[Technique]) -> str:
    """The catalogue of a technique."""
    return kind.slug.replace("-", "_")


def field_text(kind: type[Technique], name: str, part: str) -> str:
    """Label or help of a parameter: the technique's own, or the one shared by all techniques."""
    own = f"{namespace(kind)}.fields.{name}.{part}"
    return t(own if has_text(own) else f"fields.{name}.{part}")


def option_label(kind: type[Technique], name: str, value: str) -> str:
    """What people read for one choice of a parameter."""
    key = f"{namespace(kind)}.options.{name}.{value}"
    return text(key, language()) if has_text(key) else str(value)


def own_fields(kind: type[Technique]) -> dict[str, FieldInfo]:
    """The parameters a page asks for: those the technique itself declares, less what the sidebar asks for."""
    declared = dict.fromkeys(name for base in reversed(kind.__mro__) for name in _annotated(base))
    return {name: kind.model_fields[name] for name in declared if name not in SIDEBAR_FIELDS}


def _annotated(base: type) -> list[str]:
    """The parameters annotated in one class of a technique's ancestry."""
    if not issubclass(base, Technique) or base is Technique:
        return []
    return [name for name in base.__annotations__ if name in base.model_fields]


def widgets(kind: type[Technique], network: GraphModel, only: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Draw the widgets of the technique's own parameters and return their values; rarely used ones are folded away."""
    fields = own_fields(kind)
    if only is not None:
        fields = {name: fields[name] for name in only}
    values: dict[str, Any] = {}
    folded = {name: field for name, field in fields.items() if _extra(field).get("advanced")}
    for name, field in fields.items():
        if name not in folded:
            values[name] = _widget(kind, name, field, network)
    if folded:
        with st.expander(t("ui.more_settings"), icon=":material/tune:"):
            for name, field in folded.items():
                values[name] = _widget(kind, name, field, network)
    return values


def _extra(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def _bounds(field: FieldInfo) -> tuple[Any, Any]:
    low = next((rule.ge for rule in field.metadata if hasattr(rule, "ge")), None)
    high = next((rule.le for rule in field.metadata if hasattr(rule, "le")), None)
    return low, high


def _kinds(field: FieldInfo) -> tuple[type, bool]:
    """The plain type of a parameter and whether it may be left empty."""
    annotation = field.annotation
    if get_origin(annotation) in (types.UnionType, Union):
        parts = [part for part in get_args(annotation) if part is not types.NoneType]
        return parts[0], len(parts) < len(get_args(annotation))
    return annotation, False  # type: ignore[return-value]


def _widget(kind: type[Technique], name: str, field: FieldInfo, network: GraphModel) -> Any:
    key = f"{kind.slug}.{name}"
    label, help_text = field_text(kind, name, "label"), field_text(kind, name, "help")
    common = {"label": label, "help": help_text, "key": key, "persist_state": "session"}
    plain, optional = _kinds(field)
    role = _extra(field).get("widget")
    if role == "layer":
        return _layer(common, name, field, network, _none_label(kind, name) if optional else None)
    if role == "layers":
        return _layers(common, name, field, network)
    if role == "class":
        return _class(common, name, network, _none_label(kind, name))
    if role == "classes":
        return _classes(common, name, network)
    if role == "picture":
        return _picture(common, name, field)
    if get_origin(plain) is Literal:
        return _choice(kind, common, name, field, list(get_args(plain)))
    if plain is bool:
        link.seed(key, name, field.default)
        st.session_state[key] = _as_bool(st.session_state[key])
        return st.toggle(**common)
    if plain in (int, float):
        return _number(common, name, field, plain, optional)
    link.seed(key, name, field.default or "")
    return st.text_input(**common) or field.default


def _as_bool(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).lower() in ("true", "1", "yes")


def _number(common: dict[str, Any], name: str, field: FieldInfo, plain: type, optional: bool) -> Any:
    low, high = _bounds(field)
    key = common["key"]
    link.seed(key, name, field.default)
    st.session_state[key] = _as_number(st.session_state[key], plain, low, high, field.default)
    step = _extra(field).get("step") or (1 if plain is int else None)
    low, high = (None if bound is None else plain(bound) for bound in (low, high))
    boxed = _extra(field).get("widget") == "number" or (
        plain is int and None not in (low, high) and high - low > LONGEST_SLIDER
    )
    if optional or low is None or high is None or boxed:
        return st.number_input(
            min_value=low, max_value=high, step=step, placeholder=t("ui.automatic"), **_unset(common, optional)
        )
    if plain is float:
        step = step or (high - low) / 100
    return st.slider(min_value=low, max_value=high, step=step, **common)


def _unset(common: dict[str, Any], optional: bool) -> dict[str, Any]:
    return common | {"value": None} if optional else common


def _as_number(value: Any, plain: type, low: Any, high: Any, default: Any) -> Any:
    """A number from the link, or the default where the link holds nonsense."""
    if value in (None, "", "none"):
        return default if value != "none" else None
    try:
        number = plain(value)
    except ValueError:
        return default
    inside = (low is None or number >= low) and (high is None or number <= high)
    return number if inside else default


def _choice(kind: type[Technique], common: dict[str, Any], name: str, field: FieldInfo, options: list) -> Any:
    key = common["key"]
    link.seed(key, name, field.default)
    if st.session_state[key] not in options:
        st.session_state[key] = field.default
    show = {value: option_label(kind, name, value) for value in options}
    if sum(map(len, show.values())) <= LONGEST_SEGMENTS:
        return st.segmented_control(options=options, format_func=show.get, required=True, **common)
    return st.selectbox(options=options, format_func=show.get, **common)


def _none_label(kind: type[Technique], name: str) -> str:
    """What people read for an empty choice: the technique's own words for it, or "automatic"."""
    return option_label(kind, name, NONE) if has_text(f"{namespace(kind)}.options.{name}.{NONE}") else t("ui.automatic")


def layer_options(field: FieldInfo, network: GraphModel) -> list[str]:
    """The names of the layers that a parameter may name."""
    kinds = _extra(field).get("kinds")
    if kinds == ["map"]:
        return list(map_layers(network))
    layers = network.layers()
    return [layer.name for layer in layers if kinds is None or layer.kind in kinds] or [layer.name for layer in layers]


def _layer(common: dict[str, Any], name: str, field: FieldInfo, network: GraphModel, none: str | None) -> str | None:
    options = [AUTOMATIC] * (none is not None) + layer_options(field, network)
    key = common["key"]
    link.seed(key, name, field.default or AUTOMATIC)
    if st.session_state[key] not in options:
        st.session_state[key] = options[0]
    shown = {layer.name: f"{layer.name}  ({'×'.join(map(str, layer.shape))})" for layer in network.layers()}
    shown[AUTOMATIC] = none or ""
    return st.selectbox(options=options, format_func=shown.get, **common) or None


def _layers(common: dict[str, Any], name: str, field: FieldInfo, network: GraphModel) -> tuple[str, ...]:
    options = layer_options(field, network)
    key = common["key"]
    link.seed(key, name, list(field.default or ()))
    chosen = st.session_state[key]
    chosen = chosen.split(",") if isinstance(chosen, str) else list(chosen)
    st.session_state[key] = [layer for layer in chosen if layer in options]
    return tuple(st.multiselect(options=options, placeholder=t("ui.automatic"), **common))


def _class(common: dict[str, Any], name: str, network: GraphModel, none: str) -> int | None:
    names = {str(index): name for index, name in enumerate(network.class_names_in(language()))}
    key = common["key"]
    link.seed(key, name, AUTOMATIC)
    if str(st.session_state[key]) not in names:
        st.session_state[key] = AUTOMATIC
    shown = {AUTOMATIC: none, **names}
    chosen = st.selectbox(options=list(shown), format_func=shown.get, **common)
    return int(chosen) if chosen else None


def _classes(common: dict[str, Any], name: str, network: GraphModel) -> tuple[int, ...]:
    names = {str(index): name for index, name in enumerate(network.class_names_in(language()))}
    key = common["key"]
    link.seed(key, name, [])
    chosen = st.session_state[key]
    chosen = chosen.split(",") if isinstance(chosen, str) else list(chosen)
    st.session_state[key] = [index for index in chosen if index in names]
    return tuple(map(int, st.multiselect(options=list(names), format_func=names.get, placeholder="", **common)))


def _picture(common: dict[str, Any], name: str, field: FieldInfo) -> str:
    link.seed(common["key"], name, field.default)
    return picture_box(**common)
