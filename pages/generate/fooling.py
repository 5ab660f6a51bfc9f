"""Fooling: change a picture until the network sees something else."""

import streamlit as st

from pages.ui.charts import curve
from pages.ui.fooling_views import epsilon_line, other_networks, why, withstood
from pages.ui.presets import preset_picker
from pages.ui.room import Room
from viz_core.generate.fooling import CROPS, PRESETS, Fooling
from viz_core.technique import Result

FIELDS = {
    "gradient": ("aim", "start", "step", "confidence", "steps"),
    "fgsm": ("aim", "epsilon"),
    "pgd": ("aim", "norm", "epsilon", "steps"),
    "deepfool": ("steps",),
    "pixel": ("aim", "steps"),
    "hog": ("other", "steps"),
    "strength": (),
}


def controls() -> Fooling:
    """The widgets of the attack chosen."""
    preset_picker(room, PRESETS)
    chosen = room.controls(only=("attack",))
    return room.controls(only=(*FIELDS[chosen.attack], "size", "seed"))


def name(index: int) -> str:
    """What people call a class."""
    return room.network.class_name(index, room.lang)


def verdict(result: Result) -> None:
    """Whether the network was fooled, before and after, the difference, and how large it is."""
    scores = result.scores
    if scores["fooled"] == "True":
        st.success(room.t("page.fooled", name=name(scores["sees"])), icon=":material/theater_comedy:")
    else:
        st.info(room.t("page.not_fooled", name=name(scores["sees"])), icon=":material/shield:")
    seen = {"before": ("seen", "probability_before"), "after": ("sees", "probability_after")}
    for column, picture in zip(st.columns(3), ("before", "image", "difference"), strict=True):
        key = {"image": "after"}.get(picture, picture)
        with column:
            if key in seen:
                index, share = (scores[part] for part in seen[key])
                said = room.t(f"page.{key}", name=name(index), probability=f"{share:.1%}")
            else:
                said = room.t("page.difference", times=f"{scores['amplification']:.3g}")
            room.show(result, picture, said)
    numbers = {"linf": f"{scores['linf']:.0f}", "mean": f"{scores['mean_change']:.2f}", "l2": f"{scores['l2']:.2f}"}
    st.caption(room.t("page.facts", **numbers, steps=scores["steps"]))
    if scores["larger_for_rounding"] > 1:
        st.caption(room.t("page.larger", times=f"{scores['larger_for_rounding']:.2f}"))


def climb(result: Result) -> None:
    """How the probability went, where there was more than one step."""
    if len(result.arrays["curve: probability"]) < 2:
        return
    st.markdown(f"**{room.t('page.climb')}**")
    title = room.t("page.probability_goal", name=name(result.scores["goal"]))
    chart = curve(result.arrays["curve: probability"].tolist(), room.t("page.step"), title)
    st.plotly_chart(chart, width="stretch", key="fooling.climb")


def crops(result: Result) -> None:
    """What the network says when it looks at many crops."""
    scores = result.scores
    shares = {key: f"{scores[f'crops_right_{key}']:.0%}" for key in ("before", "after")}
    st.markdown(f"**{room.t('page.crops')}**")
    vote = name(scores["crops_vote_after"])
    st.caption(room.t("page.crops_caption", count=CROPS, name=name(scores["seen"]), vote=vote, **shares))


def collision(result: Result) -> None:
    """Two pictures with nearly the same HOG features."""
    for column, picture in zip(st.columns(3), ("before", "image", "other"), strict=True):
        with column:
            room.show(result, picture, room.t(f"page.hog_{'after' if picture == 'image' else picture}"))
    distances = {key: f"{result.scores[f'hog_distance_{key}']:.0%}" for key in ("before", "after")}
    changes = {"mean": f"{result.scores['mean_change']:.1f}", "apart": f"{result.scores['picture_distance']:.1f}"}
    st.caption(room.t("page.hog_facts", **distances, **changes))


room = Room(Fooling)
technique = controls()
result = room.run(technique)
if result is not None:
    with room.stage:
        if technique.attack == "hog":
            collision(result)
        elif technique.attack == "strength":
            withstood(room, result)
        else:
            verdict(result)
            climb(result)
            epsilon_line(room, result)
            crops(result)
            other_networks(room, result)
with room.stage:
    why(room)
room.downloads(result)
room.explain()
