"""A picture to paint on, in coarse cells: by pointer, or by the arrow keys and the space bar."""

from collections.abc import Callable

import streamlit as st

from pages.ui.component import SCRIPT, buttons
from pages.ui.embedded import address
from viz_core.learn.looked import CELLS

_CSS = (
    buttons("paint")
    + """
.paint { display: grid; gap: 0.75rem; font-family: var(--st-font); color: var(--st-text-color); }
.paint canvas { width: 100%; max-width: 24rem; aspect-ratio: 1; touch-action: none; cursor: crosshair;
  border-radius: var(--st-base-radius); }
.paint .buttons { display: flex; flex-wrap: wrap; gap: 0.5rem; }
.paint button.main { background: var(--st-primary-color); border-color: var(--st-primary-color);
  color: var(--st-background-color); }
"""
)

_JS = (
    SCRIPT
    + """
const HTML = '<canvas tabindex="0" role="application" width="384" height="384"></canvas><div class="buttons">' +
  '<button class="main" type="button"></button><button type="button"></button><button type="button"></button></div>';

function build(view) {
  const [done, clear, skip] = view.root.querySelectorAll('button');
  const canvas = view.root.querySelector('canvas');
  Object.assign(view, { canvas, done, clear, skip, image: new Image(), cells: null, value: 1, cursor: null });
  view.image.onload = () => draw(view);
  onPress(canvas, {
    start: event => {
      const cell = cellAt(view, event);
      view.value = view.cells[cell] ? 0 : 1;
      set(view, cell);
    },
    move: (event, pressed) => { if (pressed) set(view, cellAt(view, event)); },
    lift: () => {},
  });
  canvas.onkeydown = event => key(view, event);
  canvas.onblur = () => { view.cursor = null; draw(view); };
  done.onclick = () => view.trigger('done', hex(view));
  clear.onclick = () => { view.cells.fill(0); draw(view); };
  skip.onclick = () => view.trigger('done', '');
}

function cellAt(view, event) {
  const { x, y } = shareAt(view.canvas, event), side = view.data.cells;
  const inside = share => within(Math.floor(share * side), 0, side - 1);
  return inside(y) * side + inside(x);
}

function set(view, cell) {
  const side = view.data.cells;
  const row = Math.floor(cell / side), column = cell % side;
  for (const [y, x] of [[row, column], [row + 1, column], [row, column + 1], [row + 1, column + 1]])
    if (y < side && x < side) view.cells[y * side + x] = view.value;
  draw(view);
}

function key(view, event) {
  const side = view.data.cells;
  const move = arrow(event);
  if (view.cursor === null) view.cursor = (side / 2) * side + side / 2;
  const row = Math.floor(view.cursor / side), column = view.cursor % side;
  if (move) {
    const inside = place => within(place, 0, side - 1);
    view.cursor = inside(row + move[1]) * side + inside(column + move[0]);
  } else if (event.key === ' ') { view.value = view.cells[view.cursor] ? 0 : 1; set(view, view.cursor); }
  else if (event.key === 'Enter') { if (!view.done.disabled) view.done.click(); }
  else return;
  event.preventDefault();
  draw(view);
}

function draw(view) {
  const pen = view.canvas.getContext('2d'), side = view.data.cells, size = view.canvas.width / side;
  if (view.image.complete && view.image.naturalWidth) pen.drawImage(view.image, 0, 0, view.canvas.width, view.canvas.height);
  view.cells.forEach((on, cell) => {
    if (!on) return;
    pen.fillStyle = 'rgba(255, 196, 0, 0.55)';
    pen.fillRect((cell % side) * size, Math.floor(cell / side) * size, size, size);
  });
  if (view.cursor !== null) {
    pen.strokeStyle = '#fff'; pen.lineWidth = 3;
    pen.strokeRect((view.cursor % side) * size, Math.floor(view.cursor / side) * size, size, size);
  }
  view.done.disabled = !view.cells.some(Boolean);
}

function hex(view) {
  let digits = '';
  for (let at = 0; at < view.cells.length; at += 4)
    digits += view.cells.slice(at, at + 4).reduce((value, bit) => 2 * value + bit, 0).toString(16);
  return digits;
}

function update(view, before) {
  const { src, cells, alt, labels } = view.data;
  if (!before || before.src !== src) view.cells = new Array(cells ** 2).fill(0);
  showPicture(view.image, src);
  view.canvas.setAttribute('aria-label', alt);
  [view.done, view.clear, view.skip].forEach((button, place) => { button.textContent = labels[place]; });
  draw(view);
}

export default component('paint', HTML, build, update);
"""
)

_canvas = st.components.v2.component("convscope_paint", css=_CSS, js=_JS)


def paint(picture: bytes, key: str, *, alt: str, labels: tuple[str, str, str], on_done: Callable[[str], None]) -> None:
    """Let a square PNG be painted on; `on_done` is told the cells as hexadecimal digits, nothing if it was skipped.

    `labels` are those of the buttons: done, clear, skip.
    """
    data = {
        "src": address(picture),
        "cells": CELLS,
        "alt": alt,
        "labels": list(labels),
    }

    def done() -> None:
        told = st.session_state[key].done
        if told is not None:
            on_done(told)

    _canvas(data=data, key=key, on_done_change=done)
