"""Long runs side by side: one thread per device gives every person the same time, a tenth of a second at a go."""

import atexit
import itertools
import logging
import math
import threading
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import torch

from viz_core import stopping
from viz_core.errors import ConvscopeError
from viz_core.images.render import encode_jpeg, resize
from viz_core.memory import forget_frames, free_memory, is_out_of_memory
from viz_core.technique import Result, Run, Sent, Steer, Step

log = logging.getLogger(__name__)

State = Literal["queued", "running", "done", "stopped", "failed", "abandoned"]

LONGEST_SIDE = 768  # of a frame sent to people, pixels
FRAME_QUALITY = 85  # JPEG
CURVE_POINTS = 200  # kept of each curve, at least half as many once there were that many
MOST_EACH = 3  # jobs of one person, each in another room
YIELDS_AFTER_STOP = 5  # granted to a run that was asked to end, before it is closed
NEWEST_COST = 0.2  # weight of the newest step in the running mean of a step's cost


_numbers = itertools.count()


def _room(name: str) -> str:
    return name.partition(":")[0]


class History:
    """Curves over a run, thinned to every second point whenever they outgrow their bound."""

    def __init__(self, limit: int = CURVE_POINTS) -> None:
        self._limit = limit
        self._points: dict[str, list[tuple[int, float]]] = {}
        self._newest: dict[str, tuple[int, float]] = {}
        self._every: dict[str, int] = {}
        self._seen: dict[str, int] = {}

    def add(self, done: int, values: Mapping[str, float]) -> None:
        """Take in the values of one step; one that is no finite number is left out."""
        for name, value in values.items():
            if not math.isfinite(value):
                continue
            points, every, seen = self._points.setdefault(name, []), self._every.get(name, 1), self._seen.get(name, 0)
            self._seen[name] = seen + 1
            self._newest[name] = (done, float(value))
            if seen % every == 0:
                points.append((done, float(value)))
            if len(points) > self._limit:
                self._points[name] = points[::2]
                self._every[name] = 2 * every

    def curves(self) -> dict[str, list[tuple[int, float]]]:
        """Each curve as (step, value) pairs in order, its newest value last."""
        return {
            name: points if points[-1] == self._newest[name] else [*points, self._newest[name]]
            for name, points in self._points.items()
        }


