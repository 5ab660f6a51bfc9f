"""A picture with a patch that follows the pointer, and bars of the class probabilities that follow the patch."""

from collections.abc import Callable

import streamlit as st

from pages.ui.component import SCRIPT
from pages.ui.embedded import address
from viz_core.explain.eraser import Eraser, strongest

_CSS = """
.eraser { display: grid; grid-template-columns: minmax(0, 3fr) minmax(12rem, 2fr); gap: 1.5rem; align-items: start;
  font-family: var(--st-font); color: var(--st-text-color); }
@media (max-width: 640px) { .eraser { grid-template-columns: 1fr; } }
.eraser canvas { width: 100%; height: auto; touch-action: none; cursor: crosshair; border-radius: var(--st-base-radius); }
.eraser canvas:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
.eraser .bar { margin-bottom: 0.6rem; font-size: 0.9rem; }
.eraser .name { display: flex; justify-content: space-between; gap: 1rem; font-variant-numeric: tabular-nums; }
.eraser .track { position: relative; height: 0.6rem; background: var(--st-secondary-background-color);
  border-radius: var(--st-base-radius); overflow: hidden; }
.eraser .now { position: absolute; inset: 0 auto 0 0; background: var(--st-primary-color); }
.eraser .before { position: absolute; top: 0; bottom: 0; width: 2px; background: var(--st-text-color); }
"""

_JS = (
    SCRIPT
    + """
const HTML = '<canvas tabindex="0" role="application"></canvas><div class="bars" aria-live="polite"></div>';

function build(view) {
  const canvas = view.root.querySelector('canvas');
  Object.assign(view, { canvas, bars: view.root.querySelector('.bars'), clean: new Image(), hidden: new Image(),
    asked: 0, answered: 0, wanted: null, at: null, waits: [] });
  const follow = event => {
    const { x, y } = shareAt(canvas, event);
    move(view, { x: x * view.data.width, y: y * view.data.height });
  };
  onPress(canvas, { start: follow, move: follow, lift: () => {} });
  canvas.onkeydown = event => {
    const step = arrow(event);
    if (!step) return;
    const { patch, width, height } = view.data;
    const from = view.at || { x: width / 2, y: height / 2 };
    move(view, { x: from.x + step[0] * patch / 4, y: from.y + step[1] * patch / 4 });
    event.preventDefault();
  };
  view.clean.onload = view.hidden.onload = () => draw(view);
}

function corner(view) {
  const { patch, width, height } = view.data;
  const inside = (value, side) => Math.round(within(value - patch / 2, 0, Math.max(0, side - 1)));
  return { left: inside(view.at.x, width), top: inside(view.at.y, height) };
}

function move(view, at) {
  const { width, height } = view.data;
  view.at = { x: within(at.x, 0, width), y: within(at.y, 0, height) };
  draw(view);
  view.wanted = corner(view);
  ask(view);
}

function ask(view) {
  if (!view.wanted || view.asked > view.answered) return;
  view.asked += 1;
  view.since = performance.now();
  view.trigger('place', { ...view.wanted, number: view.asked });
  view.wanted = null;
}

function draw(view) {
  const { canvas, clean, hidden, data } = view;
  if (canvas.width !== data.width || canvas.height !== data.height) { canvas.width = data.width; canvas.height = data.height; }
  const pen = canvas.getContext('2d');
  if (clean.complete && clean.naturalWidth) pen.drawImage(clean, 0, 0);
  if (!view.at || !hidden.complete || !hidden.naturalWidth) return;
  const { left, top } = corner(view);
  const width = Math.min(data.patch, data.width - left), height = Math.min(data.patch, data.height - top);
  pen.drawImage(hidden, left, top, width, height, left, top, width, height);
  pen.strokeStyle = '#fff';
  pen.strokeRect(left + 0.5, top + 0.5, width - 1, height - 1);
}

function showBars(view) {
  const share = value => (100 * value).toFixed(1) + '%';
  view.bars.replaceChildren(...view.data.bars.map(({ name, now, before }) => {
    const bar = document.createElement('div');
    bar.className = 'bar';
    bar.innerHTML = '<div class="name"><span></span><span></span></div>' +
      '<div class="track"><div class="now"></div><div class="before"></div></div>';
    const [label, value] = bar.querySelectorAll('span');
    label.textContent = name;
    value.textContent = share(now);
    bar.querySelector('.now').style.width = share(now);
    bar.querySelector('.before').style.left = share(before);
    return bar;
  }));
}

function update(view) {
  const { data } = view;
  view.canvas.setAttribute('aria-label', data.alt);
  showPicture(view.clean, data.clean);
  showPicture(view.hidden, data.hidden);
  draw(view);
  showBars(view);
  if (data.number === view.asked && view.answered < view.asked) {
    view.answered = view.asked;
    view.waits.push(Math.round(performance.now() - view.since));
    view.root.dataset.waits = view.waits.slice(-50).join(' ');
    ask(view);
  }
}

export default component('eraser', HTML, build, update);
"""
)

_eraser = st.components.v2.component("convscope_eraser", css=_CSS, js=_JS)

SHOWN_CLASSES = 6


def eraser_view(key: str, eraser: Eraser, alt: str, class_name: Callable[[int], str]) -> None:
    """Draw the eraser's picture and, for the newest place of the patch, the probabilities with it and without.

    The classes that are likeliest without the patch stay on show, and the likeliest other one joins them. One question at a
    time is under way; the newest place comes next. To be called in a fragment, so that a movement runs nothing else.
    """
    asked = st.session_state.get(f"{key}.asked")
    place = (0, 0) if asked is None else (int(asked["top"]), int(asked["left"]))
    now = eraser.clean if asked is None else eraser.probabilities(*place)
    shown = strongest(now, eraser.clean.topk(SHOWN_CLASSES - 1).indices.tolist(), SHOWN_CLASSES)
    height, width = eraser.picture.shape[-2:]
    data = {
        "clean": address(eraser.clean_jpeg),
        "hidden": address(eraser.hidden_jpeg(*place)),
        "height": height,
        "width": width,
        "patch": eraser.patch,
        "alt": alt,
        "number": 0 if asked is None else asked["number"],
        "bars": [{"name": class_name(i), "now": float(now[i]), "before": float(eraser.clean[i])} for i in shown],
    }

    def moved() -> None:
        reported = st.session_state[key].place
        if reported is not None:
            st.session_state[f"{key}.asked"] = reported

    _eraser(data=data, key=key, on_place_change=moved)
