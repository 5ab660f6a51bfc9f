"""The network itself: its layers, their shapes and what they see of the picture."""

import plotly.graph_objects as go
import streamlit as st

from pages.ui.charts import INK
from pages.ui.download_box import File, download_box
from pages.ui.explain_box import explain_box
from pages.ui.language import t
from pages.ui.sidebar import Choice, model_label
from viz_core import models
from viz_core.export import csv_table, facts_json, npz
from viz_core.images.refs import open_image
from viz_core.images.tensor import to_input
from viz_core.models.layers import layer_arrays, layer_table

choice: Choice = st.session_state["choice"]
network = models.load(choice.model)
height, width = to_input(open_image(choice.image), network.input_size).shape[-2:]
layers = network.layers((height, width))


def rows() -> list[dict[str, object]]:
    """The table of layers as people read it."""
    told = [row | {"field": row["field"] or t("network.whole")} for row in layer_table(layers)]
    return [{t(f"network.{name}"): value for name, value in row.items()} for row in told]


def diagram() -> go.Figure:
    """The convolutions and linear layers from left to right, as high as their maps."""
    shown = [layer for layer in layers if layer.parameters]
    heights = [layer.shape[1] if len(layer.shape) == 3 else 1 for layer in shown]
    chart = go.Figure(
        go.Bar(
            x=[layer.name for layer in shown],
            y=heights,
            base=[-side / 2 for side in heights],
            text=[layer.shape[0] for layer in shown],
            textposition="outside",
            marker_color=INK,
            customdata=[" × ".join(map(str, layer.shape)) for layer in shown],
            hovertemplate="%{x}<br>%{customdata}<extra></extra>",
        )
    )
    chart.update_yaxes(visible=False)
    chart.update_layout(height=320, margin={"l": 0, "r": 0, "t": 8, "b": 0}, bargap=0.15)
    return chart


def field_chart() -> go.Figure:
    """The receptive field's side over the layers."""
    seen = [layer for layer in layers if layer.receptive_field is not None]
    chart = go.Figure(
        go.Scatter(
            x=[layer.name for layer in seen],
            y=[layer.receptive_field.size[0] for layer in seen],
            mode="lines+markers",
            line_color=INK,
        )
    )
    chart.update_xaxes(title=t("network.layer_axis"))
    chart.update_yaxes(title=t("network.field_axis"), rangemode="tozero")
    chart.update_layout(height=320, margin={"l": 0, "r": 0, "t": 8, "b": 0})
    return chart


st.title(f":material/account_tree: {t('network.title')}", anchor=False)
st.markdown(f"##### {t('network.question')}")
st.markdown(f"**{model_label(choice.model)}**")
st.caption(
    t(
        "network.facts",
        layers=len(layers),
        millions=f"{sum(layer.parameters for layer in layers) / 1e6:.2f}",
        height=height,
        width=width,
        digest=network.digest[:12],
    )
)
left, right = st.columns(2, gap="large")
with left:
    st.markdown(f"**{t('network.diagram')}**")
    st.plotly_chart(diagram(), width="stretch", key="network.diagram")
    st.caption(t("network.diagram_help"))
with right:
    st.markdown(f"**{t('network.field_chart')}**")
    st.plotly_chart(field_chart(), width="stretch", key="network.fields")
st.markdown(f"**{t('network.layers')}**")
st.dataframe(
    rows(),
    width="stretch",
    hide_index=True,
    column_config={t("network.parameters"): st.column_config.NumberColumn(format="localized")},
)
facts = {"model": choice.model, "weights": network.digest, "height": height, "width": width}
download_box(
    [
        File(t("network.csv"), "convscope-network.csv", lambda: csv_table(layer_table(layers))),
        File(t("ui.npz"), "convscope-network.npz", lambda: npz(layer_arrays(layers))),
        File(t("ui.recipe"), "convscope-network.json", lambda: facts_json(**facts, layers=layer_table(layers))),
    ]
)
st.caption(t("network.png_help"))
explain_box("network")
