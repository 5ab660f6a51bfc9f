"""The time left for an answer, counted in the browser; it calls once when the time is over."""

from collections.abc import Callable

import streamlit as st

from pages.ui.component import SCRIPT

_CSS = """
.countdown { font-family: var(--st-font); color: var(--st-text-color); display: grid; gap: 0.25rem; font-size: 0.9rem;
  font-variant-numeric: tabular-nums; }
.countdown progress { width: 100%; height: 0.5rem; accent-color: var(--st-primary-color); }
"""

_JS = (
    SCRIPT
    + """
function update(view, before) {
  const { data } = view;
  if (before && before.name === data.name) return;
  clearInterval(view.clock);
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

const HTML = '<span></span><progress max="1"></progress>';
export default component('countdown', HTML, () => {}, update, view => clearInterval(view.clock));
"""
)

_clock = st.components.v2.component("convscope_countdown", css=_CSS, js=_JS)


def countdown(name: str, left: float, seconds: int, *, label: str, key: str, on_over: Callable[[], None]) -> None:
    """Count down from `left` of `seconds`; a new `name` begins anew. `label` has a place for `{seconds}`."""

    def over() -> None:
        if st.session_state[key].over == name:
            on_over()

    data = {"name": name, "left": left, "seconds": seconds, "label": label}
    _clock(data=data, key=key, on_over_change=over)
