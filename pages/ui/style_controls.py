"""What the rooms about textures and styles share: pictures of their own, masks, and a slider for each layer."""

from collections.abc import Mapping, Sequence

import streamlit as st

from pages.ui import link
from pages.ui.brush import brush
from pages.ui.controls import field_text
from pages.ui.language import t
from pages.ui.pictures import UPLOADS, picture_name, sample_thumbnails, thumbnail
from pages.ui.room import Room
from viz_core.generate.matching import MEGABYTE
from viz_core.generate.region import Stroke, strokes_mask
from viz_core.generate.style import Style
from viz_core.generate.texture import Texture
from viz_core.generate.tug_of_war import Colour
from viz_core.images.intake import Picture
from viz_core.images.refs import keep_upload, open_image
from viz_core.images.render import encode_jpeg, fit

NONE = ""
MASK_SIDE = 360
THUMBNAIL_WIDTH = 56  # pixels
MOST_STROKES = 200
QUALITY = 88
MOST_WEIGHT = 2.0  # of a layer


def own_picture(room: Room, name: str, default: str, label: str, help: str) -> None:
    """Choose the picture of a parameter in the room itself; it is shown below."""
    key = f"{room.kind.slug}.{name}"
    link.seed(key, name, default)
    options = [*sample_thumbnails(), *st.session_state.get(UPLOADS, {})]
    if st.session_state[key] not in options:
        st.session_state[key] = default
    ref = st.session_state[key]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.image(thumbnail(ref), width=THUMBNAIL_WIDTH, alt=picture_name(ref))
        st.selectbox(label, options, format_func=picture_name, help=help, key=key, persist_state="session")
    room.values[name] = ref


def layer_sliders(room: Room, layers: Sequence[str], title: str) -> None:
    """A slider for the weight of each layer; untouched they all count the same."""
    keys = {f"{room.kind.slug}.weight.{layer}": layer for layer in layers}
    link.seed_each(list(keys), "layer_weights", 1.0, MOST_WEIGHT)
    with st.expander(title, icon=":material/equalizer:"):
        weights = tuple(
            st.slider(layer, 0.0, MOST_WEIGHT, step=0.1, key=key, persist_state="session")
            for key, layer in keys.items()
        )
    room.values["layer_weights"] = () if len(set(weights)) == 1 else weights


def several_pictures(room: Room, name: str, most: int) -> None:
    """Choose a few pictures for a parameter, or none."""
    key = f"{room.kind.slug}.{name}"
    link.seed(key, name, [])
    options = [*sample_thumbnails(), *st.session_state.get(UPLOADS, {})]
    chosen = st.session_state[key]
    chosen = chosen.split(",") if isinstance(chosen, str) else chosen
    st.session_state[key] = [ref for ref in chosen if ref in options][:most]
    room.values[name] = tuple(
        st.multiselect(
            field_text(room.kind, name, "label"),
            options,
            format_func=picture_name,
            help=field_text(room.kind, name, "help"),
            max_selections=most,
            placeholder=room.t("page.none"),
            key=key,
            persist_state="session",
        )
    )


def manner_sliders(room: Room, manners: Sequence[str], title: str) -> None:
    """A slider for the share of each manner; untouched they all count the same."""
    keys = {f"{room.kind.slug}.share.{ref}": ref for ref in manners}
    link.seed_each(list(keys), "shares", 0.5, 1.0)
    st.markdown(f"**{title}**")
    shares = tuple(
        st.slider(picture_name(ref), 0.0, 1.0, step=0.05, key=key, persist_state="session") for key, ref in keys.items()
    )
    room.values["shares"] = () if len(set(shares)) == 1 or len(shares) < len(manners) else shares


def optional_picture(room: Room, name: str, none: str) -> None:
    """Choose a picture for a parameter, or none."""
    key = f"{room.kind.slug}.{name}"
    link.seed(key, name, NONE)
    options = [NONE, *sample_thumbnails(), *st.session_state.get(UPLOADS, {})]
    if st.session_state[key] not in options:
        st.session_state[key] = NONE
    chosen = st.selectbox(
        field_text(room.kind, name, "label"),
        options,
        format_func=lambda ref: picture_name(ref) if ref else none,
        help=field_text(room.kind, name, "help"),
        key=key,
        persist_state="session",
    )
    room.values[name] = chosen or None


def painted_mask(room: Room, name: str, title: str, help: str) -> None:
    """Paint the mask of a parameter over the picture with a brush; it counts where no picture is chosen as the mask."""
    key = f"{room.kind.slug}.{name}.strokes"
    small = fit(open_image(room.choice.image).pixels, MASK_SIDE)
    by_picture: dict[str, list[Stroke]] = st.session_state.setdefault(key, {})
    strokes = by_picture.setdefault(room.choice.image, [])

    def take(stroke: Stroke | None) -> None:
        if stroke is None:
            strokes.clear()
        elif len(strokes) < MOST_STROKES:
            strokes.append(stroke)

    with st.expander(title, icon=":material/brush:", expanded=bool(strokes)):
        st.caption(help)
        texts = {part: t(f"brush.{part}") for part in ("size", "erase", "clear")} | {"alt": title}
        brush(encode_jpeg(small, QUALITY), f"{key}.canvas", strokes, texts=texts, on_stroke=take)
    if strokes and room.values.get(name) is None:
        room.values[name] = keep_upload(Picture(strokes_mask(small.shape[:2], strokes)))


def memory_note(room: Room, technique: Style | Texture, side: str) -> None:
    """What a run needs, and the largest value of the parameter `side` there is memory for, before anything runs."""
    needed, most = room.guarded(lambda: (technique.memory(), technique.largest_size()))
    longest = next(rule.le for rule in room.kind.model_fields[side].metadata if hasattr(rule, "le"))
    note = t("style.page.memory", megabytes=max(1, needed // MEGABYTE))
    st.caption(note if most is None else f"{note} {t('style.page.largest', size=min(most, longest))}")


def part_legend(colours: Mapping[str, Colour], names: Mapping[str, str]) -> None:
    """Which colour stands for which part of an objective."""
    swatch = "<span style='background:rgb{};display:inline-block;width:.8em;height:.8em;border-radius:2px'></span>"
    words = "&ensp;".join(f"{swatch.format(colours[part])}&nbsp;{name}" for part, name in names.items())
    st.html(f"<div style='font-size:.875rem'>{words}</div>")
