"""Collecting garbage after a page's run costs nothing for what was loaded before."""

import gc
import time

import pytest

from pages.ui.memory import set_loaded_aside


@pytest.fixture(autouse=True)
def _as_before():
    set_loaded_aside.cache_clear()
    yield
    gc.unfreeze()


def seconds() -> float:
    begin = time.process_time()
    gc.collect()
    return time.process_time() - begin


def test_what_is_loaded_is_set_aside_and_what_comes_later_is_collected():
    loaded = [[index] for index in range(300_000)]
    before = min(seconds() for _ in range(3))
    set_loaded_aside()
    assert min(seconds() for _ in range(3)) < before / 10
    assert gc.get_freeze_count() > len(loaded)
    circle: list = []
    circle.append(circle)
    del circle
    assert gc.collect() >= 1
    later = [[index] for index in range(1000)]
    count = gc.get_freeze_count()
    set_loaded_aside()
    assert gc.get_freeze_count() <= count + len(later) / 2
