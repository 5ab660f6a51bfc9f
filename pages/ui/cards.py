"""Cards to choose a room by: a picture of what it makes, its name and the question it answers."""

import dataclasses
from collections.abc import Sequence

import streamlit as st

from pages.ui.embedded import address

_CSS = """
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(180px, 1fr)); gap: 1rem;
  font-family: var(--st-font); }
.cards a { display: flex; flex-direction: column; overflow: hidden; text-decoration: none; color: var(--st-text-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); transition: border-color 0.15s; }
.cards a:hover { border-color: var(--st-primary-color); }
.cards a:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
.cards img, .cards .none { width: 100%; aspect-ratio: 16 / 10; object-fit: cover; display: block;
  background: var(--st-secondary-background-color); }
.cards b { font-weight: 600; padding: 0.7rem 0.9rem 0.2rem; }
.cards span { font-size: 0.875rem; line-height: 1.45; padding: 0 0.9rem 0.9rem; opacity: 0.8; }
"""

_JS = """
function build(item) {
  const card = document.createElement('a');
  const picture = document.createElement(item.src ? 'img' : 'div');
  if (item.src) { picture.src = item.src; picture.alt = ''; } else picture.className = 'none';
  const title = document.createElement('b'), text = document.createElement('span');
  title.textContent = item.title;
  text.textContent = item.text;
  card.append(picture, title, text);
  card.href = item.link;
  card.dataset.id = item.id;
  return card;
}

export default function ({ data, parentElement, setTriggerValue }) {
  let cards = parentElement.querySelector('.cards');
  if (!cards) {
    cards = document.createElement('div');
    cards.className = 'cards';
    parentElement.appendChild(cards);
  }
  const made = data.items.map(item => item.link + item.title).join(' ');
  if (cards.dataset.made !== made) {
    cards.dataset.made = made;
    cards.replaceChildren(...data.items.map(build));
  }
  for (const card of cards.children) card.onclick = event => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;  // a tab or window of its own
    event.preventDefault();
    setTriggerValue('pick', card.dataset.id);
  };
}
"""

_cards = st.components.v2.component("convscope_cards", css=_CSS, js=_JS)


@dataclasses.dataclass(frozen=True)
class Card:
    """One card: an id, where it leads, what it says, and a WebP picture if there is one."""

    id: str
    link: str
    title: str
    text: str
    picture: bytes | None


def cards(shown: Sequence[Card], key: str) -> str | None:
    """Draw cards, as many in a row as fit; returns the id of one that was clicked, in the run that follows the click."""
    items = [
        {"id": card.id, "link": card.link, "title": card.title, "text": card.text, "src": _source(card.picture)}
        for card in shown
    ]
    return _cards(data={"items": items}, key=key, on_pick_change=lambda: None).pick


def _source(picture: bytes | None) -> str:
    return "" if picture is None else address(picture)
