"""A strip of small pictures to choose from with one click or the keyboard."""

from collections.abc import Mapping, Sequence

import streamlit as st

from pages.ui.embedded import address

_CSS = """
.strip { display: grid; grid-template-columns: repeat(auto-fill, minmax(var(--least), 1fr)); gap: 6px; }
.strip button { padding: 0; min-width: 0; border: 2px solid transparent; border-radius: 6px; background: none; cursor: pointer;
  line-height: 0; }
.strip button img { width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 4px; }
.strip figcaption { font: 0.78rem/1.35 var(--st-font); color: var(--st-text-color); white-space: pre-line; margin: 4px 2px;
  overflow-wrap: anywhere; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 4; overflow: hidden; }
.strip button:hover { border-color: var(--st-border-color); }
.strip button:focus-visible { outline: 2px solid var(--st-primary-color); }
.strip button[aria-pressed=true] { border-color: var(--st-primary-color); }
"""

_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  let strip = parentElement.querySelector('.strip');
  if (!strip) { strip = document.createElement('div'); strip.className = 'strip'; parentElement.appendChild(strip); }
  strip.setAttribute('role', 'group');
  strip.setAttribute('aria-label', data.label);
  strip.style.setProperty('--least', data.least + 'px');
  const made = JSON.stringify(data.items.map(item => [item.id, item.caption]));
  if (strip.dataset.made !== made) {
    strip.dataset.made = made;
    strip.replaceChildren(...data.items.map(item => {
      const button = document.createElement('button');
      button.type = 'button'; button.title = item.name; button.dataset.id = item.id;
      const picture = document.createElement('img');
      picture.src = item.src; picture.alt = item.name;
      button.appendChild(picture);
      if (item.caption) button.appendChild(Object.assign(document.createElement('figcaption'), { textContent: item.caption }));
      return button;
    }));
  }
  for (const button of strip.children) {
    button.setAttribute('aria-pressed', String(button.dataset.id === data.chosen));
    button.onclick = () => setTriggerValue('pick', button.dataset.id);
  }
}
"""

_strip = st.components.v2.component("convscope_thumbnails", css=_CSS, js=_JS)


def thumbnails(
    pictures: Mapping[str, bytes],
    names: Sequence[str],
    chosen: str,
    state_key: str,
    label: str,
    *,
    captions: Sequence[str] = (),
    least: int = 46,
) -> None:
    """Draw JPEG thumbnails by id, at least `least` pixels wide; a click puts the id into `st.session_state[state_key]`."""
    key = f"{state_key}.strip"
    items = [
        {"id": ref, "name": name, "src": address(jpeg)}
        for (ref, jpeg), name in zip(pictures.items(), names, strict=True)
    ]
    for item, caption in zip(items, captions, strict=False):
        item["caption"] = caption

    def picked() -> None:
        ref = st.session_state[key].pick
        if ref in pictures:
            st.session_state[state_key] = ref

    _strip(data={"items": items, "chosen": chosen, "label": label, "least": least}, key=key, on_pick_change=picked)
