"""Furniture of the contest between people and the network: questions, outcome, and the class's room."""

import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import plotly.graph_objects as go
import segno
import streamlit as st

from pages.ui.charts import INK, colour_scale
from pages.ui.countdown import countdown
from pages.ui.paint import paint
from pages.ui.room import Room, page_address
from viz_core.cache_folder import cache_folder
from viz_core.images.datasets import label_title
from viz_core.images.render import SEQUENTIAL, encode_png
from viz_core.learn.classroom import Classroom
from viz_core.learn.contest import MOST_NAMED, SEPARATOR, Question, Share, confusion, is_right, named
from viz_core.learn.you_vs_net import YouVsNet
from viz_core.technique import Result

REFRESH_S = 2
PICTURE_WIDTH = 320
MOST_DISAGREEMENTS = 5
DISAGREES_FROM = 0.5  # of the share of right answers


@cache
def classroom() -> Classroom:
    """The rooms of this server."""
    return Classroom(cache_folder() / "rooms.sqlite")


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
        st.image(encode_png(result.arrays["pictures"][place]), width=PICTURE_WIDTH, alt=room.t("page.asked"))
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
    yours = Share(sum(is_right(answers[place], row["label"]) for place, row in enumerate(questions)), len(questions))
    network = Share(sum(is_right(row.get("network", ""), row["label"]) for row in questions), len(questions))
    for column, name, share in zip(st.columns(2), ("you", "network"), (yours, network), strict=True):
        low, high = share.interval
        column.metric(room.t(f"page.{name}"), f"{share.right} / {share.asked}", border=True)
        column.caption(room.t("page.interval", low=f"{low:.0%}", high=f"{high:.0%}"))
    columns = st.columns(5)
    for place, row in enumerate(questions):
        with columns[place % len(columns)]:
            st.image(
                encode_png(result.arrays["pictures"][place]), width="stretch", alt=label_title(row["label"], room.lang)
            )
            st.markdown(f"**{label_title(row['label'], room.lang)}**")
            st.caption(
                f"{_verdict(room, 'you', answers[place], row)}  \n{_verdict(room, 'network', row.get('network'), row)}"
            )


def _verdict(room: Room, who: str, choice: str | None, row: Mapping[str, Any]) -> str:
    mark = ":material/check:" if is_right(choice or "", row["label"]) else ":material/close:"
    told = ", ".join(label_title(label, room.lang) for label in named(choice or "")) or "–"
    return f"{mark} {room.t(f'page.{who}')}: {told}"


def class_results(room: Room, result: Result, code: str) -> None:
    """How the class is doing, drawn anew every other second."""

    @st.fragment(run_every=REFRESH_S)
    def view() -> None:
        answers = classroom().answers(code)
        questions = result.tables["questions"]
        st.subheader(room.t("page.class_title"), anchor=False)
        st.caption(room.t("page.class_count", people=classroom().people(code), answers=len(answers)))
        if not answers:
            return
        right = [
            [is_right(a.choice, row["label"]) for a in answers if a.question == place]
            for place, row in enumerate(questions)
        ]
        chart = go.Figure()
        names = [f"{place + 1} {label_title(row['label'], room.lang)}" for place, row in enumerate(questions)]
        shares = [Share(sum(marks), len(marks)) for marks in right]
        ends = [share.interval for share in shares]
        chart.add_bar(
            x=names,
            y=[share.value for share in shares],
            name=room.t("page.class"),
            marker_color=INK,
            error_y={
                "array": [high - share.value for share, (_, high) in zip(shares, ends, strict=True)],
                "arrayminus": [share.value - low for share, (low, _) in zip(shares, ends, strict=True)],
            },
        )
        machine = [float(is_right(row.get("network", ""), row["label"])) for row in questions]
        chart.add_scatter(
            x=names, y=machine, name=room.t("page.network"), mode="markers", marker={"size": 12, "symbol": "diamond"}
        )
        chart.update_yaxes(range=[0, 1.05], tickformat=".0%")
        chart.update_layout(height=320, margin={"l": 0, "r": 0, "t": 8, "b": 0}, legend={"orientation": "h", "y": 1.15})
        st.plotly_chart(chart, width="stretch", key=f"class.{code}")
        asked = [Question(row["picture"], row["label"], tuple(row["choices"])) for row in questions]
        people, machine_side = st.columns(2)
        given = [(answer.question, answer.choice) for answer in answers]
        by_network = [(place, row["network"]) for place, row in enumerate(questions) if "network" in row]
        with people:
            _confusion(room, "class", asked, given, code)
        with machine_side:
            _confusion(room, "network", asked, by_network, code)
        _disagreements(room, result, shares, machine)

    view()


def _disagreements(room: Room, result: Result, shares: Sequence[Share], machine: Sequence[float]) -> None:
    """The pictures on which the class and the network differ most."""
    apart = [share.value - right for share, right in zip(shares, machine, strict=True)]
    order = sorted(range(len(apart)), key=lambda place: -abs(apart[place]))[:MOST_DISAGREEMENTS]
    chosen = [place for place in order if shares[place].asked and abs(apart[place]) >= DISAGREES_FROM]
    st.markdown(f"**{room.t('page.disagree')}**")
    if not chosen:
        st.caption(room.t("page.agree"))
        return
    for column, place in zip(st.columns(MOST_DISAGREEMENTS), chosen, strict=False):
        label = label_title(result.tables["questions"][place]["label"], room.lang)
        column.image(encode_png(result.arrays["pictures"][place]), width="stretch", alt=label)
        who = "class_ahead" if apart[place] > 0 else "network_ahead"
        column.caption(room.t(f"page.{who}", label=label, share=f"{shares[place].value:.0%}"))


def _confusion(room: Room, who: str, asked: list[Question], given: list[tuple[int, str]], code: str) -> None:
    labels, counts = confusion(asked, given)
    names = [label_title(label, room.lang) or "–" for label in labels]
    chart = go.Figure(
        go.Heatmap(
            z=counts,
            x=names,
            y=names,
            colorscale=colour_scale(SEQUENTIAL),
            showscale=False,
            text=counts,
            texttemplate="%{text}",
        )
    )
    chart.update_xaxes(title=room.t("page.called"))
    chart.update_yaxes(title=room.t("page.truth"), autorange="reversed")
    chart.update_layout(height=340, margin={"l": 0, "r": 0, "t": 8, "b": 0})
    st.markdown(f"**{room.t(f'page.{who}')}**")
    st.plotly_chart(chart, width="stretch", key=f"confusion.{who}.{code}")


def invitation(room: Room, result: Result, code: str | None) -> None:
    """Open a room for a class, or show the link and QR code of the one we are in."""
    if not code:
        st.button(
            room.t("page.open_room"),
            icon=":material/groups:",
            help=room.t("page.open_help"),
            on_click=_open,
            args=(result,),
        )
        return
    address = f"{page_address().split('?')[0]}?room={code}"
    picture = io.BytesIO()
    segno.make(address).save(picture, kind="png", scale=6, border=2)
    st.markdown(f"**{room.t('page.code', code=code)}**")
    st.image(picture.getvalue(), width=200, alt=room.t("page.qr"))
    st.code(address, language=None, wrap_lines=True)
    st.button(room.t("page.leave"), on_click=_leave)


def _leave() -> None:
    for name in ("room", "person", "host"):
        st.query_params.pop(name, None)


def _open(result: Result) -> None:
    st.query_params["room"] = classroom().open_room(result.recipe.to_json())
    st.query_params["host"] = "true"  # whoever opens a room looks on
