"""Choosing a picture: samples as thumbnails, an upload, or the camera."""

import contextlib
from typing import Any

import streamlit as st

from pages.ui.language import language, t
from pages.ui.thumbnails import thumbnails
from viz_core.errors import ConvscopeError
from viz_core.export import recipe_of
from viz_core.images import samples
from viz_core.images.intake import load_image
from viz_core.images.refs import keep_upload, open_image
from viz_core.images.render import encode_jpeg, resize
from viz_core.texts import text

THUMBNAIL = 72
UPLOADS = "pictures.uploads"
RECIPE = "pictures.recipe"  # of the newest upload, if Convscope made it
UPLOAD_MB = 30


@st.cache_data(show_spinner=False)
def sample_thumbnails() -> dict[str, bytes]:
    """Every sample picture by reference, as a small JPEG."""
    return {f"sample:{name}": thumbnail(f"sample:{name}") for name in samples.names()}


def thumbnail(ref: str) -> bytes:
    """A picture as a small JPEG."""
    pixels = open_image(ref).pixels
    height, width = pixels.shape[:2]
    scale = THUMBNAIL / min(height, width)
    return encode_jpeg(resize(pixels, (max(1, round(height * scale)), max(1, round(width * scale)))), 80)


def picture_name(ref: str) -> str:
    """What people call a picture."""
    if ref.startswith("sample:"):
        return text(f"samples.{ref.removeprefix('sample:')}", language())
    return st.session_state.get(UPLOADS, {}).get(ref, t("ui.uploaded_picture"))


def _known() -> dict[str, bytes]:
    """Samples and this session's uploads that the server still holds."""
    known = dict(sample_thumbnails())
    for ref in st.session_state.get(UPLOADS, {}):
        try:
            known[ref] = thumbnail(ref)
        except ConvscopeError:
            continue
    return known


def _is_open(ref: str) -> bool:
    try:
        open_image(ref)
    except ConvscopeError:
        return False
    return True


def picture_box(*, label: str, help: str, key: str, persist_state: Any) -> str:
    """A select box of the known pictures with their thumbnails below; returns the chosen reference."""
    known = _known()
    chosen = st.session_state[key]
    if chosen not in known:
        if chosen.startswith("upload:") and _is_open(chosen):
            st.session_state.setdefault(UPLOADS, {})[chosen] = t("ui.uploaded_picture")
            known[chosen] = thumbnail(chosen)
        else:
            if chosen.startswith("upload:"):
                st.info(t("ui.upload_gone"))
            st.session_state[key] = next(iter(known))
    names = {ref: picture_name(ref) for ref in known}
    st.selectbox(label, list(names), format_func=names.get, key=key, help=help, persist_state=persist_state)
    thumbnails(known, list(names.values()), st.session_state[key], key, label)
    return st.session_state[key]


def upload_box(state_key: str) -> None:
    """Upload or photograph a picture; the newest becomes the chosen one."""
    upload, camera = st.tabs([t("ui.upload"), t("ui.camera")], on_change="rerun", key="pictures.source")
    with upload:
        st.file_uploader(
            t("ui.upload_label"),
            type=None,
            key="pictures.file",
            max_upload_size=UPLOAD_MB,
            help=t("ui.upload_privacy"),
            on_change=_take,
            args=("pictures.file", state_key),
        )
    if camera.open:
        with camera:
            st.camera_input(
                t("ui.camera_label"), key="pictures.camera", on_change=_take, args=("pictures.camera", state_key)
            )
    problem = st.session_state.get("pictures.problem")
    if problem is not None:
        st.error(problem.sentence(language()), icon=":material/error:")


def _take(source: str, state_key: str) -> None:
    """Take an arriving file in; a bad one leaves everything as it was and its sentence on the page."""
    st.session_state["pictures.problem"] = None
    st.session_state[RECIPE] = None
    file = st.session_state.get(source)
    if file is None:
        return
    with contextlib.suppress(ConvscopeError):
        st.session_state[RECIPE] = recipe_of(file.getvalue())
    try:
        ref = keep_upload(load_image(file.getvalue()))
    except ConvscopeError as problem:
        st.session_state["pictures.problem"] = problem
        return
    name = file.name if source == "pictures.file" else t("ui.camera_picture")
    st.session_state.setdefault(UPLOADS, {})[ref] = name
    st.session_state[state_key] = ref
