"""People against the network: play a round alone, or open a room for a class."""

import streamlit as st

from pages.ui.contest import class_results, classroom, invitation, outcome, play
from pages.ui.dataset_box import dataset_box
from pages.ui.room import Room
from viz_core.learn.you_vs_net import YouVsNet
from viz_core.recipe import parse

PLAYED = "you-vs-net.played"

room = Room(YouVsNet)
code = st.query_params.get("room")
if code:
    kept = room.guarded(lambda: parse(classroom().recipe(code)))
    technique = room.guarded(lambda: YouVsNet(**kept.parameters))
else:
    with room.settings:
        dataset = dataset_box(YouVsNet)
    technique = room.controls(only=("questions", "choices", "detail", "seed"), dataset=dataset)
result = room.run(technique)
if result is not None:
    questions = result.tables["questions"]
    digest = result.recipe.digest
    with room.stage:
        if code:
            token = room.guarded(lambda: st.session_state.setdefault(f"room.{code}", classroom().join(code)))
            answers = room.guarded(lambda: classroom().answers_of(token))

            def take(question: int, choice: str) -> None:
                classroom().answer(token, question, choice)
        else:
            answers = st.session_state.setdefault(PLAYED, {}).setdefault(digest, {})

            def take(question: int, choice: str) -> None:
                answers.setdefault(question, choice)

        if len(answers) < len(questions):
            play(room, result, answers, take)
        else:
            outcome(room, result, answers)
        if code:
            class_results(room, result, code)
        elif len(answers) == len(questions):
            st.button(
                room.t("page.again"), icon=":material/replay:", on_click=st.session_state[PLAYED].pop, args=(digest,)
            )
    with room.settings:
        invitation(room, result, code)
room.downloads(result)
room.explain()