class Job:
    """One run of one person: its state, its newest step, and in the end its result or its error.

    Attributes may be read from any thread. `state` goes from "queued" over "running" to one of "done", "stopped"
    (early, on request; the result is what there was), "failed" (`error` says why) and "abandoned" (nobody was there
    any more). `version` grows with every change that is worth drawing. `steered` tells that parameters changed on the way.
    """

    def __init__(self, owner: str, make: Callable[[], Run], name: str, scheduler: "Scheduler") -> None:
        self.id = uuid.uuid4().hex
        self.number = next(_numbers)  # in the order of arrival
        self.owner = owner
        self.name = name
        self.state: State = "queued"
        self.step: Step | None = None
        self.result: Result | None = None
        self.error: ConvscopeError | None = None
        self.version = 0
        self.stopping = False
        self.steered = False
        self._changes: dict[str, Any] = {}
        self._make: Callable[[], Run] | None = make
        self._run: Run | None = None
        self._scheduler = scheduler
        self._history = History()
        self._last_seen = scheduler.now()
        self._costs = 0  # how many went into the mean
        self._step_cost: float | None = None
        self._unaccounted = 0.0
        self._yields_left = YIELDS_AFTER_STOP
        self._listeners: list[Callable[[], None]] = []
        self._frame: tuple[int, np.ndarray | None] = (0, None)
        self._encoded: tuple[int, bytes] = (0, b"")
        self._encoding = threading.Lock()

    @property
    def room(self) -> str:
        """The room it belongs to: the first part of its name."""
        return _room(self.name)

    @property
    def active(self) -> bool:
        """Whether the run is still to come or going on."""
        return self.state in ("queued", "running")

    @property
    def position(self) -> int:
        """Place in the line of those still waiting for their first turn; 0 once it has run."""
        return self._scheduler.position(self)

    @property
    def steps_per_second(self) -> float | None:
        """Steps per second at this job's present share of the device; None before the first step."""
        cost = self._step_cost
        return None if cost is None else 1.0 / max(cost * self._scheduler.people, 1e-9)

    @property
    def seconds_left(self) -> float | None:
        """Time to the end in seconds, if steps go on costing what they did and nobody comes or goes."""
        step, rate = self.step, self.steps_per_second
        return None if step is None or rate is None else max(0, step.total - step.done) / rate

    @property
    def people(self) -> int:
        """How many people share the device at the moment."""
        return self._scheduler.people

    @property
    def history(self) -> dict[str, list[tuple[int, float]]]:
        """The curves so far as (step, value) pairs, at most a few hundred each."""
        with self._scheduler.lock:
            return self._history.curves()

    @property
    def frame(self) -> int:
        """Number of the newest picture; 0 before the first."""
        return self._frame[0]

    @property
    def nbytes(self) -> int:
        """Memory held by the result and the pictures, in bytes."""
        preview = self._frame[1]
        held = 0 if preview is None else preview.nbytes
        return held + len(self._encoded[1]) + (self.result.nbytes if self.result is not None else 0)

    def frame_jpeg(self) -> bytes:
        """The newest picture as JPEG, at most 768 pixels on its longer side; empty before the first.

        Encoded once per picture, by whoever asks first.
        """
        with self._encoding:
            number, pixels = self._frame
            if number != self._encoded[0]:
                self._encoded = (number, b"" if pixels is None else _jpeg(pixels))
            return self._encoded[1]

    def touch(self) -> None:
        """Say that somebody is watching."""
        self._last_seen = self._scheduler.now()

    def stop(self) -> None:
        """Ask for an early end with what there is; a job that has not begun ends at once."""
        self._scheduler.stop(self)

    def steer(self, changes: Mapping[str, Any], name: str) -> None:
        """Have the run go on with other parameters from its next step on, under the name of what it makes now."""
        with self._scheduler.lock:
            self._changes |= changes
            self.name, self.steered = name, True

    def adopt(self, owner: str) -> None:
        """Become the job of who came back for it under a new name, unless its owner is still there."""
        self._scheduler.adopt(self, owner)

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have a quick function called after every change, from the scheduler's thread; returns what ends this."""
        self._listeners.append(listener)

        def forget() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return forget

    def _message(self) -> Sent:
        """What the run is to be told: to end, or what changed since it was told last."""
        with self._scheduler.lock:
            changes, self._changes = self._changes, {}
        return True if self.stopping else Steer(changes) if changes else None

    def _publish(self, step: Step, seconds: float) -> None:
        """Take in a step that cost so many seconds of the device's time."""
        before = self.step.done if self.step is not None else 0
        self._unaccounted += seconds
        if step.done > before:
            cost = self._unaccounted / (step.done - before)
            known = self._step_cost
            # The first step also builds what the others use: it counts only until there is a second.
            self._step_cost = cost if known is None or self._costs == 1 else known + NEWEST_COST * (cost - known)
            self._costs += 1
            self._unaccounted = 0.0
        self._history.add(step.done, step.curves)
        if step.preview is not None:
            self._frame = (self._frame[0] + 1, step.preview)
        self.step = step
        self._changed()

    def _finish(self, state: State, result: Result | None = None, error: ConvscopeError | None = None) -> None:
        """End the job and let go of its generator."""
        self._run = self._make = None
        self.result, self.error = result, error
        if state in ("failed", "abandoned"):
            self._frame = (self._frame[0], None)
            self.step = None if self.step is None else Step(self.step.done, self.step.total)
        self.state = state
        self._changed()

    def _changed(self) -> None:
        self.version += 1
        for listener in tuple(self._listeners):
            try:
                listener()
            except Exception:
                log.exception("a listener of job %s failed", self.id)


def _jpeg(pixels: np.ndarray) -> bytes:
    height, width = pixels.shape[:2]
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    if scale < 1.0:
        pixels = resize(pixels, (max(1, round(height * scale)), max(1, round(width * scale))))
    return encode_jpeg(pixels, FRAME_QUALITY)


