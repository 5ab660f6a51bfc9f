"""On telephones the menu lies over the page: it closes when people have chosen where to go."""

import streamlit as st

_JS = """
const NARROW = 768;  // px: up to here Streamlit lays its sidebar over the page

function close(event) {
  if (window.innerWidth > NARROW || !event.target.closest('[data-testid=stSidebarNavLink]')) return;
  const button = document.querySelector('[data-testid=stSidebarCollapseButton] button');
  if (button) setTimeout(() => button.click(), 0);  // once the link has been followed
}

export default function () {
  document.addEventListener('click', close);
  return () => document.removeEventListener('click', close);
}
"""

_menu = st.components.v2.component("convscope_phone_menu", js=_JS)


def phone_menu() -> None:
    """Have the menu close behind the page that was chosen."""
    _menu(key="phone_menu")
