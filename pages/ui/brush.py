"""A picture to paint on: each stroke shows at once in the browser and is told when the pointer is lifted."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from pages.ui.component import SCRIPT, buttons
from pages.ui.embedded import address
from viz_core.generate.region import Stroke

MOST_POINTS = 2000  # of one stroke

_CSS = (
    buttons("brush")
    + """
.brush { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.5rem;
  font-family: var(--st-font); color: var(--st-text-color); }
.brush canvas { width: 100%; height: auto; touch-action: none; cursor: crosshair; border-radius: var(--st-base-radius); }
.brush .bar { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; font-size: 0.9rem; }
.brush label { display: flex; flex: 1 1 7rem; gap: 0.5rem; align-items: center; }
.brush input { flex: 1; width: 0; min-width: 3rem; accent-color: var(--st-primary-color); }
"""
)

_JS = (
    SCRIPT
    + """
const VEIL = 0.55;  // how dark the places are that are not painted
const HTML = '<canvas role="img"></canvas><div class="bar"><label><span></span>' +
  '<input type="range" min="2" max="40" value="14"></label><button class="erase" aria-pressed="false"></button>' +
  '<button class="clear"></button></div>';

function build(view) {
  const found = name => view.root.querySelector(name);
  const [canvas, size, erase, clear] = ['canvas', 'input', '.erase', '.clear'].map(found);
  Object.assign(view, { canvas, size, erase, clear, picture: new Image(), strokes: [], stroke: null });
  const isErasing = () => erase.getAttribute('aria-pressed') === 'true';
  view.picture.onload = () => draw(view);
  erase.onclick = () => erase.setAttribute('aria-pressed', !isErasing());
  clear.onclick = () => { view.strokes = []; draw(view); view.trigger('stroke', { clear: true }); };
  onPress(canvas, {
    start: event => {
      view.stroke = { points: [place(view, event)], brush: size.value / 100, erase: isErasing() };
      draw(view);
    },
    move: event => {
      if (!view.stroke || view.stroke.points.length >= view.data.most) return;
      view.stroke.points.push(place(view, event));
      draw(view);
    },
    lift: () => {
      view.strokes.push(view.stroke);
      view.trigger('stroke', view.stroke);
      view.stroke = null;
    },
  });
}

// In widths of the picture.
function place(view, event) {
  const { x, y } = shareAt(view.canvas, event);
  return [x, y * view.canvas.height / view.canvas.width];
}

function paint(pen, stroke, width) {
  pen.globalCompositeOperation = stroke.erase ? 'destination-out' : 'source-over';
  pen.lineWidth = stroke.brush * width;
  pen.lineCap = pen.lineJoin = 'round';
  pen.beginPath();
  stroke.points.forEach(([x, y], index) => pen[index ? 'lineTo' : 'moveTo'](x * width, y * width));
  if (stroke.points.length === 1) pen.lineTo(stroke.points[0][0] * width + 0.01, stroke.points[0][1] * width);
  pen.stroke();
}

function draw(view) {
  const { canvas, picture } = view, strokes = view.stroke ? [...view.strokes, view.stroke] : view.strokes;
  if (!picture.naturalWidth) return;
  const width = canvas.width = picture.naturalWidth, height = canvas.height = picture.naturalHeight;
  const pen = canvas.getContext('2d');
  pen.drawImage(picture, 0, 0);
  if (strokes.length) {
    const veil = new OffscreenCanvas(width, height), mask = new OffscreenCanvas(width, height);
    const painted = mask.getContext('2d'), dark = veil.getContext('2d');
    strokes.forEach(stroke => paint(painted, stroke, width));
    dark.fillStyle = 'rgba(0, 0, 0, ' + VEIL + ')';
    dark.fillRect(0, 0, width, height);
    dark.globalCompositeOperation = 'destination-out';
    dark.drawImage(mask, 0, 0);
    pen.drawImage(veil, 0, 0);
  }
  view.root.dataset.strokes = strokes.length;
}

function update(view) {
  const { texts, src, strokes } = view.data;
  view.root.querySelector('span').textContent = texts.size;
  view.size.setAttribute('aria-label', texts.size);
  view.erase.textContent = texts.erase;
  view.clear.textContent = texts.clear;
  view.canvas.setAttribute('aria-label', texts.alt);
  if (!view.stroke) view.strokes = strokes.slice();
  showPicture(view.picture, src);
  draw(view);
}

export default component('brush', HTML, build, update);
"""
)

_canvas = st.components.v2.component("convscope_brush", css=_CSS, js=_JS)


def brush(
    jpeg: bytes,
    key: str,
    strokes: Sequence[Stroke],
    *,
    texts: dict[str, str],
    on_stroke: Callable[[Stroke | None], None],
) -> None:
    """Draw a JPEG with the strokes so far; `on_stroke` is given each new one before the page runs, None to clear them.

    `texts`: what to call the brush's `size`, `erase`, `clear`, and the picture (`alt`).
    """

    def told() -> None:
        said = st.session_state[key].stroke
        if said is not None:
            on_stroke(None if said.get("clear") else read_stroke(said))

    data = {
        "src": address(jpeg),
        "strokes": [stroke._asdict() for stroke in strokes],
        "most": MOST_POINTS,
        "texts": texts,
    }
    _canvas(data=data, key=key, on_stroke_change=told)


def read_stroke(said: dict[str, Any]) -> Stroke:
    """A stroke as the browser tells it, kept within bounds."""
    points = tuple((_bounded(x, -1, 2), _bounded(y, -4, 8)) for x, y in said["points"][:MOST_POINTS])
    return Stroke(points, _bounded(said["brush"], 0.01, 0.5), bool(said["erase"]))


def _bounded(value: Any, least: float, most: float) -> float:
    return min(most, max(least, float(value)))