class Presence:
    """Who is there: a person is present from `arrive` until a `leave` for each arrival."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._present: dict[str, int] = {}

    def arrive(self, owner: str) -> None:
        """A person is there (once more)."""
        with self._lock:
            self._present[owner] = self._present.get(owner, 0) + 1

    def leave(self, owner: str) -> None:
        """A person is gone (once); nothing happens where nobody of that name is present."""
        with self._lock:
            count = self._present.pop(owner, 0) - 1
            if count > 0:
                self._present[owner] = count

    def __contains__(self, owner: str) -> bool:
        return owner in self._present


class Scheduler:
    """Runs the jobs of one device in turns of `slice_s` seconds between their yields.

    The person who has had the least of the device's time so far has the next turn, so that people get equal time even
    when their steps cost differently; a newcomer starts level with the one who has had least. Each person has one job
    in a room at a time, a new one ends the older, and a few in all. At most `max_jobs` of others share the device. A
    job ends as abandoned when its owner is not present and nobody has touched it for `idle_s` seconds. The newest
    `keep_jobs` ended jobs, or as many as fit into `keep_bytes`, can still be found. `turn` does the work; `start` has a
    thread of its own do it for good.
    """

    def __init__(
        self,
        slice_s: float = 0.1,
        max_jobs: int = 48,
        idle_s: float = 15.0,
        keep_jobs: int = 64,
        keep_bytes: int = 512 * 2**20,
        presence: Presence | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.slice_s, self.max_jobs, self.idle_s = slice_s, max_jobs, idle_s
        self.keep_jobs, self.keep_bytes = keep_jobs, keep_bytes
        self.presence = presence if presence is not None else Presence()
        self.now = clock
        self.lock = threading.Condition(threading.RLock())
        self._active: deque[Job] = deque()  # in the order of their last turns
        self._ended: OrderedDict[str, Job] = OrderedDict()
        self._used: dict[str, float] = {}  # seconds of the device, by person
        self._thread: threading.Thread | None = None
        self._closing = False

    @property
    def people(self) -> int:
        """How many people have a job that is still to come or going on; at least 1."""
        return max(1, len(self._used))

    @property
    def jobs(self) -> int:
        """How many jobs are still to come or going on."""
        return len(self._active)

    def start(self) -> "Scheduler":
        """Work in a thread of its own from now on."""
        self._thread = threading.Thread(target=self._work, daemon=True, name="convscope-jobs")
        self._thread.start()
        return self

    def submit(self, owner: str, make: Callable[[], Run], name: str = "") -> Job:
        """Put a run into the line; raises ConvscopeError where the line is full.

        Names begin with the room's, as in `deepdream:...`. It ends this person's older run in the same room, or the oldest
        of all where they have too many: who only looks into another room does not lose what goes on in this one.
        """
        with self.lock:
            others = sum(job.owner != owner for job in self._active)
            if others >= self.max_jobs:
                raise ConvscopeError("job_errors.full", jobs=others, position=others + 1)
            own = sorted((job for job in self._active if job.owner == owner), key=lambda job: job.number)
            room = [job for job in own if job.room == _room(name)]
            for older in room or own[: max(0, len(own) - MOST_EACH + 1)]:
                self.stop(older)
            job = Job(owner, make, name, self)
            self._enter(owner)
            self._active.append(job)
            self.lock.notify_all()
        return job

    def get(self, job_id: str) -> Job | None:
        """The job of this id, if it is active or ended not long ago."""
        with self.lock:
            if job_id in self._ended:
                self._ended.move_to_end(job_id)
                return self._ended[job_id]
            return next((job for job in self._active if job.id == job_id), None)

    def stop(self, job: Job) -> None:
        """Ask a job to end early with what it has; it goes before all others until it has ended."""
        with self.lock:
            if not job.active or job.stopping:
                return
            job.stopping = True
            if job.state == "queued":
                self._end(job, "stopped")
            self.lock.notify_all()

    def adopt(self, job: Job, owner: str) -> None:
        """Give a job to the person who came back for it under a new name, unless its owner is still present."""
        with self.lock:
            busy = any(other.owner == owner for other in self._active)
            if job.active and job.owner not in self.presence and not busy:
                self._leave(job)
                job.owner = owner
                self._enter(owner)
                self._active.append(job)

    def position(self, job: Job) -> int:
        """Place of a job among those still waiting for their first turn; 0 if it is not one of them."""
        with self.lock:
            waiting = [other for other in self._active if other.state == "queued"]
            return waiting.index(job) + 1 if job in waiting else 0

    def turn(self) -> bool:
        """Give one turn to whom it is due; False where there is nothing to do."""
        for forgotten in self._forgotten():
            self._close(forgotten, "abandoned")
        with self.lock:
            job = self._next()
            if job is None:
                return False
            job.state = "running"
            self._active.remove(job)
            self._active.append(job)
        self._slice(job)
        return True

    def close(self, patience_s: float = 5.0) -> None:
        """End all jobs as abandoned and the thread with them, within so many seconds if the present step allows it."""
        with self.lock:
            self._closing = True
            self.lock.notify_all()
        if self._thread is not None:
            self._thread.join(patience_s)

    def _work(self) -> None:
        while not self._closing:
            with self.lock:
                while not self._active and not self._closing:
                    self.lock.wait()
            try:
                self.turn()
            except Exception:
                log.exception("a turn failed")  # everybody else's jobs go on
        for job in tuple(self._active):
            self._leave_off(job, "abandoned")
        free_memory()

    def _forgotten(self) -> list[Job]:
        with self.lock:
            for job in self._active:
                if job.owner in self.presence:
                    job.touch()
            since = self.now() - self.idle_s
            return [job for job in self._active if job._last_seen < since]

    def _next(self) -> Job | None:
        """A job that was asked to end, else that of the person who has had least; among equals first come the new."""

        def order(job: Job) -> tuple[bool, float, bool]:
            return not job.stopping, self._used[job.owner], job.state != "queued"

        return min(self._active, key=order, default=None)

    def _slice(self, job: Job) -> None:
        end = self.now() + self.slice_s
        while self._advance(job) and self.now() < end:
            if self._closing or (not job.stopping and any(other.stopping for other in tuple(self._active))):
                break

    def _advance(self, job: Job) -> bool:
        """Compute up to the next yield; False when the job has ended."""
        begin = self.now()
        try:
            message = job._message() if job._run is not None else None
            job._yields_left -= bool(message)
            with stopping.watched(lambda: job.stopping):
                if job._run is None:
                    assert job._make is not None
                    job._run = job._make()
                step = job._run.send(message)
            with self.lock:
                seconds = self.now() - begin
                self._used[job.owner] += seconds
                job._publish(step, seconds)
        except StopIteration as end:
            with self.lock:
                self._end(job, "stopped" if job.stopping else "done", result=end.value)
            return False
        except Exception as problem:
            self._fail(job, problem)
            return False
        if job._yields_left <= 0:
            log.warning("job %s (%s) did not end when asked to", job.id, job.name)
            self._close(job, "stopped")
            return False
        return True

    def _fail(self, job: Job, problem: Exception) -> None:
        """End a job with a sentence for its owner; what its frames held is freed."""
        if isinstance(problem, ConvscopeError):
            error = problem
        elif is_out_of_memory(problem):
            log.warning("job %s (%s) ran out of memory: %s", job.id, job.name, problem)
            error = ConvscopeError("job_errors.memory")
        else:
            log.error("job %s (%s) failed", job.id, job.name, exc_info=problem)
            error = ConvscopeError("job_errors.unexpected")
        forget_frames(problem)
        with self.lock:
            self._end(job, "failed", error=error)
        free_memory()

    def _close(self, job: Job, state: State) -> None:
        """End a job that will not end by itself, and free what it held."""
        self._leave_off(job, state)
        free_memory()

    def _leave_off(self, job: Job, state: State) -> None:
        run = job._run
        try:
            if run is not None:
                run.close()
        except Exception:
            log.exception("job %s (%s) failed while it was closed", job.id, job.name)
        del run
        with self.lock:
            self._end(job, state)

    def _end(self, job: Job, state: State, result: Result | None = None, error: ConvscopeError | None = None) -> None:
        if not job.active:
            return
        self._leave(job)
        job._finish(state, result, error)
        self._ended[job.id] = job
        while len(self._ended) > 1 and (
            len(self._ended) > self.keep_jobs or sum(ended.nbytes for ended in self._ended.values()) > self.keep_bytes
        ):
            self._ended.popitem(last=False)

    def _enter(self, owner: str) -> None:
        if owner not in self._used:
            self._used[owner] = min(self._used.values(), default=0.0)

    def _leave(self, job: Job) -> None:
        self._active.remove(job)
        if all(other.owner != job.owner for other in self._active):
            self._used.pop(job.owner, None)


presence = Presence()
_schedulers: dict[str, Scheduler] = {}
_schedulers_lock = threading.Lock()


def scheduler(device: torch.device | str = "cpu") -> Scheduler:
    """The scheduler of a device, at work from the first call on."""
    with _schedulers_lock:
        if str(device) not in _schedulers:
            _schedulers[str(device)] = Scheduler(presence=presence).start()
        return _schedulers[str(device)]


def is_busy() -> bool:
    """Whether anybody's job is still to come or going on, on any device."""
    with _schedulers_lock:
        return any(each.jobs for each in _schedulers.values())


@atexit.register  # a thread still computing while the interpreter goes down would abort the process
def close_schedulers() -> None:
    """End everything that runs; for when the process ends."""
    with _schedulers_lock:
        for each in _schedulers.values():
            each.close()
        _schedulers.clear()


def find_job(job_id: str) -> Job | None:
    """The job of this id on whichever device it runs, if it is active or ended not long ago."""
    found = (scheduler.get(job_id) for scheduler in tuple(_schedulers.values()))
    return next((job for job in found if job is not None), None)
