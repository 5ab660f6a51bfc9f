"""The room of a class: the lecturer opens it, the class answers, the lecturer shows the answers."""

import io
from collections.abc import Sequence
from functools import cache

import numpy as np
import plotly.graph_objects as go
import segno
import streamlit as st

from pages.ui.charts import INK, colour_scale
from pages.ui.contest import Player, outcome, play
from pages.ui.lesson_bar import STAGE
from pages.ui.looked_view import looked
from pages.ui.png_image import show_png
from pages.ui.room import Room, page_address
from viz_core.cache_folder import cache_folder
from viz_core.images.datasets import label_title
from viz_core.images.render import SEQUENTIAL, encode_png
from viz_core.learn.classroom import Answer, Classroom
from viz_core.learn.contest import Question, Share, confusion, is_right
from viz_core.learn.you_vs_net import YouVsNet
from viz_core.technique import Result

REFRESH_S = 2
MOST_DISAGREEMENTS = 5
DISAGREES_FROM = 0.5  # of the share of right answers
QR_SCALE = 10  # pixels of a module: it is read from the last row

# In a class there is nothing to set: the picture and its answers fit on a telephone.
_COMPACT = f"""<style>
[data-testid=stHorizontalBlock]:has(> [data-testid=stColumn] .st-key-{STAGE}) > [data-testid=stColumn]:first-child,
[data-testid=stHorizontalBlock]:has(> .st-key-start), h5 {{ display: none; }}
h1 {{ font-size: 1.5rem; padding: 0; }}
[data-testid=stMainBlockContainer] {{ padding-top: 4rem; padding-bottom: 1rem; }}
@media (max-width: 640px) {{ .st-key-{STAGE} [data-testid=stImage] img {{ max-height: 15rem; width: auto; }} }}
</style>"""
_LARGE_CODE = "<style>.st-key-class-letters h2 { font-size: 5rem; letter-spacing: 0.1em; padding: 0; }</style>"


@cache
def classroom() -> Classroom:
    """The rooms of this server."""
    return Classroom(cache_folder() / "rooms.sqlite")


