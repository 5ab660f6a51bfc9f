"""The time since a lesson began, counted in the browser, which also keeps it over a reload; pressed, it begins anew."""

import streamlit as st

_CSS = """
.stopwatch { font: inherit; font-family: var(--st-font); font-variant-numeric: tabular-nums; color: var(--st-text-color);
  background: none; border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); padding: 0.4rem 0.75rem;
  cursor: pointer; min-width: 4.5rem; }
.stopwatch:focus-visible { outline: 2px solid var(--st-primary-color); }
"""

_JS = """
const KEPT = 'convscope.lesson.began';

export default function ({ data, parentElement }) {
  let button = parentElement.querySelector('button');
  if (!button) {
    button = document.createElement('button');
    button.className = 'stopwatch';
    button.onclick = () => { sessionStorage.setItem(KEPT, Date.now()); show(); };
    parentElement.appendChild(button);
  }
  const show = () => {
    if (!sessionStorage.getItem(KEPT)) sessionStorage.setItem(KEPT, Date.now());
    const seconds = Math.floor((Date.now() - Number(sessionStorage.getItem(KEPT))) / 1000);
    const two = (number) => String(number).padStart(2, '0');
    const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60;
    button.textContent = `${hours ? hours + ':' + two(minutes) : minutes}:${two(seconds % 60)}`;
    button.title = data.label;
    button.setAttribute('aria-label', `${data.label} ${button.textContent}`);
  };
  show();
  // A switch that has just been pressed would keep Page Down for itself.
  if (data.presenting && document.activeElement?.type === 'checkbox') document.activeElement.blur();
  const clock = setInterval(show, 1000);
  return () => clearInterval(clock);
}
"""

_watch = st.components.v2.component("convscope_stopwatch", css=_CSS, js=_JS)


def stopwatch(label: str, presenting: bool, *, key: str) -> None:
    """Show how long the lesson has gone on; `label` says so to people who cannot see it.

    While somebody is `presenting`, the keys of their remote must reach the page.
    """
    _watch(data={"label": label, "presenting": presenting}, key=key, height="content", width="content")
