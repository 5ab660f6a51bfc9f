"""A film to scrub through: all frames are in the browser at once, so that the slider and the pictures never wait."""

import base64
from collections.abc import Callable, Sequence

import streamlit as st

_CSS = """
.film { display: grid; gap: 0.5rem; max-width: 32rem; font-family: var(--st-font); color: var(--st-text-color); }
.film canvas { max-width: 100%; height: auto; border-radius: var(--st-base-radius); }
.film .bar { display: flex; gap: 0.75rem; align-items: center; font-variant-numeric: tabular-nums; }
.film input { flex: 1; min-width: 4rem; accent-color: var(--st-primary-color); }
.film button { font: inherit; color: inherit; background: var(--st-background-color); padding: 0.25rem 0.75rem;
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius); cursor: pointer; }
.film button:hover { color: var(--st-primary-color); border-color: var(--st-primary-color); }
.film button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
"""

_JS = """
const views = new WeakMap();
const SHORT_SIDE = 320;  // of a small picture on the page, about
const SQUARES_FROM = 8;

function build(parent) {
  const root = document.createElement('div');
  root.className = 'film';
  root.innerHTML = '<canvas role="img"></canvas><div class="bar"><button class="play"></button>' +
    '<input type="range" min="1"><output></output></div><div><button class="take"></button></div>';
  parent.appendChild(root);
  const view = { root, canvas: root.querySelector('canvas'), play: root.querySelector('.play'),
    slider: root.querySelector('input'), output: root.querySelector('output'), take: root.querySelector('.take'),
    frames: [], given: null, timer: null };
  view.slider.oninput = () => { stop(view); show(view); };
  view.play.onclick = () => view.timer ? stop(view) : start(view);
  view.take.onclick = () => { stop(view); view.trigger('take', Number(view.slider.value)); };
  return view;
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

export default function ({ data, parentElement, setTriggerValue }) {
  let view = views.get(parentElement);
  if (!view) {
    view = build(parentElement);
    views.set(parentElement, view);
  }
  view.trigger = setTriggerValue;
  view.data = data;
  view.slider.setAttribute('aria-label', data.texts.frame);
  view.take.textContent = data.texts.go_on;
  view.take.title = data.texts.go_on_help;
  view.take.hidden = !data.take;
  if (view.given !== data.film) {
    stop(view);
    view.given = data.film;
    view.frames = data.frames.map(() => new Image());
    view.frames.forEach((picture, index) => {
      picture.onload = () => { if (index + 1 === Number(view.slider.value)) show(view); };
      picture.src = 'data:image/jpeg;base64,' + data.frames[index];
    });
    view.slider.max = data.frames.length;
    view.slider.value = data.frames.length;
  }
  label(view);
  show(view);
  return () => {
    clearInterval(view.timer);
    view.root.remove();
    views.delete(parentElement);
  };
}
"""

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

    encoded = [base64.b64encode(frame).decode() for frame in frames]
    data = {"film": name, "frames": encoded, "milliseconds": milliseconds, "take": on_take is not None, "texts": texts}
    _film(data=data, key=key, on_take_change=taken)
