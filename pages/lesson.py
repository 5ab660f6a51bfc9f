"""Lessons: the lecture's storyline as a walk through the rooms, or a lesson of one's own."""

import streamlit as st

from pages.ui import link
from pages.ui.explain_box import explain_box
from pages.ui.language import language, t
from pages.ui.lesson_bar import LESSON, RECORD, chosen_lesson, start
from pages.ui.navigation import go_to_stop
from viz_core.errors import ConvscopeError
from viz_core.lesson import Lesson, from_link, read_lesson, to_json, to_link
from viz_core.texts import text


def share(lesson: Lesson, file: str, label: str, key: str) -> None:
    """A lesson as a file and as a link."""
    with st.container(horizontal=True):
        st.download_button(label, to_json(lesson), file_name=file, key=f"lesson.save.{key}", on_click="ignore")
        with st.popover(t("lesson.link"), icon=":material/link:", key=f"lesson.link.{key}"):
            st.caption(t("lesson.link_help"))
            st.code(f"{(st.context.url or '').split('?')[0]}?lesson={to_link(lesson)}", language=None, wrap_lines=True)


st.title(f":material/route: {t('lesson.title')}", anchor=False)
st.markdown(f"##### {t('lesson.question')}")
steps = st.container()
file = st.file_uploader(
    t("lesson.open"), type=["json"], key="lesson.file", max_upload_size=1, help=t("lesson.open_help")
)
lesson = chosen_lesson()
told = link.arrived().get("lesson")
try:
    if file is not None:
        lesson = read_lesson(file.getvalue().decode("utf-8", errors="replace"))
    elif told is not None:
        lesson = st.session_state[LESSON] = from_link(told)
except ConvscopeError as problem:
    st.error(problem.sentence(language()), icon=":material/error:")
with steps:
    st.subheader(lesson.title.get(language()) or next(iter(lesson.title.values())), anchor=False)
    for place, stop in enumerate(lesson.stops):
        name = text(f"{stop.room.replace('-', '_')}.title", language())
        button, sentence = st.columns([1, 2], vertical_alignment="center")
        if button.button(f"{place + 1}. {name}", key=f"lesson.stop.{place}", width="stretch"):
            start(place, lesson)
            go_to_stop(stop)
        sentence.caption(stop.sentence(language()))
share(lesson, "convscope-lesson.json", t("lesson.save"), "shown")
recorded = st.session_state.get(RECORD, ())
if recorded:
    own = Lesson(title={language(): t("lesson.recorded_title")}, stops=recorded)
    share(own, "my-lesson.json", t("lesson.save_recorded", count=len(recorded)), "recorded")
st.caption(t("lesson.record_help"))
explain_box("lesson")
