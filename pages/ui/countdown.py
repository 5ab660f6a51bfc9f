"""The time left for an answer, counted in the browser; it calls once when the time is over."""

from collections.abc import Callable

import streamlit as st

_CSS = """
.countdown { font-family: var(--st-font); color: var(--st-text-color); display: grid; gap: 0.25rem; font-size: 0.9rem;
  font-variant-numeric: tabular-nums; }
.countdown progress { width: 100%; height: 0.5rem; accent-color: var(--st-primary-color); }
"""

_JS = """
const views = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let view = views.get(parentElement);
  if (!view) {
    const root = document.createElement('div');
    root.className = 'countdown';
    root.innerHTML = '<span></span><progress max="1"></progress>';
    parentElement.appendChild(root);
    view = { root, name: null };
    views.set(parentElement, view);
  }
  view.trigger = setTriggerValue;
  if (view.name !== data.name) {
    clearInterval(view.clock);
    view.name = data.name;
    view.end = performance.now() + 1000 * data.left;
    const show = () => {
      const left = Math.max(0, (view.end - performance.now()) / 1000);
      view.root.firstChild.textContent = data.label.replace('{seconds}', Math.ceil(left));
      view.root.lastChild.value = left / data.seconds;
      view.root.lastChild.setAttribute('aria-label', data.label.replace('{seconds}', ''));
      if (left === 0) { clearInterval(view.clock); view.trigger('over', data.name); }
    };
    view.clock = setInterval(show, 200);
    show();
  }
  return () => {
    clearInterval(view.clock);
    view.root.remove();
    views.delete(parentElement);
  };
}
"""

_clock = st.components.v2.component("convscope_countdown", css=_CSS, js=_JS)


def countdown(name: str, left: float, seconds: int, *, label: str, key: str, on_over: Callable[[], None]) -> None:
    """Count down from `left` of `seconds`; a new `name` begins anew. `label` has a place for `{seconds}`."""

    def over() -> None:
        if st.session_state[key].over == name:
            on_over()

    data = {"name": name, "left": left, "seconds": seconds, "label": label}
    _clock(data=data, key=key, on_over_change=over)
