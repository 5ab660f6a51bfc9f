"""A map of many points to look into: hover, zoom, box and lasso, threads to the true neighbours, frames to move between."""

import colorsys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from pages.ui.embedded import address, coded
from pages.ui.language import t
from pages.ui.served import Served, addresses
from viz_core.images.render import SEQUENTIAL

HEIGHT = 600
SHADES = 64
MOST_NAMED = 24  # colours that are told apart in the legend
TEXTS = (
    *("pan", "box", "lasso", "pictures", "home", "hint_pan", "hint_box", "hint_lasso"),
    *("neighbours", "frames", "play", "pause"),
)
HERE = Path(__file__).parent

_map = st.components.v2.component(
    "convscope_map",
    css=(HERE / "scatter.css").read_text(encoding="utf-8"),
    js=(HERE / "scatter.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Frame:
    """Where the points lie: name, places (N, 2) in the unit square or NaN, and the side of a picture's cell if it has one."""

    name: str
    places: np.ndarray
    cell: float = 0.0


@dataclass(frozen=True)
class Colours:
    """A colour for each point: numbers into a palette of "#rrggbb", and what the legend says (names, or low and high)."""

    codes: np.ndarray
    palette: list[str]
    key: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Dropped:
    """A new picture on a map: as JPEG, its place in each frame (F, 2), and what it is called."""

    jpeg: bytes
    places: np.ndarray
    title: str


@dataclass(frozen=True)
class Points:
    """The points of a map: a name for all, members (N,) of their set, words on each, and their true neighbours (N, k)."""

    name: str
    members: np.ndarray
    labels: Sequence[str]
    titles: Sequence[str]
    neighbours: np.ndarray
    notes: Sequence[str] = field(default=())


def by_name(names: Sequence[str]) -> Colours:
    """A colour for each different name."""
    different, codes = np.unique(np.asarray(names), return_inverse=True)
    count = len(different)
    turns = [colorsys.hls_to_rgb(place / count, (0.5, 0.64, 0.42)[place % 3], 0.7) for place in range(count)]
    palette = ["#" + "".join(f"{round(255 * part):02x}" for part in colour) for colour in turns]
    return Colours(codes, palette, {"names": different.tolist()} if count <= MOST_NAMED else None)


def by_value(values: np.ndarray, low: str, high: str) -> Colours:
    """A colour for each value from the least, which is called `low`, to the greatest."""
    span = max(float(values.max() - values.min()), 1e-12)
    codes = np.rint((values - values.min()) / span * (SHADES - 1)).astype(int)
    shades = SEQUENTIAL[np.linspace(0, len(SEQUENTIAL) - 1, SHADES).astype(int)]
    return Colours(codes, ["#" + bytes(shade).hex() for shade in shades], {"low": low, "high": high})


def scatter(
    points: Points,
    frames: Sequence[Frame],
    colours: Colours,
    served: Served,
    key: str,
    *,
    alt: str,
    marked: Sequence[int] = (),
    dropped: Sequence[Dropped] = (),
    curve: Sequence[float] = (),
    curve_title: str = "",
) -> list[int]:
    """Draw a map and return the points chosen by box, lasso or click; `curve` has a value in [0, 1] for each frame."""
    sheets, sharp = addresses(points.name, served)
    labels, label_of = np.unique(np.asarray(points.labels), return_inverse=True)
    data = {
        "id": points.name,
        "count": len(points.members),
        "height": HEIGHT,
        "frames": [{"name": one.name, "xy": _coded(one.places, "<f4"), "cell": one.cell} for one in frames],
        "codes": _coded(colours.codes, "<u2"),
        "palette": colours.palette,
        "key": colours.key,
        "labels": labels.tolist(),
        "label_of": _coded(label_of, "<u2"),
        "titles": list(points.titles),
        "notes": list(points.notes),
        "members": _coded(points.members, "<i4"),
        "links": _coded(points.neighbours, "<i4"),
        "marked": _coded(np.asarray(marked), "<i4"),
        "dropped": [_landed(one) for one in dropped],
        "sheets": sheets,
        "sharp": sharp,
        "look": served.looks.shape[1],
        "columns": served.columns,
        "per_sheet": served.columns**2,
        "curve": list(curve) or None,
        "texts": {name: t(f"scatter.{name}") for name in TEXTS} | {"alt": alt, "curve": curve_title},
    }
    chosen = _map(data=data, key=key, default={"chosen": []}, on_chosen_change=lambda: None).chosen
    return [index for index in chosen or [] if 0 <= index < len(points.members)]


def _landed(one: Dropped) -> dict[str, Any]:
    return {"src": address(one.jpeg), "xy": one.places.tolist(), "title": one.title}


def _coded(values: np.ndarray, kind: str) -> str:
    return coded(np.ascontiguousarray(values, kind).tobytes())
