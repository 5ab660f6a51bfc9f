"""What the fooling page shows below the pictures: the epsilon line, crops, other networks, and the classifier by hand."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st
import torch

from pages.ui.room import Room
from pages.ui.sidebar import load_with_progress, model_label, model_options
from viz_core.generate.fooling import LEVELS, on_line
from viz_core.generate.linear import example, nudge
from viz_core.generate.probe import opinion
from viz_core.generate.twins import bundled_twins
from viz_core.images.render import encode_png
from viz_core.technique import Result

LINES = 6
SHOWN_NUMBERS = 12


def epsilon_line(room: Room, result: Result) -> None:
    """Walk along the line through the picture: what is seen at each epsilon, and the scores of the classes that matter."""
    epsilons, logits = result.arrays["line_epsilons"] * LEVELS, result.arrays["line_logits"]

    @st.fragment
    def walk() -> None:
        shown = [f"{epsilon:.1f}" for epsilon in epsilons]
        key = "fooling.line"
        if st.session_state.get(key) not in shown:
            st.session_state[key] = shown[int(np.searchsorted(epsilons, 8))]
        at = shown.index(st.select_slider(room.t("page.line_slider"), shown, key=key))
        place = on_line(result, at)
        name = room.network.class_name(place.index, room.lang)
        said = room.t("page.line_at", epsilon=shown[at], name=name, probability=f"{place.probability:.1%}")
        picture, chart = st.columns([1, 2])
        picture.image(encode_png(place.pixels), caption=said, width="stretch", alt=said)
        chart.plotly_chart(_scores(room, epsilons, logits, epsilons[at]), width="stretch", key="fooling.scores")

    st.markdown(f"**{room.t('page.line')}**")
    st.caption(room.t("page.line_caption"))
    walk()


def _scores(room: Room, epsilons: np.ndarray, logits: np.ndarray, here: float) -> go.Figure:
    """The scores of the classes that win somewhere on the line, strongest first."""
    winners = list(dict.fromkeys([*np.argsort(-logits.max(0))[: LINES - 1].tolist(), *logits.argmax(1).tolist()]))[
        :LINES
    ]
    chart = go.Figure()
    for index in winners:
        chart.add_scatter(x=epsilons, y=logits[:, index], mode="lines", name=room.network.class_name(index, room.lang))
    chart.add_vline(x=here, line_dash="dot")
    chart.update_xaxes(title=room.t("page.line_axis"))
    chart.update_yaxes(title=room.t("page.score_axis"))
    chart.update_layout(height=340, margin={"l": 0, "r": 0, "t": 8, "b": 0}, legend={"orientation": "h", "y": -0.25})
    return chart


def other_networks(room: Room, result: Result) -> None:
    """Show the picture before and after to other networks."""
    st.markdown(f"**{room.t('page.transfer')}**")
    st.caption(room.t("page.transfer_caption"))
    options = [name for name in model_options() if name != room.choice.model]
    chosen = st.multiselect(
        room.t("page.transfer_pick"),
        options,
        default=[name for name in bundled_twins() if name in options],
        format_func=model_label,
        key="fooling.others",
        persist_state="session",
    )
    before, after = (torch.from_numpy(result.arrays[name]) for name in ("before", "image"))
    rows = []
    for name in chosen:
        network = room.guarded(lambda name=name: load_with_progress(name))
        said = opinion(network, before, after)
        rows.append(
            {
                room.t("page.transfer_network"): model_label(name),
                room.t("page.transfer_before"): _sure(
                    network.class_name(said.before, room.lang), said.before_probability
                ),
                room.t("page.transfer_after"): _sure(network.class_name(said.after, room.lang), said.after_probability),
                room.t("page.transfer_changed"): said.changed,
            }
        )
    if rows:
        st.dataframe(rows, hide_index=True, width="stretch")


def _sure(name: str, probability: float) -> str:
    return f"{name} ({probability:.1%})"


def why(room: Room) -> None:
    """The linear classifier by hand: tiny steps along the signs of the weights add up."""

    @st.fragment
    def by_hand() -> None:
        left, right = st.columns(2)
        epsilon = left.slider(room.t("page.why_epsilon"), 0.0, 1.0, 0.5, 0.01, key="fooling.why.epsilon")
        dimensions = right.select_slider(
            room.t("page.why_dimensions"), [10, 100, 1000, 10000, 49152], key="fooling.why.dimensions"
        )
        x, weights = example(dimensions)
        moved = nudge(x, weights, epsilon)
        table = {
            room.t("page.why_row_x"): x[:SHOWN_NUMBERS],
            room.t("page.why_row_w"): weights[:SHOWN_NUMBERS],
            room.t("page.why_row_moved"): moved.x[:SHOWN_NUMBERS],
        }
        st.dataframe(
            [
                {"": name, **{str(place): float(number) for place, number in enumerate(row)}}
                for name, row in table.items()
            ],
            hide_index=True,
        )
        facts = {"before": f"{moved.score_before:.2f}", "after": f"{moved.score_after:.2f}"}
        shares = {"p_before": f"{moved.probability_before:.1%}", "p_after": f"{moved.probability_after:.1%}"}
        st.markdown(f"**{room.t('page.why_result', **facts, **shares)}**")

    with st.expander(room.t("page.why"), icon=":material/calculate:"):
        st.caption(room.t("page.why_caption"))
        by_hand()
