"""Trust: which explanations deserve belief on this network."""

import streamlit as st

from pages.ui.beside import pick_second
from pages.ui.dataset_box import dataset_box, fetch
from pages.ui.room import Room
from pages.ui.trust_views import VIEWS
from viz_core.explain.trust import Trust

ACTING = {
    "randomise": ("seed",),
    "deletion": ("steps", "seed"),
    "many": ("pictures", "steps", "seed"),
    "planted": ("training_steps", "seed"),
    "agreement": (),
}

room = Room(Trust)
check = room.controls(only=("check",)).check
if check == "many":
    with room.settings:
        room.values["dataset"] = dataset_box(Trust)
        room.guarded(lambda: fetch(room.values["dataset"]))
technique = room.controls(only=ACTING[check])
room.settings.caption(room.t(f"page.about_{check}"))
second = None if check == "planted" else pick_second(room)
result = room.run(technique)
if result is not None:
    with room.stage:
        room.say_rules_agree()
        VIEWS[check](room, result, "")
    if second is not None:
        other = room.run_beside(second.technique(room, technique, result), technique)
        if other is not None:
            with room.stage:
                st.divider()
                st.subheader(second.name(room), anchor=False)
                VIEWS[check](room, other, ".second")
room.downloads(result)
room.explain()