def host_view(room: Room, result: Result, code: str) -> None:
    """What the lecturer sees: how to join and who has answered what, and once it is time all answers."""
    rooms = classroom()
    st.html(_COMPACT)
    if rooms.is_revealed(code):
        class_results(room, result, code)
        looked(room, result, lambda place: rooms.paintings(code, place), "class")
        st.button(
            room.t("page.end"), icon=":material/delete:", help=room.t("page.end_help"), on_click=_end, args=(code,)
        )
        return
    picture, told = st.columns([2, 3], gap="large")
    with picture:
        show_png(_qr(code), alt=room.t("page.qr"))
    with told:
        with st.container(key="class-letters"):
            st.html(_LARGE_CODE)
            st.header(code, anchor=False)
        st.markdown(room.t("page.how_to_join"))
        st.code(_address(code), language=None, wrap_lines=True)
        st.button(
            room.t("page.reveal"),
            key="class.reveal",
            icon=":material/visibility:",
            type="primary",
            help=room.t("page.reveal_help"),
            on_click=rooms.reveal,
            args=(code,),
        )

    @st.fragment(run_every=REFRESH_S)
    def waiting() -> None:
        answers, people = rooms.answers(code), rooms.people(code)
        st.caption(room.t("page.class_count", people=people, answers=len(answers)))
        count = len(result.tables["questions"])
        given = [sum(answer.question == place for answer in answers) for place in range(count)]
        chart = go.Figure(go.Bar(x=list(range(1, count + 1)), y=given, marker_color=INK))
        chart.update_xaxes(title=room.t("page.picture"), dtick=1)
        chart.update_yaxes(
            title=room.t("page.answers"), range=[0, max(people, 1)], tickformat="d", dtick=max(1, people // 5)
        )
        chart.update_layout(height=240, margin={"l": 0, "r": 0, "t": 8, "b": 0})
        st.plotly_chart(chart, width="stretch", key=f"waiting.{code}")

    waiting()


def student_view(room: Room, technique: YouVsNet, result: Result, code: str, player: Player) -> None:
    """What everybody else sees: the questions, then how far the others are, then the answers."""
    rooms = classroom()
    st.html(_COMPACT)
    if rooms.is_revealed(code):
        outcome(room, result, player.answers)
        class_results(room, result, code)
        looked(room, result, lambda place: rooms.paintings(code, place), "class")
        return
    if not player.is_done(technique, result.tables["questions"]):
        play(room, technique, result, player)

    @st.fragment(run_every=REFRESH_S)
    def waiting() -> None:
        if rooms.is_revealed(code):
            st.rerun()
        if player.is_done(technique, result.tables["questions"]):
            st.info(room.t("page.done"), icon=":material/hourglass:")
            st.caption(room.t("page.class_count", people=rooms.people(code), answers=len(rooms.answers(code))))

    waiting()


def class_results(room: Room, result: Result, code: str) -> None:
    """How the class did, picture by picture, beside the network."""
    answers, questions = classroom().answers(code), result.tables["questions"]
    st.subheader(room.t("page.class_title"), anchor=False)
    st.caption(room.t("page.class_count", people=classroom().people(code), answers=len(answers)))
    if not answers:
        return
    right = [[is_right(a.choice, row["label"]) for a in answers if a.question == n] for n, row in enumerate(questions)]
    shares = [Share(sum(marks), len(marks)) for marks in right]
    machine = [float(is_right(row.get("network", ""), row["label"])) for row in questions]
    _totals(room, shares, machine)
    _shares(room, result, shares, machine, code)
    _confusions(room, result, answers, code)
    _disagreements(room, result, shares, machine)


def _totals(room: Room, shares: Sequence[Share], machine: Sequence[float]) -> None:
    """The class and the network in one number each."""
    together = Share(sum(share.right for share in shares), sum(share.asked for share in shares))
    network = Share(int(sum(machine)), len(machine))
    for column, name, share in zip(st.columns(2), ("class", "network"), (together, network), strict=True):
        low, high = share.interval
        column.metric(room.t(f"page.{name}"), f"{share.value:.0%}", border=True)
        column.caption(room.t("page.interval", low=f"{low:.0%}", high=f"{high:.0%}"))


def _shares(room: Room, result: Result, shares: Sequence[Share], machine: Sequence[float], code: str) -> None:
    """The share of right answers to each picture, with its interval."""
    questions = result.tables["questions"]
    names = [f"{place + 1} {label_title(row['label'], room.lang)}" for place, row in enumerate(questions)]
    ends = [share.interval for share in shares]
    chart = go.Figure()
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
    chart.add_scatter(
        x=names, y=machine, name=room.t("page.network"), mode="markers", marker={"size": 12, "symbol": "diamond"}
    )
    chart.update_yaxes(range=[0, 1.05], tickformat=".0%", title=room.t("page.right"))
    chart.update_layout(height=320, margin={"l": 0, "r": 0, "t": 8, "b": 0}, legend={"orientation": "h", "y": 1.15})
    st.plotly_chart(chart, width="stretch", key=f"class.{code}")


def _confusions(room: Room, result: Result, answers: Sequence[Answer], code: str) -> None:
    """What was called what, by the class and by the network."""
    questions = result.tables["questions"]
    asked = [Question(row["picture"], row["label"], tuple(row["choices"])) for row in questions]
    st.markdown(f"**{room.t('page.confused')}**")
    people, machine_side = st.columns(2)
    given = [(answer.question, answer.choice) for answer in answers]
    by_network = [(place, row["network"]) for place, row in enumerate(questions) if "network" in row]
    with people:
        _confusion(room, "class", confusion(asked, given, by_network), code)
    with machine_side:
        _confusion(room, "network", confusion(asked, by_network, given), code)


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
        show_png(encode_png(result.arrays["pictures"][place]), column, alt=label)
        who = "class_ahead" if apart[place] > 0 else "network_ahead"
        column.caption(room.t(f"page.{who}", label=label, share=f"{shares[place].value:.0%}"))


def _confusion(room: Room, who: str, table: tuple[list[str], list[str], np.ndarray], code: str) -> None:
    right, called, counts = table
    rows, columns = ([label_title(label, room.lang) or "–" for label in labels] for labels in (right, called))
    chart = go.Figure(
        go.Heatmap(
            z=counts,
            x=columns,
            y=rows,
            colorscale=colour_scale(SEQUENTIAL),
            showscale=False,
            text=np.where(counts > 0, counts.astype(str), ""),
            texttemplate="%{text}",
        )
    )
    chart.update_xaxes(title=room.t("page.called"), dtick=1, tickangle=90, tickfont_size=10)  # no name is left out
    chart.update_yaxes(title=room.t("page.truth"), dtick=1, autorange="reversed")
    chart.update_layout(height=340, margin={"l": 0, "r": 0, "t": 8, "b": 0})
    st.caption(room.t(f"page.{who}"))
    st.plotly_chart(chart, width="stretch", key=f"confusion.{who}.{code}")


def invitation(room: Room, result: Result) -> None:
    """Open a room for a class or join one."""
    st.button(
        room.t("page.open_room"),
        icon=":material/groups:",
        help=room.t("page.open_help"),
        on_click=_open,
        args=(result,),
    )
    _join(room)


def way_out(room: Room, code: str) -> None:
    """Which room this is, and the way out of it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(room.t("page.code", code=code))
        st.button(room.t("page.leave"), key="class.leave", type="tertiary", on_click=_leave)


def _join(room: Room) -> None:
    """The way in for people who only have the code."""
    typed = st.text_input(room.t("page.join"), key="class.code", max_chars=8, placeholder=room.t("page.join_help"))
    if typed.strip():
        room.guarded(lambda: classroom().recipe(typed.strip()))
        st.query_params["room"] = typed.strip().upper()
        st.rerun()


def _address(code: str) -> str:
    return f"{page_address().split('?')[0]}?room={code}"


def _qr(code: str) -> bytes:
    picture = io.BytesIO()
    segno.make(_address(code)).save(picture, kind="png", scale=QR_SCALE, border=2)
    return picture.getvalue()


def _leave() -> None:
    for name in ("room", "person", "host"):
        st.query_params.pop(name, None)


def _end(code: str) -> None:
    classroom().close(code)
    _leave()


def _open(result: Result) -> None:
    code = classroom().open_room(result.recipe.to_json())
    st.query_params["room"] = code
    st.query_params["host"] = classroom().host(code)  # whoever opens a room looks on
