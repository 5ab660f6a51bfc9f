"""A page with one long run whose cost is known: squares that move, `cost` seconds a step; `fail` ends it with an error."""

import time

import numpy as np
import streamlit as st

from pages.ui.language import choose_language
from pages.ui.live import attach, live_view, stop_button
from pages.ui.session import owner
from viz_core.jobs import scheduler
from viz_core.recipe import Recipe
from viz_core.technique import Result, Run, Step

choose_language()
owner()
link = st.query_params
steps, cost = int(link.get("steps", 1000)), float(link.get("cost", 0.08))
fail = int(link.get("fail", -1))


def run() -> Run:
    squares = np.random.default_rng(0).integers(0, 255, (28, 28, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    done, asked = 0, 0.0
    while done < steps:
        time.sleep(cost)
        done += 1
        if done == fail:
            raise ZeroDivisionError
        if (yield Step(done, steps, np.roll(squares, done, 1), {"loss": 1 / done})):
            asked = time.time()
            break
    recipe = Recipe(technique="live-page", parameters={}, weights="", picture="")
    return Result(recipe, {}, {"squares": squares}, {"done": done, "asked": asked}, {})


def start() -> None:
    job = scheduler().submit(owner(), run, "live-page:")
    st.session_state["job"] = job
    st.query_params["job"] = job.id


job = st.session_state.get("job") or attach("live-page")
st.button("Start", key="start", on_click=start)
stop_button(job)
st.checkbox("Touch me", key="touch")
if job is not None and job.active:
    live_view(job, "view")
elif job is not None:
    asked = job.result.scores["asked"] if job.result else 0
    st.html(f'<p id="outcome" data-asked="{asked}">{job.state}</p>')
    if job.error is not None:
        st.error(job.error.sentence())
