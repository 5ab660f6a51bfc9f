"""Who is there: every browser session is a person whose jobs go on while the session lasts."""

import uuid

import streamlit as st

from viz_core.jobs import presence


def owner() -> str:
    """The id of the person in this browser session. Jobs of theirs survive page changes, and a short absence."""
    person = st.session_state.setdefault("session.owner", uuid.uuid4().hex)
    return _lease(person)


@st.cache_resource(scope="session", on_release=presence.leave, show_spinner=False)
def _lease(person: str) -> str:
    """Mark a person as present until their session ends."""
    presence.arrive(person)
    return person
