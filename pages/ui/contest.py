"""The contest between people and the network: the questions one by one, and the outcome."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.ui.countdown import countdown
from pages.ui.paint import paint
from pages.ui.png_image import show_png
from pages.ui.room import Room
from viz_core.images.datasets import label_title
from viz_core.images.render import encode_png
from viz_core.learn.contest import MOST_NAMED, SEPARATOR, Share, is_right, named
from viz_core.learn.you_vs_net import YouVsNet
from viz_core.technique import Result

PICTURE_WIDTH = 320


@dataclass(frozen=True)
class Player:
    """Somebody at the contest: answers and paintings by question, and where new ones go."""

    answers: Mapping[int, str]
    paintings: Mapping[int, str]
    take: Callable[[int, str], None]
    paint: Callable[[int, str], None]

    def is_done(self, technique: YouVsNet, questions: Sequence[Mapping[str, object]]) -> bool:
        """Whether nothing is left to answer or to paint."""
        return len(self.answers) == len(questions) and (not technique.paint or len(self.paintings) >= len(questions))


def play(room: Room, technique: YouVsNet, result: Result, player: Player) -> None:
    """The next thing to do: name a picture, or paint where one looked in it."""
    questions = result.tables["questions"]
    unpainted = [place for place in player.answers if technique.paint and place not in player.paintings]
    if unpainted:
        _paint(room, result, player, unpainted[0])
        return
    place = next(place for place in range(len(questions)) if place not in player.answers)
    st.progress(place / len(questions), text=room.t("page.progress", place=place + 1, total=len(questions)))
    picture, choices = st.columns([2, 3])
    with picture:
        show_png(encode_png(result.arrays["pictures"][place]), width=PICTURE_WIDTH, alt=room.t("page.asked"))
    with choices:
        if technique.seconds:
            _clock(room, technique, result, player, place)
        st.markdown(f"**{room.t('page.asked')}**")
        if technique.answering == "search":
            _search(room, questions[place]["choices"], place, player)
        else:
            _buttons(room, questions[place]["choices"], place, player)


def _buttons(room: Room, choices: Sequence[str], place: int, player: Player) -> None:
    for number, choice in enumerate(choices):
        st.button(
            label_title(choice, room.lang),
            key=f"choice.{place}.{number}",
            width="stretch",
            on_click=room.guarded,
            args=(lambda choice=choice: player.take(place, choice),),
            shortcut=str(number + 1),
        )


def _search(room: Room, choices: Sequence[str], place: int, player: Player) -> None:
    """Up to five labels, the surest first."""
    names = {choice: label_title(choice, room.lang) for choice in sorted(choices)}
    found = st.multiselect(
        room.t("page.search"),
        list(names),
        format_func=names.get,
        max_selections=MOST_NAMED,
        placeholder=room.t("page.search_help"),
        key=f"search.{place}",
    )
    st.button(
        room.t("page.answer"),
        key=f"answer.{place}",
        type="primary",
        disabled=not found,
        on_click=room.guarded,
        args=(lambda: player.take(place, SEPARATOR.join(found)),),
    )


def _clock(room: Room, technique: YouVsNet, result: Result, player: Player, place: int) -> None:
    """The time left for this picture; when it is over the answer is none."""
    name = f"{result.recipe.digest}.{place}"
    began = st.session_state.setdefault(f"began.{name}", time.monotonic())
    countdown(
        name,
        max(0.0, technique.seconds - (time.monotonic() - began)),
        technique.seconds,
        label=room.t("page.seconds_left"),
        key="you-vs-net.clock",
        on_over=lambda: room.guarded(lambda: player.take(place, "")),
    )


def _paint(room: Room, result: Result, player: Player, place: int) -> None:
    st.markdown(f"**{room.t('page.paint')}**")
    st.caption(room.t("page.paint_help"))
    paint(
        encode_png(result.arrays["pictures"][place]),
        "you-vs-net.canvas",
        alt=room.t("page.paint"),
        labels=(room.t("page.paint_done"), room.t("page.paint_clear"), room.t("page.paint_skip")),
        on_done=lambda cells: room.guarded(lambda: player.paint(place, cells)),
    )


def outcome(room: Room, result: Result, answers: Mapping[int, str]) -> None:
    """Who was right: two shares with their intervals, then every question."""
    questions = result.tables["questions"]
    yours = Share(
        sum(is_right(answers.get(place, ""), row["label"]) for place, row in enumerate(questions)), len(questions)
    )
    network = Share(sum(is_right(row.get("network", ""), row["label"]) for row in questions), len(questions))
    for column, name, share in zip(st.columns(2), ("you", "network"), (yours, network), strict=True):
        low, high = share.interval
        column.metric(room.t(f"page.{name}"), f"{share.right} / {share.asked}", border=True)
        column.caption(room.t("page.interval", low=f"{low:.0%}", high=f"{high:.0%}"))
    columns = st.columns(5)
    for place, row in enumerate(questions):
        with columns[place % len(columns)]:
            show_png(
                encode_png(result.arrays["pictures"][place]), width="stretch", alt=label_title(row["label"], room.lang)
            )
            st.markdown(f"**{label_title(row['label'], room.lang)}**")
            st.caption(
                f"{_verdict(room, 'you', answers.get(place, ''), row)}  \n{_verdict(room, 'network', row.get('network'), row)}"
            )


def _verdict(room: Room, who: str, choice: str | None, row: Mapping[str, Any]) -> str:
    mark = ":material/check:" if is_right(choice or "", row["label"]) else ":material/close:"
    told = ", ".join(label_title(label, room.lang) for label in named(choice or "")) or "–"
    return f"{mark} {room.t(f'page.{who}')}: {told}"
