"""The bar that leads through a lesson: what to say here, previous, next and any other stop, the time, and a hint."""

import streamlit as st

from pages.ui import link
from pages.ui.language import language, t
from pages.ui.stopwatch import stopwatch
from viz_core.lesson import Lesson, Stop, storyline
from viz_core.texts import text

LESSON = "lesson.now"
PLACE = "lesson.place"
RECORD = "lesson.record"
PRESENTING = "lesson.presenting"
ASKING = "lesson.asking"
SHOWN = "lesson.shown"
STAGE = "stage"  # what holds the result of a room

# Large type for the last row; nothing but the page itself.
_LARGE = """<style>
[data-testid=stSidebar], [data-testid=stSidebarCollapsedControl], [data-testid=stExpandSidebarButton],
[data-testid=stHeader] { display: none; }
html { font-size: 125%; }
[data-testid=stMainBlockContainer] { padding: 1rem 2rem; }
@media (max-width: 640px) { html { font-size: 100%; } [data-testid=stMainBlockContainer] { padding: 1rem; } }
</style>"""
# The sentence large, the buttons under it always in the same places; on telephones without what only lecturers need and the
# keys they have not got, and with the result before the settings.
_BAR = f"""<style>
.st-key-lesson-bar {{ padding: 0.75rem 1rem; gap: 0.5rem; }}
.st-key-lesson-say p {{ font-size: 1.25rem; }}
.st-key-lesson-jump {{ width: 17rem; max-width: 100%; }}
@media (max-width: 640px) {{
  .st-key-lesson-bar kbd, .st-key-lesson-bar [data-testid=stButtonShortcut], .st-key-lesson-presenting,
  .st-key-lesson-asking, .st-key-lesson-clock {{ display: none; }}
  [data-testid=stColumn]:has(.st-key-{STAGE}) {{ order: -1; }}
}}
</style>"""
_HIDDEN = f"<style>.st-key-{STAGE} {{ filter: blur(28px); pointer-events: none; user-select: none; }}</style>"


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
    st.query_params.pop("stop", None)


def come_back() -> None:
    """After a reload, or a lost connection, people are at the stop that the link names."""
    told = st.query_params.get("stop", "")
    if PLACE not in st.session_state and told.isdecimal():
        st.session_state[PLACE] = int(told) - 1


def current_stop() -> Stop | None:
    """The stop of the lesson people are at, or None outside of a lesson."""
    place = st.session_state.get(PLACE)
    stops = chosen_lesson().stops
    return stops[place] if place is not None and 0 <= place < len(stops) else None


def stop_name(stop: Stop) -> str:
    """What the room of a stop is called."""
    return text(f"{stop.room.replace('-', '_')}.title", language())


def lesson_bar() -> int | None:
    """Draw the bar while a lesson goes on; returns the place to go to when people chose another."""
    come_back()
    stop = current_stop()
    if stop is None:
        return None
    place, stops = st.session_state[PLACE], chosen_lesson().stops
    link.keep("stop", str(place + 1))
    presenting = st.session_state.get(PRESENTING, False)
    st.html(_BAR + (_LARGE if presenting else ""))
    keys = ("PageUp", "PageDown", "b") if presenting else ("Alt+PageUp", "Alt+PageDown", "Alt+b")  # of a remote, too
    with st.container(border=True, key="lesson-bar"):
        with st.container(key="lesson-say"):
            st.markdown(f"**{place + 1} / {len(stops)}** {stop.sentence(language())}")
        with st.container(horizontal=True, vertical_alignment="center"):
            back = st.button(
                t("lesson.back"), key="lesson.back", icon=":material/arrow_back:", disabled=place == 0, shortcut=keys[0]
            )
            on = st.button(
                t("lesson.next"),
                key="lesson.next",
                icon=":material/arrow_forward:",
                disabled=place == len(stops) - 1,
                shortcut=keys[1],
            )
            chosen = _jump(place, stops)
            _ask_first(place, keys[2])
            with st.popover(t("lesson.hint"), icon=":material/lightbulb:", key="lesson.hint"):
                st.markdown(t(f"hints.{stop.room.replace('-', '_')}"))
            st.toggle(t("lesson.present"), key=PRESENTING, help=t("lesson.present_help"), persist_state="session")
            stopwatch(t("lesson.clock"), presenting, key="lesson.clock")
            st.button(t("lesson.leave"), key="lesson.leave", icon=":material/close:", on_click=leave)
    return place - 1 if back else place + 1 if on else chosen if chosen != place else None


def _jump(place: int, stops: tuple[Stop, ...]) -> int:
    """Any stop, by its name."""
    with st.container(key="lesson-jump"):
        return st.selectbox(
            t("lesson.jump"),
            range(len(stops)),
            index=place,
            format_func=lambda number: f"{number + 1}. {stop_name(stops[number])}",
            key=f"lesson.jump.{place}",
            label_visibility="collapsed",
        )


def _ask_first(place: int, key: str) -> None:
    """Where the lecturer wants to ask first, the result is hidden at every stop until it is to be shown."""
    asking = st.toggle(t("lesson.ask_first"), key=ASKING, help=t("lesson.ask_first_help"), persist_state="session")
    if not asking:
        return
    shown = st.session_state.get(SHOWN) == place
    st.button(
        t("lesson.hide" if shown else "lesson.show"),
        key="lesson.show",
        icon=f":material/{'visibility_off' if shown else 'visibility'}:",
        type="secondary" if shown else "primary",
        shortcut=key,
        on_click=st.session_state.update,
        args=({SHOWN: None if shown else place},),
    )
    if not shown:
        st.html(_HIDDEN)
