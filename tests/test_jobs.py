"""The scheduler: equal time, early ends, limits and what is left behind; on a clock of our own and on a real one."""

import gc
import logging
import threading
import time
import weakref
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from viz_core import jobs
from viz_core.errors import ConvscopeError
from viz_core.jobs import CURVE_POINTS, YIELDS_AFTER_STOP, History, Presence, Scheduler
from viz_core.recipe import Recipe
from viz_core.technique import Result, Step


class Clock:
    """Time that only passes when a step is computed."""

    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


def result(values=()):
    recipe = Recipe(technique="test", parameters={}, weights="", picture="")
    return Result(recipe=recipe, arrays={"map": np.asarray(values, float)}, pictures={}, scores={}, tables={})


class Work:
    """A run of `total` steps that each take `cost` seconds of the clock; counts what it was given."""

    def __init__(self, clock, cost=0.01, total=10**6, fails_at=None, deaf=False):
        self.clock, self.cost, self.total, self.fails_at, self.deaf = clock, cost, total, fails_at, deaf
        self.steps = 0
        self.seconds = 0.0
        self.closed = False

    def __call__(self):
        try:
            for step in range(self.total):
                self.clock.seconds += self.cost
                self.seconds += self.cost
                self.steps += 1
                if self.steps == self.fails_at:
                    raise ZeroDivisionError("inside")
                preview = np.full((4, 6, 3), step % 256, np.uint8)
                if (yield Step(step + 1, self.total, preview, {"loss": 1.0 / (step + 1)})) and not self.deaf:
                    break
            return result([self.steps])
        finally:
            self.closed = True


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def scheduler(clock):
    return Scheduler(slice_s=0.095, max_jobs=4, idle_s=20.0, clock=clock)


def drive(scheduler, clock, seconds, watched=()):
    end = clock.seconds + seconds
    while clock.seconds < end and scheduler.turn():
        for job in watched:
            job.touch()


def test_a_job_runs_to_its_end(scheduler, clock):
    job = scheduler.submit("ann", Work(clock, total=25), "name")
    assert (job.state, job.position, job.active, job.step) == ("queued", 1, True, None)
    assert scheduler.turn()
    assert (job.state, job.position) == ("running", 0)
    assert job.step.done == 10  # a slice of 95 ms ends after ten steps of 10 ms
    while scheduler.turn():
        pass
    assert (job.state, job.active, job.result.arrays["map"].tolist()) == ("done", False, [25.0])
    assert scheduler.get(job.id) is job
    assert scheduler.jobs == 0


@pytest.mark.parametrize("costs", [(0.01, 0.01), (0.01, 0.07), (0.002, 0.9), (0.3, 0.5, 0.004)])
def test_people_get_equal_time_whatever_their_steps_cost(scheduler, clock, costs):
    work = [Work(clock, cost) for cost in costs]
    watched = [scheduler.submit(f"person {index}", one) for index, one in enumerate(work)]
    drive(scheduler, clock, 60, watched)
    shares = [one.seconds * len(costs) / 60 for one in work]
    assert min(shares) > 0.95
    assert max(shares) < 1.05


def test_a_newcomer_neither_waits_for_what_others_had_nor_catches_up(scheduler, clock):
    old, new = Work(clock), Work(clock)
    first = scheduler.submit("ann", old)
    drive(scheduler, clock, 30, [first])
    second = scheduler.submit("bob", new)
    scheduler.turn()
    assert second.state == "running"
    before = old.seconds
    drive(scheduler, clock, 10, [first, second])
    assert 0.8 < (old.seconds - before) / new.seconds < 1.25


def test_position_counts_those_who_wait_for_their_first_turn(scheduler, clock):
    waiting = [scheduler.submit(name, Work(clock)) for name in ("ann", "bob", "eve")]
    assert [job.position for job in waiting] == [1, 2, 3]
    scheduler.turn()
    assert [job.position for job in waiting] == [0, 1, 2]


def test_a_new_job_ends_the_older_one_of_the_same_person(scheduler, clock):
    work = Work(clock)
    older, other = scheduler.submit("ann", work), scheduler.submit("bob", Work(clock))
    scheduler.turn()
    newer = scheduler.submit("ann", Work(clock))
    drive(scheduler, clock, 1)
    assert (older.state, work.closed) == ("stopped", True)
    assert newer.state == other.state == "running"
    assert scheduler.people == 2


def test_another_room_does_not_end_a_run_but_too_many_end_the_oldest(scheduler, clock):
    first, second, third = (scheduler.submit("ann", Work(clock), f"room{number}:x") for number in range(3))
    again = scheduler.submit("ann", Work(clock), "room1:y")
    assert [job.active for job in (first, second, third, again)] == [True, False, True, True]
    scheduler.submit("ann", Work(clock), "room9:x")
    assert [job.active for job in (first, third, again)] == [False, True, True]


