"""A picture that tells the value under the pointer and reports where it was clicked or which part was dragged over."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from pages.ui.component import SCRIPT
from pages.ui.embedded import address, coded

_CSS = """
.clickable { font-family: var(--st-font); color: var(--st-text-color); }
.clickable .frame { position: relative; display: inline-block; max-width: 100%; line-height: 0; touch-action: none; }
.clickable img { max-width: 100%; height: auto; cursor: crosshair; border-radius: var(--st-base-radius); }
.clickable .frame:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
.clickable .cell { position: absolute; box-sizing: border-box; border: 1.5px solid var(--st-primary-color);
  box-shadow: 0 0 0 1px var(--st-background-color); pointer-events: none; display: none; }
.clickable .chosen { position: absolute; box-sizing: border-box; border: 2.5px solid #d95f02; border-radius: 3px;
  box-shadow: 0 0 0 1.5px #fff; pointer-events: none; display: none; }
.clickable output { display: block; font-size: 0.9rem; min-height: 1.4em; font-variant-numeric: tabular-nums; }
"""

_JS = (
    SCRIPT
    + """
const HTML = '<div class="frame" tabindex="0" role="application"><img draggable="false"><div class="cell"></div>' +
  '<div class="chosen"></div></div><output></output>';

function build(view) {
  const found = name => view.root.querySelector(name);
  const [frame, image, cell, mark, output] = ['.frame', 'img', '.cell', '.chosen', 'output'].map(found);
  Object.assign(view, { frame, image, cell, mark, output, at: { x: 0.5, y: 0.5 }, from: null });
  onPress(frame, {
    start: event => { view.from = position(view, event); },
    move: event => { view.at = position(view, event); show(view); },
    lift: event => { report(view, view.from, position(view, event)); view.from = null; },
    cancel: () => { view.from = null; hide(view); },
  });
  frame.onpointerleave = () => { if (!view.from) hide(view); };
  frame.onfocus = () => { if (frame.matches(':focus-visible')) show(view); };
  frame.onblur = () => hide(view);
  frame.onkeydown = event => key(view, event);
  view.heard = event => { if (event.detail.to === view.data.hears) view.trigger('heard', event.detail.click); };
  document.addEventListener('convscope-click', view.heard);
}

const clamp = share => within(share, 0, 1 - 1e-9);

function position(view, event) {
  const { x, y } = shareAt(view.image, event);
  return { x: clamp(x), y: clamp(y) };
}

function steps(view) {
  const { rows, columns, area } = view.data;
  if (!rows) return { x: 1 / view.image.naturalWidth, y: 1 / view.image.naturalHeight };
  return { x: (area[2] - area[0]) / columns, y: (area[3] - area[1]) / rows };
}

function cellAt(view) {
  const { rows, columns, area } = view.data;
  if (!rows) return null;
  const column = Math.floor((view.at.x - area[0]) / (area[2] - area[0]) * columns);
  const row = Math.floor((view.at.y - area[1]) / (area[3] - area[1]) * rows);
  return row >= 0 && row < rows && column >= 0 && column < columns ? { row, column } : null;
}

function told(view, here) {
  const { columns, labels } = view.data, first = (here.row * columns + here.column) * labels.length;
  const values = labels.map((label, index) => [label, view.values[first + index]]);
  return values.every(([, value]) => Number.isNaN(value)) ? null : values;
}

const number = value => Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5 || value === 0 ?
  String(Number(value.toPrecision(3))) : value.toExponential(2);

const place = (box, x0, y0, x1, y1) => Object.assign(box.style, { display: 'block',
  left: 100 * x0 + '%', top: 100 * y0 + '%', width: 100 * (x1 - x0) + '%', height: 100 * (y1 - y0) + '%' });

function placeCell(view, box, here) {
  const step = steps(view), area = view.data.area;
  const x = area[0] + here.column * step.x, y = area[1] + here.row * step.y;
  place(box, x, y, x + step.x, y + step.y);
}

function mark(view, here) {
  if (here) placeCell(view, view.mark, here);
  else view.mark.style.display = 'none';
}

function show(view) {
  const { data, cell, from, at } = view;
  const here = cellAt(view);
  if (from && data.drag)
    place(cell, Math.min(from.x, at.x), Math.min(from.y, at.y), Math.max(from.x, at.x), Math.max(from.y, at.y));
  else if (here) placeCell(view, cell, here);
  else cell.style.display = 'none';
  if (!here) { view.output.textContent = ''; return; }
  const values = told(view, here);
  view.output.textContent = !values ? '' : data.where.replace('{row}', here.row + 1).replace('{column}', here.column + 1) + ': ' +
    values.map(([label, value]) => (label ? label + ' ' : '') + number(value)).join(', ');
}

function hide(view) {
  view.cell.style.display = 'none';
  view.output.textContent = '';
}

function report(view, from, to) {
  const wide = view.image.naturalWidth, high = view.image.naturalHeight;
  const here = cellAt(view);
  if (view.data.marks && here && told(view, here)) mark(view, here);  // at once: the server's answer takes longer
  const pixel = point => [Math.floor(point.x * wide), Math.floor(point.y * high)];
  const click = { from: pixel(view.data.drag ? from : to), to: pixel(to) };
  if (view.data.tells) document.dispatchEvent(new CustomEvent('convscope-click', { detail: { to: view.data.tells, click } }));
  else view.trigger('click', click);
}

function key(view, event) {
  const move = arrow(event);
  if (move) {
    const step = steps(view);
    view.at = { x: clamp(view.at.x + move[0] * step.x), y: clamp(view.at.y + move[1] * step.y) };
    show(view);
  } else if (event.key === 'Enter' || event.key === ' ') report(view, view.at, view.at);
  else return;
  event.preventDefault();
}

function update(view) {
  const { table, src, alt, chosen, width, crisp } = view.data;
  view.values = new Float32Array(Uint8Array.from(atob(table), letter => letter.charCodeAt(0)).buffer);
  showPicture(view.image, src);
  view.image.alt = alt;
  view.frame.setAttribute('aria-label', alt);
  mark(view, chosen && { row: chosen[0], column: chosen[1] });
  view.image.style.width = width ? width + 'px' : '100%';
  view.image.style.imageRendering = crisp ? 'pixelated' : 'auto';
}

const end = view => document.removeEventListener('convscope-click', view.heard);

export default component('clickable', HTML, build, update, end);
"""
)

_picture = st.components.v2.component("convscope_click_image", css=_CSS, js=_JS)


@dataclasses.dataclass(frozen=True)
class Click:
    """Where a picture was clicked, in its own pixels from the top left; a drag goes from `(x, y)` to `(x2, y2)`."""

    x: int
    y: int
    x2: int
    y2: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The part dragged over: left, top, right, bottom, the last two exclusive; one pixel for a click."""
        return min(self.x, self.x2), min(self.y, self.y2), max(self.x, self.x2) + 1, max(self.y, self.y2) + 1


@dataclasses.dataclass(frozen=True)
class Readout:
    """Values to read under the pointer: (rows, columns) or (rows, columns, parts), spread evenly over `area`.

    `area` is left, top, right, bottom as shares of the picture; a click marks its cell if `marks`, and `chosen` is the
    (row, column) marked before. Each of the parts has a label; where all parts are NaN
    nothing is shown. `where` names the place, with `{row}` and `{column}` counted from 1.
    """

    values: np.ndarray
    where: str
    labels: Sequence[str] = ("",)
    area: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    marks: bool = False
    chosen: tuple[int, int] | None = None


def click_image(
    picture: bytes,
    key: str,
    *,
    alt: str,
    readout: Readout | None = None,
    on_click: Callable[[Click], None] | None = None,
    tells: str | None = None,
    hears: str | None = None,
    on_heard: Callable[[Click], None] | None = None,
    drag: bool = False,
    width: int | None = None,
    crisp: bool = False,
) -> Click | None:
    """Draw a PNG or JPEG and return where it was clicked, in the run that follows the click; None in all others.

    The pointer and the arrow keys read values out of `readout`; Enter clicks. `on_click` is called before the page
    runs, so that it may set the values of widgets. With `drag` a part can be chosen. `width` is in CSS pixels, None
    for the width of the column; `crisp` shows pixels as squares. A picture that `tells` reports its clicks to the one that
    `hears` the same name, whose part of the page then runs alone, after `on_heard`.
    """
    rows, columns = readout.values.shape[:2] if readout else (0, 0)
    values = np.ascontiguousarray(readout.values if readout else [], np.float32)
    data = {
        "src": address(picture),
        "alt": alt,
        "rows": rows,
        "columns": columns,
        "table": coded(values.astype("<f4").tobytes()),
        "labels": list(readout.labels) if readout else [],
        "where": readout.where if readout else "",
        "area": list(readout.area) if readout else [],
        "marks": readout is not None and readout.marks,
        "chosen": readout.chosen if readout else None,
        "tells": tells,
        "hears": hears,
        "drag": drag,
        "width": width,
        "crisp": crisp,
    }

    def clicked() -> None:
        _report(st.session_state[key].click, on_click)

    def heard() -> None:
        _report(st.session_state[key].heard, on_heard)

    return _click(_picture(data=data, key=key, on_click_change=clicked, on_heard_change=heard).click)


def _report(reported: dict[str, list[int]] | None, listener: Callable[[Click], None] | None) -> None:
    click = _click(reported)
    if listener is not None and click is not None:
        listener(click)


def _click(reported: dict[str, list[int]] | None) -> Click | None:
    return None if reported is None else Click(*reported["from"], *reported["to"])
