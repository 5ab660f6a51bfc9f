"""Autograd: a formula as a graph, and the chain rule walked edge by edge."""

import streamlit as st

from pages.ui.presets import preset_picker
from pages.ui.room import Room
from viz_core.learn.autograd import Autograd
from viz_core.technique import Result


def flow_chart(result: Result, walked: int) -> str:
    """The graph as a Mermaid chart: values at the nodes, gradients as far as they have been walked."""
    nodes, walks = result.tables["nodes"], result.tables["walks"]
    gradients = {nodes[-1]["place"]: 1.0} | {walk["sink"]: walk["total"] for walk in walks[:walked]}
    lines = ["flowchart TD"]
    for node in nodes:
        shown = node["name"] if node["operation"] in ("input", "number") else f"{node['name']} = {node['operation']}"
        label = f"{shown}<br>{room.t('page.value')} {node['value']:.4g}"
        if node["place"] in gradients:
            label += f"<br>{room.t('page.gradient')} {gradients[node['place']]:.4g}"
        lines.append(f'  n{node["place"]}["{label}"]')
    edges = [(source, node["place"]) for node in nodes for source in node["inputs"]]
    lines += [f"  n{source} --> n{sink}" for source, sink in edges]
    if 0 < walked <= len(walks):
        last = walks[walked - 1]
        lines += [f"  style n{last['sink']} stroke-width:4px", f"  style n{last['source']} stroke-dasharray:6"]
    return "\n".join(lines)


def walk_along(edges: int) -> int:
    """How many edges have been walked: by the slider, or one by one."""
    key = "autograd.step"
    st.session_state[key] = min(st.session_state.get(key, edges), edges)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        walked = st.slider(room.t("page.step"), 0, edges, help=room.t("page.step_help"), key=key)
        for name, icon, step in (
            ("start", "first_page", -edges),
            ("back", "chevron_left", -1),
            ("on", "chevron_right", 1),
        ):
            place = min(edges, max(0, walked + step))
            st.button(
                room.t(f"page.{name}"),
                icon=f":material/{icon}:",
                key=f"autograd.{name}",
                disabled=place == walked,
                on_click=st.session_state.update,
                args=({key: place},),
            )
    return walked


room = Room(Autograd)
preset_picker(room, Autograd.presets)
technique = room.controls()
result = room.run(technique)
walks = result.tables["walks"]
with room.stage:
    walked = len(walks)
    if walks:
        walked = walk_along(len(walks))
    st.mermaid_chart(flow_chart(result, walked), alt=room.t("page.chart"))
    st.caption(room.t("page.chart_help"))
    if walked > 0:
        now = walks[walked - 1]
        st.latex(
            rf"\frac{{\partial L}}{{\partial {now['to']}}} \mathrel{{+}}= "
            rf"\frac{{\partial L}}{{\partial {now['from']}}} \cdot \frac{{\partial {now['from']}}}{{\partial {now['to']}}}"
            rf" = {now['gradient']:.4g} \cdot {now['local']:.4g} = {now['added']:.4g}"
        )
    derivatives = [
        {
            room.t("page.name"): node["name"],
            room.t("page.value"): node["value"],
            room.t("page.gradient"): node["gradient"],
        }
        for node in result.tables["nodes"]
        if node["operation"] == "input"
    ]
    st.dataframe(derivatives, hide_index=True, width="content")
room.downloads(result)
room.explain()