def test_the_line_is_full_but_one_may_replace_ones_own(scheduler, clock):
    first = [scheduler.submit(f"person {index}", Work(clock)) for index in range(4)]
    with pytest.raises(ConvscopeError) as refusal:
        scheduler.submit("late", Work(clock))
    assert refusal.value.key == "job_errors.full"
    assert "4" in refusal.value.sentence("en")
    assert "5" in refusal.value.sentence("ko")
    assert scheduler.submit("person 0", Work(clock)).state == "queued"
    first[1].stop()
    assert scheduler.submit("late", Work(clock)).state == "queued"


def test_stop_keeps_what_there_is(scheduler, clock):
    work = Work(clock)
    job = scheduler.submit("ann", work)
    scheduler.turn()
    job.stop()
    scheduler.turn()
    assert (job.state, work.closed) == ("stopped", True)
    assert job.result.arrays["map"].tolist() == [work.steps] == [10]
    assert job.frame_jpeg()


def test_stop_goes_before_everybody_else(scheduler, clock):
    watched = [scheduler.submit(f"person {index}", Work(clock)) for index in range(4)]
    drive(scheduler, clock, 2)
    watched[2].stop()
    scheduler.turn()
    assert watched[2].state == "stopped"


def test_stop_interrupts_the_turn_of_another(scheduler, clock):
    stopped = scheduler.submit("bob", Work(clock))
    scheduler.turn()
    work = Work(clock)
    other = scheduler.submit("ann", work)
    other.listen(lambda: work.steps == 3 and stopped.stop())
    scheduler.turn()
    assert work.steps == 3
    scheduler.turn()
    assert stopped.state == "stopped"


def test_stop_ends_a_waiting_job_at_once(scheduler, clock):
    work = Work(clock)
    job = scheduler.submit("ann", work)
    job.stop()
    assert (job.state, job.result, work.steps) == ("stopped", None, 0)
    assert not scheduler.turn()


def test_a_run_that_does_not_listen_is_closed(scheduler, clock, caplog):
    work = Work(clock, deaf=True)
    job = scheduler.submit("ann", work)
    scheduler.turn()
    before = work.steps
    job.stop()
    scheduler.turn()
    assert (job.state, job.result, work.closed) == ("stopped", None, True)
    assert work.steps - before <= YIELDS_AFTER_STOP
    assert "did not end" in caplog.text


def test_a_job_nobody_watches_is_abandoned_and_freed(scheduler, clock):
    work = Work(clock)
    left, kept = scheduler.submit("ann", work), scheduler.submit("bob", Work(clock))
    drive(scheduler, clock, 19, [kept])
    assert left.active
    drive(scheduler, clock, 2, [kept])
    assert (left.state, left.result, work.closed, left.step.preview) == ("abandoned", None, True, None)
    assert kept.state == "running"


def test_an_abandoned_job_holds_nothing_though_its_page_still_holds_the_job(scheduler, clock):
    held = []

    def work():
        tensor = torch.zeros(1000)
        held.append(weakref.ref(tensor))
        while True:
            clock.seconds += 0.01
            preview = np.zeros((4, 4, 3), np.uint8)
            held.append(weakref.ref(preview))
            yield Step(1, 2, preview)

    job = scheduler.submit("ann", work)
    scheduler.turn()
    clock.seconds += 21
    scheduler.turn()
    assert job.state == "abandoned"
    assert [ref for ref in held if ref() is not None] == []


def test_a_job_lives_while_its_owner_is_present_and_a_grace_time_after(clock):
    presence = Presence()
    scheduler = Scheduler(idle_s=20.0, presence=presence, clock=clock)
    presence.arrive("ann")
    presence.arrive("ann")
    job = scheduler.submit("ann", Work(clock))
    drive(scheduler, clock, 100)
    presence.leave("ann")
    drive(scheduler, clock, 100)
    assert job.active
    presence.leave("ann")
    drive(scheduler, clock, 19)
    assert job.active
    drive(scheduler, clock, 2)
    assert job.state == "abandoned"


def test_a_job_is_adopted_by_who_came_back_but_not_taken_from_who_is_there(clock):
    presence = Presence()
    scheduler = Scheduler(presence=presence, clock=clock)
    presence.arrive("ann")
    job = scheduler.submit("ann", Work(clock))
    scheduler.turn()
    scheduler.adopt(job, "ann again")
    assert job.owner == "ann"
    presence.leave("ann")
    scheduler.adopt(job, "ann again")
    assert (job.owner, scheduler.people) == ("ann again", 1)
    scheduler.submit("ann again", Work(clock))
    drive(scheduler, clock, 1)
    assert job.state == "stopped"


