"""A run at work follows the settings, and its film is a place to go on from."""

import time

import pytest
import streamlit as st

from pages.ui import tape

RUNS = {
    "class-image": ("pages/generate/class_image.py", {"size": "32", "steps": "4", "target": "7"}),
    "deepdream": ("pages/generate/deepdream.py", {"size": "32", "steps": "2", "octaves": "2"}),
    "inversion": ("pages/generate/inversion.py", {"size": "32", "steps": "4", "layers": "relu1"}),
}
MODEL = {"model": "bundled-random"}


@pytest.mark.parametrize("slug", RUNS)
def test_any_frame_is_a_new_start(slug, open_page, finished, monkeypatch):
    """The film itself lives in the browser; here a button takes its second frame."""

    def film(frames, key, *, on_take=None, **_):
        assert all(frame.startswith(b"\xff\xd8") for frame in frames)
        if on_take is not None:
            st.button("take", key="take", on_click=on_take, args=(2,))

    monkeypatch.setattr(tape, "film", film)
    path, settings = RUNS[slug]
    page = finished(open_page(path, **MODEL, **settings), slug)
    page.button(key="take").click().run()
    page = finished(page, slug)
    job, ref = page.session_state[f"{slug}.job"], page.session_state[f"{slug}.begin.frame"]
    assert job.state == "done"
    assert job.result.recipe.parameters["begin"] == ref
    if slug == "class-image":
        assert page.selectbox(key="target").value == 7
    next(button for button in page.button if "2" in button.label and button.key is None).click().run()
    assert page.session_state[f"{slug}.begin.frame"] is None


def test_a_running_picture_follows_the_settings(open_page):
    page = open_page(RUNS["class-image"][0], **MODEL, size="32", steps="2000", target="7")
    job = page.session_state["class-image.job"]
    while job.step is None:
        time.sleep(0.05)
    page.slider(key="class-image.blur").set_value(2.0).run()
    assert not page.exception
    assert job.steered
    assert page.session_state["class-image.job"] is job
    seen = job.step.done
    while job.step.done < seen + 3:  # a step that was on its way before the change, and one that follows it
        time.sleep(0.05)
    page.button(key="stop").click().run()
    while job.active:
        time.sleep(0.05)
    page.run()
    (note,) = job.result.recipe.parameters["steering"]
    assert note.endswith("blur=2.0")
    assert any("blur=2.0" in caption.value for caption in page.caption)


def test_a_setting_that_cannot_be_followed_waits_for_start(open_page):
    page = open_page(RUNS["class-image"][0], **MODEL, size="32", steps="2000", target="7")
    job = page.session_state["class-image.job"]
    page.selectbox(key="class-image.canvas").select("fourier").run()
    assert not job.steered
    job.stop()
