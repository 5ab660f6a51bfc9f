"""Lessons: the lecture's storyline as a walk through the rooms, or a lesson of one's own."""

import streamlit as st

from pages.ui.language import language, t
from pages.ui.lesson_bar import RECORD, chosen_lesson, start
from pages.ui.navigation import go_to_stop
from viz_core.errors import ConvscopeError
from viz_core.lesson import Lesson, read_lesson, to_json
from viz_core.texts import text

st.title(f":material/route: {t('lesson.title')}", anchor=False)
st.markdown(f"##### {t('lesson.question')}")
steps = st.container()
file = st.file_uploader(
    t("lesson.open"), type=["json"], key="lesson.file", max_upload_size=1, help=t("lesson.open_help")
)
lesson = chosen_lesson()
if file is not None:
    try:
        lesson = read_lesson(file.getvalue().decode("utf-8", errors="replace"))
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
with st.container(horizontal=True):
    st.download_button(t("lesson.save"), to_json(lesson), file_name="convscope-lesson.json", on_click="ignore")
    recorded = st.session_state.get(RECORD, ())
    if recorded:
        own = Lesson(title={language(): t("lesson.recorded_title")}, stops=recorded)
        st.download_button(
            t("lesson.save_recorded", count=len(recorded)), to_json(own), file_name="my-lesson.json", on_click="ignore"
        )
st.caption(t("lesson.record_help"))