def test_a_failure_has_a_sentence_a_log_and_no_frames(scheduler, clock, caplog):
    held = []

    def work():
        tensor = torch.zeros(1000)
        held.append(weakref.ref(tensor))
        yield Step(1, 2)
        raise ZeroDivisionError("inside")

    job = scheduler.submit("ann", work)
    with caplog.at_level(logging.ERROR):
        scheduler.turn()
    assert (job.state, job.error.key) == ("failed", "job_errors.unexpected")
    assert "ZeroDivisionError" in caplog.text
    assert "Traceback" in caplog.text
    assert job.error.sentence("ko") != job.error.sentence("en")
    caplog.clear()
    gc.collect()
    assert held[0]() is None


def test_an_error_meant_for_people_is_kept_as_it_is(scheduler, caplog):
    def work():
        yield Step(1, 2)
        raise ConvscopeError("job_errors.memory") from ValueError("cause")

    job = scheduler.submit("ann", work)
    scheduler.turn()
    assert (job.state, job.error.key, job.error.__traceback__, job.error.__cause__) == (
        "failed",
        "job_errors.memory",
        None,
        None,
    )
    assert not caplog.text


@pytest.mark.parametrize(
    "problem",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes"),
    ],
)
def test_too_little_memory_has_its_own_sentence(scheduler, problem):
    def work():
        yield Step(1, 2)
        raise problem

    job = scheduler.submit("ann", work)
    scheduler.turn()
    assert job.error.key == "job_errors.memory"


def test_a_failure_before_the_first_step_leaves_the_others_running(scheduler, clock):
    other = scheduler.submit("bob", Work(clock))
    job = scheduler.submit("ann", Work(clock, fails_at=1))
    drive(scheduler, clock, 1)
    assert (job.state, job.step, other.state) == ("failed", None, "running")
    assert scheduler.people == 1


def test_time_left_counts_the_cost_of_a_step_and_who_shares(scheduler, clock):
    job = scheduler.submit("ann", Work(clock, cost=0.05, total=100))
    assert (job.seconds_left, job.steps_per_second) == (None, None)
    scheduler.turn()
    assert job.steps_per_second == pytest.approx(20)
    assert job.seconds_left == pytest.approx(98 * 0.05)
    scheduler.submit("bob", Work(clock))
    assert (job.people, job.steps_per_second) == (2, pytest.approx(10))
    assert job.seconds_left == pytest.approx(2 * 98 * 0.05)


def test_a_slow_first_step_does_not_spoil_the_estimate(scheduler, clock):
    def work():
        clock.seconds += 5
        yield from Work(clock, cost=0.01, total=100)()

    job = scheduler.submit("ann", work)
    drive(scheduler, clock, 5.5)
    assert job.steps_per_second == pytest.approx(100)


def test_only_the_newest_frame_is_encoded_and_only_once(scheduler, clock, monkeypatch):
    encoded = []
    monkeypatch.setattr(jobs, "encode_jpeg", lambda pixels, quality: encoded.append(pixels[0, 0, 0]) or b"jpeg")
    job = scheduler.submit("ann", Work(clock))
    assert (job.frame, job.frame_jpeg()) == (0, b"")
    scheduler.turn()
    assert encoded == []
    assert [job.frame_jpeg() for _ in range(3)] == [b"jpeg"] * 3
    assert (encoded, job.frame) == ([9], 10)


def test_frames_are_shrunk_to_768_pixels(scheduler):
    def work():
        yield Step(1, 1, np.zeros((500, 1000, 3), np.uint8))
        return result()

    job = scheduler.submit("ann", work)
    scheduler.turn()
    picture = Image.open(BytesIO(job.frame_jpeg()))
    assert (picture.format, picture.size) == ("JPEG", (768, 384))


def test_curves_are_thinned_and_keep_both_ends():
    history = History()
    for step in range(1, 5001):
        history.add(step, {"loss": step / 2})
    curve = history.curves()["loss"]
    assert CURVE_POINTS / 2 <= len(curve) <= CURVE_POINTS + 1
    assert (curve[0], curve[-1]) == ((1, 0.5), (5000, 2500.0))
    assert all(value == step / 2 for step, value in curve)
    assert [step for step, _ in curve] == sorted({step for step, _ in curve})


def test_curves_leave_out_what_is_no_number():
    history = History()
    for step, value in enumerate([1.0, float("nan"), float("inf"), 2.0]):
        history.add(step, {"loss": value})
    assert history.curves() == {"loss": [(0, 1.0), (3, 2.0)]}


