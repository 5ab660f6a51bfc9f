"""A Gram matrix to explore: under the pointer are two channels; their maps and the product of these are drawn at once."""

import base64

import numpy as np
import streamlit as st

from viz_core.generate.gram_view import GramView
from viz_core.images.render import SEQUENTIAL, encode_png, heatmap

_CSS = """
.gram { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); gap: 1.5rem; align-items: start;
  font-family: var(--st-font); color: var(--st-text-color); }
@media (max-width: 640px) { .gram { grid-template-columns: minmax(0, 1fr); } }
.gram canvas { width: 100%; height: auto; image-rendering: pixelated; border-radius: var(--st-base-radius); display: block; }
.gram .matrix { touch-action: none; cursor: crosshair; }
.gram .matrix:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
.gram .frame { position: relative; }
.gram .line { position: absolute; background: var(--st-primary-color); opacity: 0.85; pointer-events: none; }
.gram .maps { display: grid; grid-template-columns: minmax(0, 1fr) auto minmax(0, 1fr) auto minmax(0, 1fr); gap: 0.5rem;
  align-items: start; }
.gram .sign { font-size: 1.4rem; padding-top: 10%; }
.gram figure { margin: 0; }
.gram figcaption { font-size: 0.875rem; min-height: 1.4em; font-variant-numeric: tabular-nums; }
"""

_JS = """
const views = new WeakMap();

function bytes(text) { return Uint8Array.from(atob(text), letter => letter.charCodeAt(0)); }

function build(parent) {
  const root = document.createElement('div');
  root.className = 'gram';
  const figure = '<figure><canvas></canvas><figcaption></figcaption></figure>';
  root.innerHTML = '<div class="frame"><canvas class="matrix" tabindex="0" role="application"></canvas>' +
    '<div class="line"></div><div class="line"></div></div><div class="maps">' + figure +
    '<span class="sign">\\u00d7</span>' + figure + '<span class="sign">=</span>' + figure + '</div>';
  parent.appendChild(root);
  const view = { root, matrix: root.querySelector('.matrix'), lines: root.querySelectorAll('.line'),
    figures: [...root.querySelectorAll('figure')], picture: new Image(), pair: [0, 1] };
  view.picture.onload = () => {
    view.matrix.width = view.picture.naturalWidth;
    view.matrix.height = view.picture.naturalHeight;
    view.matrix.getContext('2d').drawImage(view.picture, 0, 0);
    show(view);
  };
  const point = event => {
    const box = view.matrix.getBoundingClientRect(), { channels } = view.data;
    const at = (value, length) => Math.min(channels - 1, Math.max(0, Math.floor(value / length * channels)));
    view.pair = [at(event.clientY - box.top, box.height), at(event.clientX - box.left, box.width)];
    show(view);
  };
  view.matrix.onpointermove = view.matrix.onpointerdown = point;
  view.matrix.onkeydown = event => {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!move) return;
    view.pair = view.pair.map((value, axis) => Math.min(view.data.channels - 1, Math.max(0, value + move[axis])));
    show(view);
    event.preventDefault();
  };
  return view;
}

function channel(view, number) {
  const { height, width, least, greatest } = view.data, size = height * width;
  const low = least[number], range = greatest[number] - low;
  return Float32Array.from(view.maps.subarray(number * size, (number + 1) * size), value => low + value / 255 * range);
}

function draw(view, figure, values, said) {
  const { height, width } = view.data, canvas = figure.querySelector('canvas');
  canvas.width = width;
  canvas.height = height;
  const low = values.reduce((a, b) => Math.min(a, b), 0), most = values.reduce((a, b) => Math.max(a, b), low + 1e-12);
  const pen = canvas.getContext('2d');
  const pixels = pen.createImageData(width, height), last = view.table.length / 3 - 1;
  values.forEach((value, index) => {
    const shade = 3 * Math.round((value - low) / (most - low) * last);
    pixels.data.set([view.table[shade], view.table[shade + 1], view.table[shade + 2], 255], 4 * index);
  });
  pen.putImageData(pixels, 0, 0);
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', said);
  figure.querySelector('figcaption').textContent = said;
}

function show(view) {
  const { channels, texts } = view.data, [first, second] = view.pair;
  const a = channel(view, first), b = channel(view, second), product = a.map((value, index) => value * b[index]);
  const mean = view.entries[first * channels + second];
  draw(view, view.figures[0], a, texts.channel.replace('{number}', first + 1));
  draw(view, view.figures[1], b, texts.channel.replace('{number}', second + 1));
  draw(view, view.figures[2], product, texts.product.replace('{value}', Number(mean.toPrecision(3))));
  const middle = value => 100 * (value + 0.5) / channels + '%';
  Object.assign(view.lines[0].style, { left: 0, right: 0, top: middle(first), height: '1px' });
  Object.assign(view.lines[1].style, { top: 0, bottom: 0, left: middle(second), width: '1px' });
  view.root.dataset.pair = view.pair.join();
  view.root.dataset.mean = mean;
}

export default function ({ data, parentElement }) {
  let view = views.get(parentElement);
  if (!view) {
    view = build(parentElement);
    views.set(parentElement, view);
  }
  view.data = data;
  view.maps = bytes(data.maps);
  view.entries = new Float32Array(bytes(data.matrix).buffer);
  view.table = bytes(data.table);
  view.pair = view.pair.map(number => Math.min(number, data.channels - 1));
  view.matrix.setAttribute('aria-label', data.texts.alt);
  if (view.picture.getAttribute('src') !== data.src) view.picture.src = data.src;
  else show(view);
  return () => {
    view.root.remove();
    views.delete(parentElement);
  };
}
"""

_explorer = st.components.v2.component("convscope_gram", css=_CSS, js=_JS)


def gram_explorer(view: GramView, key: str, texts: dict[str, str]) -> None:
    """Draw the matrix with crosshairs that follow the pointer or the arrow keys.

    `texts`: `alt` for the matrix, `channel` with `{number}` counted from 1, `product` with the mean as `{value}`.
    """
    maps = view.small_maps()
    least, greatest = maps.min((1, 2)), maps.max((1, 2))
    ranges = np.maximum(greatest - least, 1e-12)[:, None, None]
    shades = np.rint(255 * (maps - least[:, None, None]) / ranges).astype(np.uint8)
    data = {
        "src": "data:image/png;base64," + _base64(encode_png(heatmap(view.compressed()))),
        "channels": len(maps),
        "height": maps.shape[1],
        "width": maps.shape[2],
        "maps": _base64(shades.tobytes()),
        "least": least.tolist(),
        "greatest": greatest.tolist(),
        "matrix": _base64(view.matrix.astype("<f4").tobytes()),
        "table": _base64(SEQUENTIAL.tobytes()),
        "texts": texts,
    }
    _explorer(data=data, key=key)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
