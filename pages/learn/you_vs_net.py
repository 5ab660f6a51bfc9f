"""People against the network: play a round alone, or open a room for a class."""

import streamlit as st

from pages.ui import link
from pages.ui.class_room import classroom, host_view, invitation, student_view, way_out
from pages.ui.contest import Player, outcome, play
from pages.ui.dataset_box import dataset_box
from pages.ui.looked_view import looked
from pages.ui.room import Room
from viz_core.learn.you_vs_net import YouVsNet
from viz_core.recipe import parse

PLAYED = "you-vs-net.played"
PAINTED = "you-vs-net.painted"
OWN = ("questions", "choices", "detail", "answering", "seconds", "paint", "seed")


def in_class(code: str) -> Player:
    """This person in the class's room: what they did is in the room's file, and the link says who they are in it."""
    rooms = classroom()
    token = st.query_params.get("person", "")
    if not room.guarded(lambda: rooms.belongs(token, code)):
        token = room.guarded(lambda: rooms.join(code))
        link.keep("person", token)
    return Player(
        room.guarded(lambda: rooms.answers_of(token)),
        room.guarded(lambda: rooms.paintings_of(token)),
        lambda question, choice: rooms.answer(token, question, choice),
        lambda question, cells: rooms.paint(token, question, cells),
    )


def alone(digest: str) -> Player:
    """This person alone: what they did is in the session."""
    answers = st.session_state.setdefault(PLAYED, {}).setdefault(digest, {})
    paintings = st.session_state.setdefault(PAINTED, {}).setdefault(digest, {})
    return Player(answers, paintings, answers.setdefault, paintings.setdefault)


def again(digest: str) -> None:
    """Forget a round that was played alone."""
    for kept in (PLAYED, PAINTED):
        st.session_state[kept].pop(digest, None)
    for key in [key for key in st.session_state if str(key).startswith(f"began.{digest}")]:
        del st.session_state[key]


room = Room(YouVsNet)
code = st.query_params.get("room")
if code:
    kept = room.guarded(lambda: parse(classroom().recipe(code)))
    technique = room.guarded(lambda: YouVsNet(**kept.parameters))
else:
    with room.settings:
        room.values["dataset"] = dataset_box(YouVsNet)
    technique = room.controls(only=OWN)
result = room.run(technique)
finished = False
if result is not None:
    digest = result.recipe.digest
    with room.stage:
        if code:
            finished = room.guarded(lambda: classroom().is_revealed(code))
            if room.guarded(lambda: classroom().is_host(st.query_params.get("host", ""), code)):
                host_view(room, result, code)
            else:
                student_view(room, technique, result, code, in_class(code))
            way_out(room, code)
        else:
            player = alone(digest)
            finished = player.is_done(technique, result.tables["questions"])
            if finished:
                outcome(room, result, player.answers)
                looked(room, result, lambda place: tuple(filter(None, [player.paintings.get(place)])), "you")
                st.button(room.t("page.again"), icon=":material/replay:", on_click=again, args=(digest,))
            else:
                play(room, technique, result, player)
    if not code:
        with room.settings:
            invitation(room, result)
room.downloads(result, told=finished)
room.explain()
