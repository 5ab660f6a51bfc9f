"""The frame around every technique: question, controls, run, downloads, explanation."""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

import numpy as np
import streamlit as st
from pydantic import ValidationError
from streamlit.delta_generator import DeltaGenerator

from pages.ui import link
from pages.ui.controls import namespace, widgets
from pages.ui.download_box import File, download_box
from pages.ui.explain_box import explain_box
from pages.ui.language import language, t
from pages.ui.lesson_bar import RECORD, STAGE
from pages.ui.live import attach, live_view, stop_button
from pages.ui.pins import pin_box
from pages.ui.png_image import show_png
from pages.ui.script_box import script_box
from pages.ui.session import owner
from pages.ui.sidebar import Choice
from viz_core import models
from viz_core.errors import ConvscopeError
from viz_core.export import FRAME_MS, arrays_npz, film_mp4, summary_json
from viz_core.images.render import encode_gif
from viz_core.jobs import Job, scheduler
from viz_core.lesson import Stop
from viz_core.models.graph import GraphModel
from viz_core.result_cache import results
from viz_core.technique import Result, Technique, finish
from viz_core.texts import text
from viz_core.validation import explain as explain_invalid

OWN_TO_ONE = ("job", "person", "host", "stop")  # what a link to share leaves out


class Room:
    """One technique's page: `controls()`, then `run()`, then whatever the page draws, then `downloads()` and `explain()`."""

    def __init__(self, kind: type[Technique]) -> None:
        self.kind = kind
        self.choice: Choice = st.session_state["choice"]
        st.title(f":material/{kind.icon}: {self.t('title')}", anchor=False)
        st.markdown(f"##### {self.t('question')}")
        self.settings, stage = st.columns([1, 3], gap="large")
        self.stage = stage.container(key=STAGE)
        self.screen: DeltaGenerator | None = None  # where a run is watched, if not in the stage
        self.values: dict[str, Any] = {}
        # what the link holds besides the technique's parameters
        self.also: dict[str, str] = st.session_state.setdefault(f"{kind.slug}.beside.link", {})

    def t(self, key: str, **values: object) -> str:
        """A text of this technique in the current language."""
        return text(f"{namespace(self.kind)}.{key}", language(), **values)

    @property
    def lang(self) -> str:
        """The code of the current language."""
        return language()

    def opacity(self) -> float:
        """The slider that says how strongly a map covers the picture."""
        with self.settings:
            return st.slider(
                t("ui.opacity"),
                0.0,
                1.0,
                0.6,
                0.05,
                help=t("ui.opacity_help"),
                key=f"{self.kind.slug}.opacity",
                persist_state="session",
            )

    def say_flat(self) -> None:
        """Tell that a map holds one value everywhere."""
        st.info(t("ui.flat_map"), icon=":material/crop_square:")

    def say_rules_agree(self) -> None:
        """Tell that a network gives the rules of going back through a ReLU nothing to differ in."""
        if not self.network.has_relu:
            st.info(t("ui.no_relu"), icon=":material/join_full:")

    @property
    def network(self) -> GraphModel:
        """The network chosen in the sidebar."""
        return models.load(self.choice.model)

    def given(self) -> dict[str, Any]:
        """The sidebar's choices among this technique's parameters."""
        shared = {"model": self.choice.model, "image": self.choice.image, "target": self.choice.target}
        return {name: value for name, value in shared.items() if name in self.kind.model_fields}

    def controls(self, only: tuple[str, ...] | None = None, **fixed: Any) -> Technique:
        """The technique as declared by the widgets; a value that cannot be ends the page with its sentence.

        A page whose later widgets depend on earlier ones draws them in several calls, each with `only` some parameters.
        """
        with self.settings:
            self.values |= widgets(self.kind, self.network, only)
        technique = self.technique(**fixed)
        self.write_link()
        return technique

    def write_link(self) -> None:
        """Put the choices into the address bar."""
        link.write(self.choice.parameters() | self._changed() | self.also)

    def technique(self, **fixed: Any) -> Technique:
        """The technique with the values known so far; one that cannot be ends the page with its sentence."""
        try:
            return self.kind(**(self.given() | self.values | fixed))
        except ValidationError as error:
            self.fail(explain_invalid(error, self.kind))

    def _changed(self) -> dict[str, str]:
        defaults = {name: field.default for name, field in self.kind.model_fields.items()}
        return {name: link.as_parameter(value) for name, value in self.values.items() if value != defaults[name]}

    def fail(self, problem: ConvscopeError) -> None:
        """Show a problem's sentence, keep the explanation within reach, and end the page."""
        with self.stage:
            st.error(problem.sentence(language()), icon=":material/error:")
        self.explain()
        st.stop()

    def guarded(self, work: Callable[[], Any]) -> Any:
        """What the work returns; its ConvscopeError ends the page with a sentence."""
        try:
            return work()
        except ConvscopeError as problem:
            self.fail(problem)

    def run(self, technique: Technique) -> Result | None:
        """The technique's result: at once, or from its job once that has something; None while there is nothing yet."""
        if technique.is_live:
            return self.guarded(lambda: self._run_live(technique))
        job = st.session_state.get(self._job_key)
        if job is not None:
            job.stop()
        return self.guarded(lambda: self._run_now(technique))

    def _run_now(self, technique: Technique) -> Result:
        digest = technique.recipe().digest
        result = results().get(digest)
        if result is None:
            with self.stage, st.spinner(t("ui.computing"), show_time=True):
                result = finish(technique.run())
            results().put(digest, result)
        return result

    def _run_live(self, technique: Technique) -> Result | None:
        digest = technique.recipe().digest
        job = self._job()
        if st.session_state.pop(self._go_key, False):
            job = self._start(technique)
        self._steer(technique, job)
        first_visit = not st.session_state.get(f"{self.kind.slug}.visited")
        mine = job is not None and job.name == self._job_name(digest)
        if mine and job.state == "done" and job.result is not None and not job.steered:
            results().put(digest, job.result)
        cached = None if mine and job.steered else results().get(digest)
        if cached is None and not mine and (self.kind.eager or (first_visit and job is None)):
            job, mine = self._start(technique), True
        st.session_state[f"{self.kind.slug}.visited"] = True
        with self.stage:
            self._buttons(technique, job)
            if job is not None and job.active and (mine or cached is None):
                live_view(job, key=f"{self.kind.slug}.live")
                if self.kind.steerable:
                    st.caption(t("ui.steer_steered" if job.steered else "ui.steer"))
                return None
        if cached is not None:
            st.session_state[self._shown_key] = digest
            return cached
        return self._outcome(job, mine)

    def run_beside(self, technique: Technique, first: Technique) -> Result | None:
        """The result of a technique that begins when the first one's is complete; None while there is nothing yet."""
        if not technique.is_live:
            return self.guarded(lambda: self._run_now(technique))
        return self.guarded(lambda: self._run_live_beside(technique, first))

    def _run_live_beside(self, technique: Technique, first: Technique) -> Result | None:
        digest = technique.recipe().digest
        job = st.session_state.get(self._job_key)
        mine = job is not None and job.name == self._job_name(digest)
        if mine and job.state == "done" and job.result is not None:
            results().put(digest, job.result)
        cached = results().get(digest)
        if cached is not None:
            return cached
        if not mine:
            if results().get(first.recipe().digest) is None:
                return None
            job = self._start(technique)
        with self.stage:
            if job.active:
                live_view(job, key=f"{self.kind.slug}.live.beside")
                return None
            return self._outcome(job, mine=True)

    def _job(self) -> Job | None:
        """This session's job of this room, or the one the link names."""
        job = st.session_state.get(self._job_key) or attach(self.kind.slug)
        if job is not None:
            link.keep("job", job.id)
        return job

    @property
    def _job_key(self) -> str:
        return f"{self.kind.slug}.job"

    @property
    def _started_key(self) -> str:
        return f"{self.kind.slug}.started"

    @property
    def _shown_key(self) -> str:
        return f"{self.kind.slug}.shown"

    @property
    def _go_key(self) -> str:
        return f"{self.kind.slug}.go"

    def go(self) -> None:
        """Start as soon as the page is drawn again, with the settings as they are then."""
        st.session_state[self._go_key] = True

    def _steer(self, technique: Technique, job: Job | None) -> None:
        """Have this session's run go on with the changed settings, where it can follow them all."""
        before = st.session_state.get(self._started_key)
        if job is None or not job.active or before is None or job.name != self._job_name(before.recipe().digest):
            return
        now, was = dict(technique), dict(before)
        changes = {name: value for name, value in now.items() if value != was[name]}
        if changes and set(changes) <= set(self.kind.steerable):
            job.steer(changes, self._job_name(technique.recipe().digest))
            st.session_state[self._started_key] = technique

    def _job_name(self, digest: str) -> str:
        return f"{self.kind.slug}:{digest}"

    def _start(self, technique: Technique) -> Job:
        name = self._job_name(technique.recipe().digest)
        job = scheduler(self.network.device).submit(owner(), technique.run, name)
        st.session_state[self._job_key] = job
        st.session_state[self._started_key] = technique
        link.keep("job", job.id)
        return job

    def _buttons(self, technique: Technique, job: Job | None) -> None:
        with st.container(horizontal=True):
            st.button(
                t("ui.start"),
                key="start",
                icon=":material/play_arrow:",
                type="primary",
                on_click=self._clicked_start,
                args=(technique,),
            )
            stop_button(job)

    def _clicked_start(self, technique: Technique) -> None:
        results().drop(technique.recipe().digest)
        try:
            self._start(technique)
        except ConvscopeError as problem:
            st.session_state["room.problem"] = problem

    def _outcome(self, job: Job | None, mine: bool) -> Result | None:
        problem = st.session_state.pop("room.problem", None)
        if problem is not None:
            raise problem
        if job is None:
            return self._shown_before()
        with self.stage:
            if job.error is not None:
                st.error(job.error.sentence(language()), icon=":material/error:")
            elif job.state == "stopped" and job.step is not None:
                st.info(t("ui.stopped", done=job.step.done, total=job.step.total), icon=":material/stop_circle:")
            elif job.state == "abandoned":
                st.info(t("ui.abandoned"), icon=":material/schedule:")
            elif not mine:
                st.info(t("ui.settings_changed"), icon=":material/tune:")
        return job.result

    def _shown_before(self) -> Result | None:
        """What was shown last, if it is still there and of this network: it stays until somebody presses Start."""
        before = results().get(st.session_state.get(self._shown_key, ""))
        if before is not None and before.recipe.parameters.get("model") != self.choice.model:
            before = None
        with self.stage:
            if before is None:
                st.info(t("ui.not_yet"), icon=":material/play_arrow:")
            else:
                st.info(t("ui.settings_changed"), icon=":material/tune:")
        return before

    def png(self, result: Result, picture: str) -> bytes:
        """A picture of the result as PNG bytes that carry its recipe."""
        return result.png(picture)

    def show(self, result: Result, picture: str, caption: str | None = None) -> None:
        """Draw a picture of the result as wide as its column."""
        show_png(self.png(result, picture), caption=caption, alt=caption or self.t("title"))

    def downloads(self, result: Result | None, told: bool = True) -> None:
        """Everything a result holds, as files, and the link to this page as it stands; only the link if not yet `told`."""
        if result is None:
            return
        with self.stage, st.container(horizontal=True):
            if told:
                download_box(self._files(result))
            with st.popover(t("ui.link"), icon=":material/link:"):
                st.caption(t("ui.link_upload") if self.choice.image.startswith("upload:") else t("ui.link_help"))
                st.code(page_address(), language=None, wrap_lines=True)
                self._recorder()
            if told:
                script_box(result.recipe)
                pin_box(result)

    def _files(self, result: Result) -> list[File]:
        """Pictures, films, numbers and recipe."""
        name = f"convscope-{self.kind.slug}"
        return [
            *(File(f"PNG: {it}", f"{name}-{it}.png", partial(self.png, result, it)) for it in result.pictures),
            *self._films(name, result.frames),
            *(File(it, f"{name}-{it}", partial(bytes, content)) for it, content in result.files.items()),
            File(t("ui.npz"), f"{name}.npz", lambda: arrays_npz(result)),
            File(t("ui.recipe"), f"{name}.json", lambda: summary_json(result)),
        ]

    def _films(self, name: str, frames: tuple[np.ndarray, ...]) -> list[File]:
        """The run as GIF and as MP4, if it was one to watch."""
        if not frames:
            return []
        return [
            File(t("ui.gif"), f"{name}.gif", lambda: encode_gif(frames, FRAME_MS)),
            File(t("ui.mp4"), f"{name}.mp4", lambda: film_mp4(frames)),
        ]

    def _recorder(self) -> None:
        """Add this room with its present settings to a lesson of one's own."""
        say = st.text_input(t("lesson.record_say"), key=f"{self.kind.slug}.say")
        stop = Stop(room=self.kind.slug, settings=self._changed(), say={self.lang: say or self.t("question")})
        kept = (*st.session_state.get(RECORD, ()), stop)
        st.button(t("lesson.record"), key="lesson.record.add", on_click=st.session_state.update, args=({RECORD: kept},))

    def explain(self) -> None:
        """The technique in plain words, its formula, how to read it, its pitfalls and the paper."""
        explain_box(namespace(self.kind))


def page_address() -> str:
    """The address of the page with all choices in it."""
    base = (st.context.url or "").split("?")[0]
    parameters = {name: value for name, value in st.query_params.to_dict().items() if name not in OWN_TO_ONE}
    return f"{base}?{urlencode(parameters)}" if parameters else base
