"""The map as a chart: a point for each picture, the picture itself in the hover card, box and lasso."""

import base64
import colorsys
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from pages.ui.language import language
from viz_core.images.datasets import label_title, open_dataset
from viz_core.images.render import SEQUENTIAL, encode_jpeg
from viz_core.technique import Result

HOVER_SIDE = 56
SCALE_STOPS = 9
CARD = "<img src='{@thumb}' width='96' height='96' alt='' style='image-rendering:pixelated'><br><b>{@label}</b><br>{@title}"


@lru_cache(maxsize=4)
def thumbs(dataset: str, digest: str, members: tuple[int, ...]) -> tuple[str, ...]:
    """The pictures of a set as small JPEGs for the hover card."""
    pictures = open_dataset(dataset)
    coded = (base64.b64encode(encode_jpeg(pictures.seen(member, HOVER_SIDE), 70)).decode() for member in members)
    return tuple("data:image/jpeg;base64," + code for code in coded)


def points(result: Result, dataset: str) -> pd.DataFrame:
    """One row for each point: place, picture, label, title, and the share of its neighbours that the map keeps."""
    rows = result.tables["points"]
    members = tuple(row["picture"] for row in rows)
    places = result.arrays["map"]
    return pd.DataFrame(
        {
            "x": places[:, 0],
            "y": places[:, 1],
            "kept": result.arrays["kept"],
            "label": [label_title(row["label"], language()) if row["label"] else "–" for row in rows],
            "title": [row["title"] for row in rows],
            "thumb": thumbs(dataset, open_dataset(dataset).digest, members),
        }
    )


def _label_colours(count: int) -> list[str]:
    turns = [colorsys.hls_to_rgb(place / count, 0.42 + 0.16 * (place % 2), 0.65) for place in range(count)]
    return ["#" + "".join(f"{round(255 * part):02x}" for part in colour) for colour in turns]


def _colouring(frame: pd.DataFrame, colour: str) -> dict[str, Any]:
    if colour == "label":
        labels = sorted(frame["label"].unique())
        return {
            "type": "piecewise",
            "show": False,
            "dimension": "label",
            "categories": labels,
            "inRange": {"color": _label_colours(len(labels))},
        }
    stops = SEQUENTIAL[np.linspace(0, len(SEQUENTIAL) - 1, SCALE_STOPS).astype(int)]
    return {
        "type": "continuous",
        "dimension": "kept",
        "min": 0,
        "max": 1,
        "calculable": True,
        "right": 0,
        "top": "middle",
        "inRange": {"color": [f"rgb({red},{green},{blue})" for red, green, blue in stops]},
    }


def map_chart(frame: pd.DataFrame, colour: str, found: list[int], key: str, alt: str) -> list[int]:
    """Draw the map coloured by "label" or "kept", some rows ringed; returns the rows chosen by box or lasso."""
    hidden = {"scale": True, "axisLabel": {"show": False}, "axisTick": {"show": False}, "splitLine": {"show": False}}
    series: list[dict[str, Any]] = [
        {"type": "scatter", "datasetIndex": 0, "symbolSize": 9, "encode": {"x": "x", "y": "y"}, "large": False}
    ]
    spec: dict[str, Any] = {
        "dataset": [{"source": frame}],
        "xAxis": hidden,
        "yAxis": hidden,
        "grid": {"left": 8, "right": 8, "top": 40, "bottom": 8},
        "tooltip": {"formatter": CARD},
        "visualMap": {**_colouring(frame, colour), "seriesIndex": 0},
        "brush": {"toolbox": ["rect", "polygon", "clear"], "xAxisIndex": "all"},
        "dataZoom": [{"type": "inside", "xAxisIndex": 0}, {"type": "inside", "yAxisIndex": 0}],
        "series": series,
    }
    if found:
        spec["dataset"].append({"source": frame.iloc[found]})
        ring = {"color": "rgba(0,0,0,0)", "borderColor": "#d1660a", "borderWidth": 2}
        series.append({**series[0], "datasetIndex": 1, "symbolSize": 18, "itemStyle": ring, "silent": True})
    event = st.echarts_chart(spec, key=key, on_select="rerun", height=560, alt=alt)
    chosen = event.selection.selected or []
    return sorted({row for part in chosen if not part.get("series_index") for row in part.get("data_index", [])})
