"""Checking a data set: near-duplicates, outliers, suspected labels, and pictures between two classes."""

import streamlit as st

from pages.ui.dataset_box import UPLOADED, dataset_box, fetch
from pages.ui.map_view import picture_wall, pictures_of
from pages.ui.room import Room
from viz_core.embed.audit import FOUND, Audit
from viz_core.errors import ConvscopeError
from viz_core.images.datasets import keep_subset, label_title, open_dataset, picture_title
from viz_core.technique import Result


def told(result: Result, kind: str, row: dict) -> list[tuple[int, str]]:
    """The pictures of one finding with their captions."""
    if kind == "duplicates":
        ref = result.recipe.parameters["dataset"]
        titles = open_dataset(ref).titles
        first, second = (picture_title(titles[row[name]], ref, room.lang) for name in ("picture", "other"))
        return [(row["picture"], f"{row['likeness']:.3f} {first}"), (row["other"], second)]
    names = {name: label_title(row[name], room.lang) for name in ("label", "suggested", "rival")}
    title = picture_title(row["title"], result.recipe.parameters["dataset"], room.lang)
    values = {
        **row,
        **names,
        "title": title,
        "remoteness": f"{row['remoteness']:.1f}",
        "vote": f"{row['vote'] or 0:.0%}",
    }
    if kind == "boundary":
        values["other"] = names["rival"] if row["label"] == row["suggested"] else names["suggested"]
    return [(row["picture"], room.t(f"page.caption.{kind}", **values))]


def findings(result: Result, kind: str) -> None:
    """One kind of finding: what it means, the pictures, and the set without them."""
    rows = result.tables[kind]
    st.caption(room.t(f"page.help.{kind}"))
    if not rows:
        st.info(room.t("page.none"), icon=":material/check_circle:")
        return
    served = pictures_of(result)
    place = {int(member): at for at, member in enumerate(result.arrays["pictures"])}
    shown = [part for row in rows for part in told(result, kind, row)]
    picture_wall(served, result.recipe.digest, [(place[member], member, words) for member, words in shown])
    drop = {row["other" if kind == "duplicates" else "picture"] for row in rows}
    st.button(
        room.t("page.without", count=len(drop)),
        key=f"without.{kind}",
        icon=":material/playlist_remove:",
        on_click=save_without,
        args=(result, drop),
    )


def save_without(result: Result, drop: set[int]) -> None:
    """Keep the set without some pictures as a data set that can be chosen in the other rooms."""
    ref = result.recipe.parameters["dataset"]
    left = [int(member) for member in result.arrays["pictures"] if int(member) not in drop]
    try:
        kept = keep_subset(ref, open_dataset(ref), left)
    except ConvscopeError as problem:
        st.session_state["audit.problem"] = problem
        return
    st.session_state.setdefault(UPLOADED, {})[kept] = room.t("page.cleaned", count=len(left))
    st.session_state["audit.saved"] = True


room = Room(Audit)
with room.settings:
    room.values["dataset"] = dataset = dataset_box(Audit)
    room.guarded(lambda: fetch(dataset))
fixed = {"image": Audit.model_fields["image"].default}
technique = room.controls(only=("layer", "k", "alike", "count", "size", "flat"), **fixed)
result = room.run(technique)
if result is not None:
    with room.stage:
        st.caption(room.t("page.facts", **{name: result.scores[name] for name in ("points", "layer", "skipped")}))
        if not result.scores["labelled"]:
            st.info(room.t("page.no_labels"), icon=":material/label_off:")
        problem = st.session_state.pop("audit.problem", None)
        if problem is not None:
            st.error(problem.sentence(room.lang), icon=":material/error:")
        elif st.session_state.pop("audit.saved", False):
            st.success(room.t("page.saved"), icon=":material/check:")
        names = [f"{room.t(f'page.kinds.{kind}')} ({result.scores[kind]})" for kind in FOUND]
        for tab, kind in zip(st.tabs(names), FOUND, strict=True):
            with tab:
                findings(result, kind)
        table = result.files["audit.csv"]
        st.download_button(room.t("page.csv"), table, file_name="convscope-audit.csv", on_click="ignore")
room.downloads(result)
room.explain()
