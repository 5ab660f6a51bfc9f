"""What Streamlit itself says inside its widgets, in the language of the page: it speaks English only."""

import streamlit as st

from pages.ui.language import language
from viz_core.texts import catalogue, text

PREFIX = "streamlit."

_JS = """
const WIDGETS = '[data-testid=stFileUploader], [data-testid=stCameraInput], [data-testid=InputInstructions],' +
  '[data-testid=stMultiSelect], [data-testid=stSelectbox], [data-testid=stTooltipContent], [role=listbox],' +
  '[data-testid=stSidebarNav], [data-testid=stSkipLink], a[href="#main-content"]';
const TOLD = ['placeholder', 'aria-label', 'title', 'data-title', 'alt'];  // words that are attributes
const PAUSE = 150;  // ms: pages that run change all the time

function pattern([said, instead]) {
  const literal = said.replace(/[.*+?^$()|[\\]\\\\]/g, '\\\\$&');
  return [new RegExp('^' + literal.replace(/\\{\\w+\\}/g, '(.+)') + '$'), instead.replace(/\\{\\w+\\}/g, '$1')];
}

function translate(root, words) {
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const found = words.find(([said]) => said.test(node.nodeValue));
    if (found) node.nodeValue = node.nodeValue.replace(...found);
  }
}

function translateTold(words) {
  for (const name of TOLD) {
    for (const element of document.querySelectorAll(`[${name}]`)) {
      const now = element.getAttribute(name);
      const found = words.find(([said]) => said.test(now));
      if (found) element.setAttribute(name, now.replace(...found));
    }
  }
}

let watching = null;
let due = null;

export default function ({ data }) {
  if (watching) watching.disconnect();
  const words = data.words.map(pattern);
  if (!words.length) return;
  const all = () => {
    due = null;
    document.querySelectorAll(WIDGETS).forEach(widget => translate(widget, words));
    translateTold(words);
  };
  watching = new MutationObserver(() => { due = due || setTimeout(all, PAUSE); });
  watching.observe(document.body, { childList: true, subtree: true, characterData: true });
  all();
}
"""

_words = st.components.v2.component("convscope_native_words", js=_JS)


def native_words() -> None:
    """Have the words inside Streamlit's widgets translated as they appear."""
    names = [key.removeprefix(PREFIX) for key in catalogue("en") if key.startswith(PREFIX)]
    words = [[text(f"streamlit.{name}", lang) for lang in ("en", language())] for name in names]
    _words(data={"words": words if language() != "en" else []}, key="native_words")
