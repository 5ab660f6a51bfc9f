"""The bar that leads through a lesson: what to say here, previous and next."""

import streamlit as st

from pages.ui.language import language, t
from viz_core.lesson import Lesson, Stop, storyline

LESSON = "lesson.now"
PLACE = "lesson.place"
RECORD = "lesson.record"
PRESENTING = "lesson.presenting"

# Large type for the last row; nothing but the page itself.
_LARGE = """<style>
[data-testid=stSidebar], [data-testid=stSidebarCollapsedControl], [data-testid=stExpandSidebarButton] { display: none; }
[data-testid=stTopNav] { visibility: hidden; }
html { font-size: 125%; }
[data-testid=stMainBlockContainer] { padding: 1.5rem 2rem; }
</style>"""


def chosen_lesson() -> Lesson:
    """The lesson people opened, or the lecture's own."""
    return st.session_state.get(LESSON) or storyline()


def start(place: int, lesson: Lesson | None = None) -> None:
    """Go into a lesson at one of its stops."""
    st.session_state[LESSON] = lesson or chosen_lesson()
    st.session_state[PLACE] = place


def leave() -> None:
    """Out of the lesson; the page stays."""
    st.session_state.pop(PLACE, None)


def current_stop() -> Stop | None:
    """The stop of the lesson people are at, or None outside of a lesson."""
    place = st.session_state.get(PLACE)
    stops = chosen_lesson().stops
    return stops[place] if place is not None and 0 <= place < len(stops) else None


def lesson_bar() -> int | None:
    """Draw the bar while a lesson goes on; returns the place to go to when a button was pressed."""
    stop = current_stop()
    if stop is None:
        return None
    place, total = st.session_state[PLACE], len(chosen_lesson().stops)
    presenting = st.session_state.get(PRESENTING, False)
    if presenting:
        st.html(_LARGE)
    keys = ("PageUp", "PageDown") if presenting else ("Alt+PageUp", "Alt+PageDown")  # those of a presenter's remote
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="lesson.bar"):
        back = st.button(
            t("lesson.back"), key="lesson.back", icon=":material/arrow_back:", disabled=place == 0, shortcut=keys[0]
        )
        st.markdown(f"**{place + 1} / {total}** {stop.sentence(language())}")
        on = st.button(
            t("lesson.next"),
            key="lesson.next",
            icon=":material/arrow_forward:",
            disabled=place == total - 1,
            shortcut=keys[1],
        )
        st.toggle(t("lesson.present"), key=PRESENTING, help=t("lesson.present_help"), persist_state="session")
        st.button(t("lesson.leave"), key="lesson.leave", icon=":material/close:", on_click=leave)
    return place - 1 if back else place + 1 if on else None
