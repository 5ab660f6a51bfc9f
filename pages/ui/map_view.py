"""What the rooms with maps share: the points of a result, their colours, and the gallery of those chosen."""

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from pages.ui.dataset_box import UPLOADED
from pages.ui.embedded import address
from pages.ui.language import language, t
from pages.ui.room import Room
from pages.ui.scatter import Colours, Points, by_name, by_value
from pages.ui.served import Served, addresses, serve
from viz_core.embed.labels import correct
from viz_core.errors import ConvscopeError
from viz_core.images.datasets import keep_subset, label_title, open_dataset, picture_title
from viz_core.images.render import encode_jpeg
from viz_core.technique import Result
from viz_core.texts import text

MOST_SHOWN = 60
LIST = ("picture", "title", "label", "prediction", "confidence")


def frame_of(room: Room, result: Result) -> pd.DataFrame:
    """One row for each point: picture, title, label, and the network's first choice with its probability."""
    rows, classes = result.tables["points"], result.arrays["classes"].tolist()
    labels = {label: label_title(label, room.lang) if label else "–" for label in {row["label"] for row in rows}}
    names = {index: room.network.class_name(index, room.lang) for index in set(classes)}
    return pd.DataFrame(
        {
            "picture": [row["picture"] for row in rows],
            "title": [picture_title(row["title"], result.recipe.parameters["dataset"], language()) for row in rows],
            "label": [labels[row["label"]] for row in rows],
            "prediction": [names[index] for index in classes],
            "confidence": result.arrays["confidence"],
        }
    )


def points_of(result: Result, frame: pd.DataFrame) -> Points:
    """The points of a map as it is drawn."""
    lang = language()
    notes = [
        text("scatter.sees", lang, name=name, share=f"{share:.0%}")
        for name, share in zip(frame["prediction"], frame["confidence"], strict=True)
    ]
    return Points(
        result.recipe.digest,
        result.arrays["pictures"],
        frame["label"].tolist(),
        frame["title"].tolist(),
        result.arrays["neighbours"],
        notes,
    )


def pictures_of(result: Result) -> Served:
    """The pictures of a map, at hand for the browser."""
    dataset = result.recipe.parameters["dataset"]
    return serve(result.recipe.digest, lambda: open_dataset(dataset), result.arrays["looks"])


def is_right(room: Room, result: Result) -> np.ndarray | None:
    """Whether the network is right about each picture, where labels are names of its classes."""
    labels = [row["label"] or "" for row in result.tables["points"]]
    return correct(labels, result.arrays["classes"], room.network.class_names)


def colouring(room: Room, result: Result, frame: pd.DataFrame) -> Colours:
    """The control that says what the colours mean, and the colours."""
    right = is_right(room, result)
    options = ["label", "prediction", *(["right"] if right is not None else []), "kept", "unit"]
    options = [name for name in options if name != "kept" or "kept" in result.arrays]
    chosen = st.segmented_control(
        t("scatter.colour"),
        options,
        default="label",
        format_func=lambda name: t(f"scatter.colours.{name}"),
        key=f"{room.kind.slug}.colour",
        required=True,
    )
    if chosen == "kept":
        return by_value(result.arrays["kept"], t("scatter.none_kept"), t("scatter.all_kept"))
    if chosen == "right" and right is not None:
        codes, names = (~right).astype(int), [t("scatter.is_right"), t("scatter.is_wrong")]
        return Colours(codes, ["#2a9d6f", "#d6453d"], {"names": names})
    if chosen == "unit":
        last = result.arrays["vectors"].shape[1] - 1
        unit = st.number_input(t("scatter.unit"), 0, last, 0, key=f"{room.kind.slug}.unit", width=160)
        return by_value(
            result.arrays["vectors"][:, int(unit)].astype(np.float32), t("scatter.weak"), t("scatter.strong")
        )
    return by_name(frame[chosen])


def picture_wall(served: Served, name: str, rows: Sequence[tuple[int, int, str]]) -> None:
    """Pictures side by side, each (point, member of the set, caption); a browser fetches them as it shows them."""
    _, sharp = addresses(name, served) if rows else ([], "")
    figures = []
    for point, member, caption in rows:
        source = f"{sharp}{member}" if sharp else _inside(served.looks[point])
        words = html.escape(caption, quote=True)
        figures.append(
            f'<figure><img src="{source}" alt="{words}" loading="lazy"><figcaption>{words}</figcaption></figure>'
        )
    st.html(
        "<style>.wall{display:grid;grid-template-columns:repeat(auto-fill,minmax(84px,1fr));gap:8px}"
        ".wall figure{margin:0}.wall img{width:100%;aspect-ratio:1;border-radius:6px;display:block}"
        ".wall img{border:1px solid rgba(128,128,128,.35)}"
        ".wall figcaption{font-size:.78rem;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;opacity:.85}</style>"
        f'<div class="wall">{"".join(figures)}</div>'
    )


def _inside(pixels: np.ndarray) -> str:
    return address(encode_jpeg(pixels, 82))


def chosen_gallery(result: Result, frame: pd.DataFrame, chosen: Sequence[int], served: Served) -> None:
    """The pictures chosen on a map: to look at, as a list, and as a set of their own for the other rooms."""
    part = frame.iloc[list(chosen)]
    st.markdown(f"**{t('scatter.gallery', count=len(part))}**")
    shown = part.head(MOST_SHOWN)
    captions = zip(shown.index, shown["picture"], shown["label"], strict=True)
    picture_wall(served, result.recipe.digest, [(int(at), int(member), label) for at, member, label in captions])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        table = part[list(LIST)].to_csv(index=False)
        st.download_button(t("scatter.csv"), table, file_name="convscope-chosen.csv", on_click="ignore")
        st.text_input(
            t("scatter.subset_name"), t("scatter.subset_default", count=len(part)), key="subset.name", width=240
        )
        indices = part["picture"].tolist()
        st.button(
            t("scatter.save_subset"),
            icon=":material/bookmark_add:",
            on_click=_save_subset,
            args=(result.recipe.parameters["dataset"], indices),
        )
    problem = st.session_state.pop("subset.problem", None)
    if problem is not None:
        st.error(problem.sentence(language()), icon=":material/error:")
    elif st.session_state.pop("subset.saved", False):
        st.success(t("scatter.subset_saved"), icon=":material/check:")


def _save_subset(ref: str, indices: list[int]) -> None:
    try:
        kept = keep_subset(ref, open_dataset(ref), indices)
    except ConvscopeError as problem:
        st.session_state["subset.problem"] = problem
        return
    st.session_state.setdefault(UPLOADED, {})[kept] = st.session_state["subset.name"] or kept
    st.session_state["subset.saved"] = True
