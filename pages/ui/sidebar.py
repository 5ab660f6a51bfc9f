"""What every page shares: network, picture, class and language, chosen in the sidebar."""

import dataclasses
from collections.abc import Iterable
from functools import lru_cache

import streamlit as st

from pages.ui import link
from pages.ui.language import language, language_picker, t
from pages.ui.native_words import native_words
from pages.ui.own_network import brought, own_network_box
from pages.ui.phone_menu import phone_menu
from pages.ui.pictures import picture_box, upload_box
from viz_core import models
from viz_core.errors import ConvscopeError
from viz_core.images.refs import FIRST_PICTURE
from viz_core.models import zoo
from viz_core.models.device import device_title
from viz_core.models.graph import GraphModel
from viz_core.models.kept import may_be_named
from viz_core.models.load import BUNDLED, RANDOM
from viz_core.texts import has_text, text

OWN_CHOICE = -1
DEFAULTS = {"model": "bundled", "image": FIRST_PICTURE, "target": OWN_CHOICE}


@dataclasses.dataclass(frozen=True)
class Choice:
    """The network, picture and class that all pages work on."""

    model: str
    image: str
    target: int | None

    def parameters(self) -> dict[str, str]:
        """The choices that differ from their defaults, for the link."""
        given = {"model": self.model, "image": self.image, "target": OWN_CHOICE if self.target is None else self.target}
        changed = {name: str(value) for name, value in given.items() if value != DEFAULTS[name]}
        return changed | {"lang": language()}


def model_label(name: str) -> str:
    """What people read for a network."""
    return model_labels([name])[name]


def model_labels(names: Iterable[str]) -> dict[str, str]:
    """What people read for networks, by name."""
    lang = language()
    return {name: _label(name, zoo.is_cached(name), lang) or brought(name) or name.rpartition("/")[2] for name in names}


@lru_cache(maxsize=1024)
def _label(name: str, cached: bool, lang: str) -> str:
    """The label of a network that ships or is torchvision's, else none; a list of all is drawn in every run of a page."""
    if has_text(f"ui.networks.{name}", lang):
        return text(f"ui.networks.{name}", lang)
    entry = zoo.find(name.removeprefix(RANDOM))
    if entry is None:
        return ""
    title = f"{entry.title} ({entry.year})"
    if name.startswith(RANDOM):
        return text("ui.random_network", lang, name=title)
    return title if cached else text("ui.to_download", lang, name=title, megabytes=round(entry.megabytes))


def model_options() -> list[str]:
    """The bundled networks, then torchvision's, then one named by the link."""
    options = [*BUNDLED, *(entry.name for entry in zoo.entries())]
    named = st.session_state["model"]
    return options if named in options else [*options, named]


def sidebar() -> Choice:
    """Draw the sidebar and return what is chosen."""
    for name, default in DEFAULTS.items():
        link.seed(name, name, default)
    with st.sidebar:
        network = _network()
        st.divider()
        picture_box(label=t("ui.picture"), help=t("ui.picture_help"), key="image", persist_state="session")
        upload_box("image")
        st.divider()
        target = _target(network)
        st.divider()
        language_picker()
        native_words()
        phone_menu()
    return Choice(network.name, st.session_state["image"], target)


def _network() -> GraphModel:
    labels = model_labels(model_options())
    st.selectbox(
        t("ui.network"),
        list(labels),
        format_func=labels.get,
        key="model",
        help=t("ui.network_help"),
        persist_state="session",
    )
    own_network_box("model")
    name = st.session_state["model"]
    try:
        if not may_be_named(name):
            raise ConvscopeError("own_network.not_from_link")
        network = load_with_progress(name)
    except ConvscopeError as problem:
        st.error(problem.sentence(language()), icon=":material/cloud_off:")
        st.caption(t("ui.bundled_instead"))
        network = models.load(DEFAULTS["model"])
    size = network.input_size
    millions = sum(layer.parameters for layer in network.layers()) / 1e6
    facts = {"size": size, "classes": len(network.class_names), "millions": f"{millions:.1f}"}
    st.caption(t("ui.network_facts", device=device_title(network.device), **facts))
    return network


def load_with_progress(name: str) -> GraphModel:
    """The network, with a bar while its weights download."""
    if zoo.find(name) is not None and not zoo.is_cached(name):
        bar = st.progress(0.0, text=t("ui.downloading", name=model_label(name)))
        try:
            zoo.download(name, lambda done, total: bar.progress(min(1.0, done / max(1, total or 1))))
        finally:
            bar.empty()
    return models.load(name)


def _target(network: GraphModel) -> int | None:
    labels = {OWN_CHOICE: t("ui.own_choice"), **dict(enumerate(network.class_names_in(language())))}
    try:
        st.session_state["target"] = int(st.session_state["target"])
    except ValueError:
        st.session_state["target"] = OWN_CHOICE
    if st.session_state["target"] not in labels:
        st.session_state["target"] = OWN_CHOICE
    chosen = st.selectbox(
        t("ui.target"),
        list(labels),
        format_func=labels.get,
        key="target",
        help=t("ui.target_help"),
        persist_state="session",
    )
    return None if chosen == OWN_CHOICE else chosen
