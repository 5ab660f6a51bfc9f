"""Furniture of the contest between people and the network: questions, outcome, and the class's room."""

import io
from collections.abc import Callable, Mapping
from functools import cache

import plotly.graph_objects as go
import segno
import streamlit as st

from pages.ui.charts import INK, colour_scale
from pages.ui.room import Room, page_address
from viz_core.cache_folder import cache_folder
from viz_core.images.datasets import label_title
from viz_core.images.render import SEQUENTIAL, encode_png
from viz_core.learn.classroom import Classroom
from viz_core.learn.contest import Question, Share, confusion
from viz_core.technique import Result

REFRESH_S = 2
PICTURE_WIDTH = 320


@cache
def classroom() -> Classroom:
    """The rooms of this server."""
    return Classroom(cache_folder() / "rooms.sqlite")


def play(room: Room, result: Result, answers: Mapping[int, str], take: Callable[[int, str], None]) -> None:
    """The next question: its picture and a button for each choice."""
    questions = result.tables["questions"]
    place = next(place for place in range(len(questions)) if place not in answers)
    st.progress(place / len(questions), text=room.t("page.progress", place=place + 1, total=len(questions)))
    picture, choices = st.columns([2, 3])
    with picture:
        st.image(encode_png(result.arrays["pictures"][place]), width=PICTURE_WIDTH, alt=room.t("page.asked"))
    with choices:
        st.markdown(f"**{room.t('page.asked')}**")
        for number, choice in enumerate(questions[place]["choices"]):
            st.button(
                label_title(choice, room.lang),
                key=f"choice.{place}.{number}",
                width="stretch",
                on_click=room.guarded,
                args=(lambda choice=choice: take(place, choice),),
                shortcut=str(number + 1),
            )


def outcome(room: Room, result: Result, answers: Mapping[int, str]) -> None:
    """Who was right: two shares with their intervals, then every question."""
    questions = result.tables["questions"]
    yours = Share(sum(answers[place] == row["label"] for place, row in enumerate(questions)), len(questions))
    network = Share(sum(row.get("network") == row["label"] for row in questions), len(questions))
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


def _verdict(room: Room, who: str, choice: str | None, row: Mapping[str, object]) -> str:
    mark = ":material/check:" if choice == row["label"] else ":material/close:"
    return f"{mark} {room.t(f'page.{who}')}: {label_title(choice, room.lang) if choice else '–'}"


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
            [a.choice == row["label"] for a in answers if a.question == place] for place, row in enumerate(questions)
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
        machine = [float(row.get("network") == row["label"]) for row in questions]
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

    view()


def _confusion(room: Room, who: str, asked: list[Question], given: list[tuple[int, str]], code: str) -> None:
    labels, counts = confusion(asked, given)
    names = [label_title(label, room.lang) for label in labels]
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
    st.button(room.t("page.leave"), on_click=st.query_params.pop, args=("room",))


def _open(result: Result) -> None:
    st.query_params["room"] = classroom().open_room(result.recipe.to_json())
