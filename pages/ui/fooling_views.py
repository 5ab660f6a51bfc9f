"""What the fooling page shows below the pictures: the epsilon line, crops, other networks, and the classifier by hand."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st
import torch

from pages.ui.png_image import show_png
from pages.ui.room import Room
from pages.ui.sidebar import load_with_progress, model_label, model_options
from viz_core.generate.fooling import LEVELS, on_line
from viz_core.generate.linear import example, nudge
from viz_core.generate.probe import Opinion, opinion
from viz_core.generate.twins import bundled_twins
from viz_core.images.render import encode_png
from viz_core.models.graph import GraphModel
from viz_core.models.zoo import is_cached
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
        show_png(encode_png(place.pixels), picture, caption=said, alt=said)
        chart.plotly_chart(_scores(room, epsilons, logits, epsilons[at]), width="stretch", key="fooling.scores")

    st.markdown(f"**{room.t('page.line')}**")
    st.caption(room.t("page.line_caption"))
    walk()


def _scores(room: Room, epsilons: np.ndarray, logits: np.ndarray, here: float) -> go.Figure:
    """The scores of the classes that win somewhere on the line, strongest first."""
    winners = list(dict.fromkeys([*_first_on_the_way(logits), *np.argsort(-logits.max(0))[:LINES].tolist()]))[:LINES]
    chart = go.Figure()
    for index in winners:
        chart.add_scatter(x=epsilons, y=logits[:, index], mode="lines", name=room.network.class_name(index, room.lang))
    chart.add_vline(x=here, line_dash="dot")
    chart.update_xaxes(title=room.t("page.line_axis"))
    chart.update_yaxes(title=room.t("page.score_axis"))
    chart.update_layout(height=340, margin={"l": 0, "r": 0, "t": 8, "b": 0}, legend={"orientation": "h", "y": -0.25})
    return chart


def _first_on_the_way(logits: np.ndarray) -> list[int]:
    """The classes seen along the line, those seen longest first."""
    seen, counts = np.unique(logits.argmax(1), return_counts=True)
    return seen[np.argsort(-counts)].tolist()


def withstood(room: Room, result: Result) -> None:
    """How much of the class is left under stronger and stronger attacks, for each twin, and where each gives way."""
    rows = result.tables["strength"]
    for twin in dict.fromkeys(row["network"] for row in rows):
        own = [row for row in rows if row["network"] == twin]
        fell = next((row for row in own if row["fooled"]), None)
        names = {"network": model_label(twin), "name": room.network.class_name(own[0]["seen"], room.lang)}
        if fell is None:
            st.success(room.t("page.held", epsilon=f"{own[-1]['epsilon']:g}", **names), icon=":material/shield:")
            continue
        sees = room.network.class_name(fell["sees"], room.lang)
        said = room.t("page.fell", epsilon=f"{fell['epsilon']:g}", sees=sees, **names)
        st.warning(said, icon=":material/theater_comedy:")
    chart = go.Figure()
    for twin in dict.fromkeys(row["network"] for row in rows):
        own = [row for row in rows if row["network"] == twin]
        places = {"x": [row["epsilon"] for row in own], "y": [row["left"] for row in own]}
        chart.add_scatter(**places, mode="lines+markers", name=model_label(twin))
    chart.update_xaxes(title=room.t("page.line_axis"))
    chart.update_yaxes(title=room.t("page.left_axis"), range=[0, 1], tickformat=".0%")
    chart.update_layout(height=340, margin={"l": 0, "r": 0, "t": 8, "b": 0}, legend={"orientation": "h", "y": -0.25})
    st.plotly_chart(chart, width="stretch", key="fooling.strength")
    room.show(result, "image", room.t("page.strength_sheet"))


def other_networks(room: Room, result: Result) -> None:
    """Show the picture before and after to other networks."""
    st.markdown(f"**{room.t('page.transfer')}**")
    st.caption(room.t("page.transfer_caption"))
    options = [name for name in model_options() if name != room.choice.model]
    chosen = st.multiselect(
        room.t("page.transfer_pick"),
        options,
        default=[name for name in options if name in bundled_twins() or is_cached(name)],
        format_func=model_label,
        key="fooling.others",
        persist_state="session",
    )
    before, after = (torch.from_numpy(result.arrays[name]) for name in ("before", "image"))
    rows = []
    for name in chosen:
        network = room.guarded(lambda name=name: load_with_progress(name))
        said = _opinion(result.recipe.digest, name, network, before, after)
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


@st.cache_data(max_entries=64, show_spinner=False)
def _opinion(digest: str, name: str, _network: GraphModel, _before: torch.Tensor, _after: torch.Tensor) -> Opinion:
    """What a network says of a result's pictures, asked once."""
    return opinion(_network, _before, _after)


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
