"""New pictures on a finished map: the sidebar's and those uploaded for it, each among the pictures nearest to it."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.ui.pictures import picture_name
from pages.ui.room import Room
from pages.ui.scatter import Dropped, Frame
from viz_core.embed.landing import land
from viz_core.errors import ConvscopeError
from viz_core.images.intake import Picture, load_image
from viz_core.images.picture_set import square
from viz_core.images.refs import open_image
from viz_core.images.render import encode_jpeg
from viz_core.technique import Result

SIDE = 72  # of the picture on the map, pixels

New = tuple[str, str, Callable[[], Picture]]  # what tells a picture from others, its name, and what opens it


def new_pictures(room: Room, files: Sequence[UploadedFile]) -> list[New]:
    """The sidebar's picture and the uploaded ones."""
    ref = room.choice.image
    uploaded = [(file.file_id, file.name, partial(load_image, file.getvalue())) for file in files]
    return [(ref, picture_name(ref), partial(open_image, ref)), *uploaded]


def dropped(room: Room, result: Result, pictures: Sequence[New], frame: Frame) -> list[Dropped]:
    """Where pictures land on a map; each is described once, and one that cannot be read gets its sentence."""
    kept = st.session_state.setdefault("map.landed", {})
    found = []
    for source, name, opened in pictures:
        key = (result.recipe.digest, source)
        try:
            if key not in kept:
                kept[key] = _landing(room, result, name, opened(), frame)
        except ConvscopeError as problem:
            st.error(f"{name}: {problem.sentence(room.lang)}", icon=":material/error:")
            continue
        found.append(kept[key])
    return found


def _landing(room: Room, result: Result, name: str, picture: Picture, frame: Frame) -> Dropped:
    how = result.scores["layer"], result.scores["size"], result.recipe.parameters["flat"]
    places = land(room.network, *how, picture.pixels, result.arrays["vectors"], [frame.places])
    return Dropped(encode_jpeg(square(picture.pixels, SIDE), 85), places, name)
