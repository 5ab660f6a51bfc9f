"""What goes wrong outside the run of a page: in a widget's callback, or in a part of the page that is drawn by itself."""

import traceback

import streamlit as st
from streamlit.runtime.scriptrunner import RerunException, get_script_run_ctx

from pages.ui.language import language, t
from viz_core.errors import ConvscopeError

SENTENCE = "problem.sentence"
CALLBACKS = "_call_callbacks"  # Streamlit's function that calls them


def tell(problem: Exception) -> bool:
    """Show a sentence instead of Streamlit's box; its handler for exceptions that nobody caught.

    One in a part of a page is told in its place. After one in a callback the page is drawn as usual, the sentence on top.
    """
    is_known = isinstance(problem, ConvscopeError)
    sentence = problem.sentence(language()) if is_known else t("ui.unexpected")
    if any(frame.name == CALLBACKS for frame in traceback.extract_tb(problem.__traceback__)):
        st.session_state[SENTENCE] = sentence
        _run_again()
    else:
        st.error(sentence, icon=":material/error:")
    return True


def tell_last() -> None:
    """The sentence of a callback that failed just now, if one did."""
    sentence = st.session_state.pop(SENTENCE, None)
    if sentence is not None:
        st.error(sentence, icon=":material/error:")


def _run_again() -> None:
    """Have the page drawn after this; a handler must not be left by the exception that `st.rerun` raises."""
    context = get_script_run_ctx()
    try:
        st.rerun()
    except RerunException as wish:
        if context is not None and context.script_requests is not None:
            context.script_requests.request_rerun(wish.rerun_data)