def test_ended_jobs_are_kept_within_number_and_bytes(clock):
    def work(size):
        def run():
            yield Step(1, 1)
            return result(np.zeros(size))

        return run

    def finish(scheduler, size, count):
        ended = [scheduler.submit("ann", work(size)) for _ in range(1)]
        for _ in range(count - 1):
            drive(scheduler, clock, 1)
            ended.append(scheduler.submit("ann", work(size)))
        drive(scheduler, clock, 1)
        return [scheduler.get(job.id) is not None for job in ended]

    assert finish(Scheduler(keep_jobs=2, clock=clock), 1, 4) == [False, False, True, True]
    assert finish(Scheduler(keep_bytes=20_000, clock=clock), 1000, 4) == [False, False, True, True]
    assert finish(Scheduler(keep_bytes=20_000, clock=clock), 10_000, 2) == [False, True]


def test_listeners_hear_of_every_change_and_cannot_do_harm(scheduler, clock):
    heard = []
    job = scheduler.submit("ann", Work(clock, total=3))
    job.listen(lambda: 1 / 0)
    forget = job.listen(lambda: heard.append((job.state, job.version)))
    scheduler.turn()
    assert heard == [("running", 1), ("running", 2), ("running", 3), ("done", 4)]
    forget()
    forget()


def test_many_threads_at_once():
    """Twenty people start, watch, replace and stop for a while; then nothing is left and every result is right."""
    scheduler = Scheduler(slice_s=0.002, max_jobs=16, idle_s=5.0).start()
    problems, finished, refused = [], [], []

    def work(total):
        def run():
            done = 0
            for step in range(total):
                time.sleep(0.0005)
                done = step + 1
                if (yield Step(done, total, np.zeros((8, 8, 3), np.uint8), {"loss": float(step)})):
                    break
            return result([done])

        return run

    def person(name, seed):
        rng = np.random.default_rng(seed)
        try:
            for _ in range(6):
                try:
                    job = scheduler.submit(name, work(int(rng.integers(1, 30))))
                except ConvscopeError as refusal:
                    refused.append(refusal.key)
                    time.sleep(0.01)
                    continue
                patience = time.monotonic() + float(rng.uniform(0, 0.1))
                while job.active and time.monotonic() < patience:
                    job.touch()
                    assert scheduler.get(job.id) is job
                    assert job.position >= 0
                    assert len(job.history) <= 1
                    job.frame_jpeg()
                    time.sleep(0.002)
                if rng.random() < 0.5:
                    job.stop()
                finished.append(job)
        except Exception as problem:
            problems.append(problem)

    people = [threading.Thread(target=person, args=(f"person {seed}", seed)) for seed in range(20)]
    for thread in people:
        thread.start()
    for thread in people:
        thread.join(30)
    end = time.monotonic() + 20
    while scheduler.jobs and time.monotonic() < end:
        time.sleep(0.01)
    assert problems == []
    assert set(refused) <= {"job_errors.full"}
    assert scheduler.jobs == 0
    assert {job.state for job in finished} <= {"done", "stopped"}
    for job in finished:
        if job.result is not None:
            assert job.result.arrays["map"].tolist() == [job.step.done]
            assert job.state == "stopped" or job.step.done == job.step.total


def test_two_people_get_equal_time_on_a_real_clock():
    scheduler = Scheduler(slice_s=0.02).start()
    spent = {"ann": 0.0, "bob": 0.0}

    def work(name, cost):
        def run():
            for step in range(10**6):
                begin = time.monotonic()
                time.sleep(cost)
                spent[name] += time.monotonic() - begin
                if (yield Step(step + 1, 10**6)):
                    break
            return result()

        return run

    both = [scheduler.submit("ann", work("ann", 0.003)), scheduler.submit("bob", work("bob", 0.03))]
    time.sleep(2.5)
    for job in both:
        job.stop()
    assert 0.8 < spent["ann"] / spent["bob"] < 1.25
    end = time.monotonic() + 2
    while any(job.active for job in both) and time.monotonic() < end:
        time.sleep(0.005)
    assert [job.state for job in both] == ["stopped", "stopped"]


def test_a_scheduler_for_each_device_finds_its_jobs(clock):
    assert jobs.scheduler("cpu") is jobs.scheduler(torch.device("cpu"))
    job = jobs.scheduler().submit("somebody", Work(clock, total=3))
    assert jobs.find_job(job.id) is job
    assert jobs.find_job("0" * 32) is None
    end = time.monotonic() + 5
    while job.active and time.monotonic() < end:
        time.sleep(0.005)
    assert job.state == "done"


def test_closing_ends_the_jobs_and_the_thread():
    scheduler = Scheduler().start()
    closed = threading.Event()

    def work():
        try:
            for step in range(10**6):
                time.sleep(0.001)
                yield Step(step + 1, 10**6)
        finally:
            closed.set()

    running, waiting = scheduler.submit("ann", work), scheduler.submit("bob", work)
    while running.step is None:
        time.sleep(0.001)
    scheduler.close(patience_s=60)  # looking for garbage takes its time on a busy machine
    assert closed.is_set()
    assert (running.state, waiting.state) == ("abandoned", "abandoned")
    assert not scheduler._thread.is_alive()
