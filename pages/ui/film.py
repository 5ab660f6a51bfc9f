"""A film to scrub through: all frames are in the browser at once, so that the slider and the pictures never wait."""

from collections.abc import Callable, Sequence

import streamlit as st

from pages.ui.component import SCRIPT, buttons
from pages.ui.embedded import address

_CSS = (
    buttons("film")
    + """
.film { display: grid; gap: 0.5rem; max-width: 32rem; font-family: var(--st-font); color: var(--st-text-color); }
.film canvas { max-width: 100%; height: auto; border-radius: var(--st-base-radius); }
.film .bar { display: flex; gap: 0.75rem; align-items: center; font-variant-numeric: tabular-nums; }
.film input { flex: 1; min-width: 4rem; accent-color: var(--st-primary-color); }
"""
)

_JS = (
    SCRIPT
    + """
const SHORT_SIDE = 320;  // of a small picture on the page, about
const SQUARES_FROM = 8;
const HTML = '<canvas role="img"></canvas><div class="bar"><button class="play"></button>' +
  '<input type="range" min="1"><output></output></div><div><button class="take"></button></div>';

function build(view) {
  const found = name => view.root.querySelector(name);
  const [canvas, play, slider, output, take] = ['canvas', '.play', 'input', 'output', '.take'].map(found);
  Object.assign(view, { canvas, play, slider, output, take, frames: [], timer: null });
  slider.oninput = () => { stop(view); show(view); };
  play.onclick = () => view.timer ? stop(view) : start(view);
  take.onclick = () => { stop(view); view.trigger('take', Number(slider.value)); };
}

const fill = (template, values) => template.replace(/\\{(\\w+)\\}/g, (_, name) => values[name]);

function start(view) {
  if (Number(view.slider.value) === view.frames.length) view.slider.value = 1;
  view.timer = setInterval(() => {
    const next = Number(view.slider.value) + 1;
    if (next > view.frames.length) { stop(view); return; }
    view.slider.value = next;
    show(view);
  }, view.data.milliseconds);
  label(view);
}

function stop(view) {
  clearInterval(view.timer);
  view.timer = null;
  label(view);
}

function label(view) {
  const { texts } = view.data;
  view.play.textContent = view.timer ? '\\u23f8\\ufe0e' : '\\u25b6\\ufe0e';
  view.play.setAttribute('aria-label', view.timer ? texts.pause : texts.play);
}

function show(view) {
  const number = Number(view.slider.value), picture = view.frames[number - 1], { canvas } = view;
  view.output.textContent = number + ' / ' + view.frames.length;
  canvas.setAttribute('aria-label', fill(view.data.texts.alt, { number }));
  if (!picture.complete || !picture.naturalWidth) return;
  if (canvas.width !== picture.naturalWidth || canvas.height !== picture.naturalHeight) {
    canvas.width = picture.naturalWidth;
    canvas.height = picture.naturalHeight;
    const times = Math.max(1, Math.round(SHORT_SIDE / Math.min(canvas.width, canvas.height)));
    canvas.style.width = canvas.width * times + 'px';
    canvas.style.imageRendering = times >= SQUARES_FROM ? 'pixelated' : 'auto';
  }
  canvas.getContext('2d').drawImage(picture, 0, 0);
  view.root.dataset.shown = number;
}

function update(view, before) {
  const { data } = view;
  view.slider.setAttribute('aria-label', data.texts.frame);
  view.take.textContent = data.texts.go_on;
  view.take.title = data.texts.go_on_help;
  view.take.hidden = !data.take;
  if (!before || before.film !== data.film) {
    stop(view);
    view.frames = data.frames.map(() => new Image());
    view.frames.forEach((picture, index) => {
      picture.onload = () => { if (index + 1 === Number(view.slider.value)) show(view); };
      picture.src = data.frames[index];
    });
    view.slider.max = data.frames.length;
    view.slider.value = data.frames.length;
  }
  label(view);
  show(view);
}

export default component('film', HTML, build, update, view => clearInterval(view.timer));
"""
)

_film = st.components.v2.component("convscope_film", css=_CSS, js=_JS)


def film(
    frames: Sequence[bytes],
    key: str,
    *,
    name: str,
    milliseconds: int,
    texts: dict[str, str],
    on_take: Callable[[int], None] | None = None,
) -> None:
    """Draw JPEG frames with a slider and a button that plays them, one every so many milliseconds.

    `name` tells one film from another. With `on_take` a second button gives it the number of the frame shown, counted
    from 1, before the page runs again. `texts` are those of the catalogue `tape`.
    """

    def taken() -> None:
        number = st.session_state[key].take
        if on_take is not None and number is not None:
            on_take(int(number))

    shown = [address(frame) for frame in frames]
    data = {"film": name, "frames": shown, "milliseconds": milliseconds, "take": on_take is not None, "texts": texts}
    _film(data=data, key=key, on_take_change=taken)
