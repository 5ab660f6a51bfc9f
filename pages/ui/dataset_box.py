"""Choosing a set of pictures: the built-in one, torchvision's, a folder of the server, or an uploaded zip."""

import os
from pathlib import Path

import streamlit as st

from pages.ui import link
from pages.ui.controls import field_text
from pages.ui.language import language, t
from viz_core.errors import ConvscopeError
from viz_core.images.datasets import FOLDER, TORCHVISION, download, is_here, keep_zip, names, open_dataset
from viz_core.technique import Technique
from viz_core.texts import has_text, text

UPLOADED = "datasets.uploaded"
ZIP_MB = 200


def dataset_box(kind: type[Technique], name: str = "dataset") -> str:
    """A picker for a parameter that names a set of pictures, and an upload for another one; returns the reference."""
    key, default = f"{kind.slug}.{name}", kind.model_fields[name].default
    link.seed(key, name, default)
    labels = {ref: dataset_name(ref) for ref in (*names(), *server_folders(), *st.session_state.get(UPLOADED, {}))}
    if st.session_state[key] not in labels:
        st.session_state[key] = default
    st.selectbox(
        field_text(kind, name, "label"),
        list(labels),
        format_func=labels.get,
        help=field_text(kind, name, "help"),
        key=key,
        persist_state="session",
    )
    with st.popover(t("datasets.upload"), icon=":material/folder_zip:"):
        st.file_uploader(
            t("datasets.upload_label"),
            type="zip",
            key=f"{key}.zip",
            max_upload_size=ZIP_MB,
            help=t("datasets.upload_help"),
            on_change=_take,
            args=(key,),
        )
    problem = st.session_state.get(f"{key}.problem")
    if problem is not None:
        st.error(problem.sentence(language()), icon=":material/error:")
    return st.session_state[key]


def fetch(ref: str) -> None:
    """Download one of torchvision's sets, if it is not here, with a bar; raises ConvscopeError where that fails."""
    name = ref.removeprefix(TORCHVISION)
    if ref == name or is_here(name):
        return
    bar = st.progress(0.0, text=t("datasets.downloading", name=dataset_name(ref)))
    for done, total in download(name):
        bar.progress(min(1.0, done / max(1, total)), text=t("datasets.downloading", name=dataset_name(ref)))
    bar.empty()


def server_folders() -> list[str]:
    """References of the folders that whoever runs the server offers: CONVSCOPE_FOLDERS, paths with `:` between them."""
    return [FOLDER + path for path in os.environ.get("CONVSCOPE_FOLDERS", "").split(os.pathsep) if path]


def dataset_name(ref: str) -> str:
    """What people call a set of pictures."""
    key = f"datasets.names.{ref.removeprefix(TORCHVISION)}"
    if has_text(key):
        return text(key, language())
    if ref.startswith(FOLDER):
        return Path(ref.removeprefix(FOLDER)).name
    return st.session_state.get(UPLOADED, {}).get(ref, ref)


def _take(key: str) -> None:
    """Take an arriving zip in; a bad one leaves everything as it was and its sentence on the page."""
    st.session_state[f"{key}.problem"] = None
    file = st.session_state.get(f"{key}.zip")
    if file is None:
        return
    try:
        ref = keep_zip(file.getvalue(), file.name)
    except ConvscopeError as problem:
        st.session_state[f"{key}.problem"] = problem
        return
    count = len(open_dataset(ref))
    st.session_state.setdefault(UPLOADED, {})[ref] = t("datasets.uploaded", name=file.name, count=count)
    st.session_state[key] = ref
