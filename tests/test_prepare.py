"""Preparing results while nobody needs the device."""

import threading
import types

from viz_core.errors import ConvscopeError
from viz_core.prepare import Preparation


class Cache(dict):
    def put(self, digest, result):
        self[digest] = result


class Fake:
    """A technique of three steps."""

    def __init__(self, slug, steps=3, problem=None):
        self.slug, self.steps, self.problem = slug, steps, problem
        self.done = 0
        self.closed = False

    def recipe(self):
        return types.SimpleNamespace(digest=self.slug)

    def run(self):
        try:
            for _ in range(self.steps):
                self.done += 1
                yield
            if self.problem:
                raise self.problem
            return f"result of {self.slug}"
        finally:
            self.closed = True


def test_everything_is_prepared_though_something_fails():
    cache = Cache(here="old")
    broken, bad = Fake("broken", problem=ValueError("x")), Fake("bad", problem=ConvscopeError("ui.unexpected"))
    known, good = Fake("here"), Fake("good")
    Preparation([broken, bad, known, good], cache, lambda: False).start().join(10)
    assert cache == {"here": "old", "good": "result of good"}
    assert known.done == 0


def test_people_go_first():
    free = threading.Event()
    cache, work = Cache(), Fake("work")
    preparation = Preparation([work], cache, lambda: not free.is_set()).start()
    preparation.join(0.5)
    assert work.done == 0
    free.set()
    preparation.join(10)
    assert cache == {"work": "result of work"}


def test_closing_ends_after_the_present_step():
    cache, work = Cache(), Fake("work", steps=10**9)
    preparation = Preparation([work], cache, lambda: False).start()
    while not work.done:
        pass
    preparation.close()
    assert work.closed
    assert not cache
