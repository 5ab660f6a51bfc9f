"""A Gram matrix to explore: under the pointer are two channels; their maps and the product of these are drawn at once."""

import numpy as np
import streamlit as st

from pages.ui.component import SCRIPT
from pages.ui.embedded import address, coded
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

_JS = (
    SCRIPT
    + """
const FIGURE = '<figure><canvas></canvas><figcaption></figcaption></figure>';
const HTML = '<div class="frame"><canvas class="matrix" tabindex="0" role="application"></canvas>' +
  '<div class="line"></div><div class="line"></div></div><div class="maps">' + FIGURE +
  '<span class="sign">\u00d7</span>' + FIGURE + '<span class="sign">=</span>' + FIGURE + '</div>';

function bytes(text) { return Uint8Array.from(atob(text), letter => letter.charCodeAt(0)); }

function build(view) {
  const { root } = view, matrix = root.querySelector('.matrix');
  Object.assign(view, { matrix, lines: root.querySelectorAll('.line'), figures: [...root.querySelectorAll('figure')],
    picture: new Image(), pair: [0, 1] });
  view.picture.onload = () => {
    matrix.width = view.picture.naturalWidth;
    matrix.height = view.picture.naturalHeight;
    matrix.getContext('2d').drawImage(view.picture, 0, 0);
    show(view);
  };
  const go = (...pair) => { view.pair = pair.map(number => within(number, 0, view.data.channels - 1)); show(view); };
  const point = event => {
    const { x, y } = shareAt(matrix, event), { channels } = view.data;
    go(Math.floor(y * channels), Math.floor(x * channels));
  };
  onPress(matrix, { start: point, move: point, lift: () => {} });
  matrix.onkeydown = event => {
    const move = arrow(event);
    if (!move) return;
    go(view.pair[0] + move[1], view.pair[1] + move[0]);
    event.preventDefault();
  };
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

function update(view) {
  const { data } = view;
  view.maps = bytes(data.maps);
  view.entries = new Float32Array(bytes(data.matrix).buffer);
  view.table = bytes(data.table);
  view.pair = view.pair.map(number => Math.min(number, data.channels - 1));
  view.matrix.setAttribute('aria-label', data.texts.alt);
  if (view.picture.getAttribute('src') === data.src) show(view);
  else view.picture.src = data.src;
}

export default component('gram', HTML, build, update);
"""
)

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
        "src": address(encode_png(heatmap(view.compressed()))),
        "channels": len(maps),
        "height": maps.shape[1],
        "width": maps.shape[2],
        "maps": coded(shades.tobytes()),
        "least": least.tolist(),
        "greatest": greatest.tolist(),
        "matrix": coded(view.matrix.astype("<f4").tobytes()),
        "table": coded(SEQUENTIAL.tobytes()),
        "texts": texts,
    }
    _explorer(data=data, key=key)
