"""What is kept on disk between runs stays within its bound, and what is in use stays."""

import os
import time

import numpy as np
import pytest

from viz_core.cache_folder import LIMIT, LIMIT_GB, cache_folder, limit, make_room
from viz_core.embed.store import LOOKS, Records
from viz_core.look.recording import Shelf
from viz_core.look.topk import Record


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path))
    monkeypatch.setenv(LIMIT, "0.0001")  # 100,000 bytes


def written(name: str, hours: float, size: int = 40_000):
    """A file that was used so many hours ago."""
    path = cache_folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (time.time() - 3600 * hours,) * 2)
    return path


def test_what_was_used_longest_ago_leaves_first():
    files = {hours: written(f"features/{hours}.records", hours) for hours in (5, 1, 3)}
    patches = written("patches/4.npz", 4)
    make_room()
    assert not files[5].exists()
    assert not patches.exists()
    assert files[3].exists()
    assert files[1].exists()
    make_room()
    assert files[3].exists()


def test_what_people_made_and_what_is_in_use_stays():
    own = [written(f"{folder}/a", 99, 10**6) for folder in ("networks/n", "subsets")]
    room, busy = written("rooms.sqlite", 99, 10**6), written("features/new.records", 0.1, 10**6)
    make_room()
    assert all(path.exists() for path in (*own, room, busy))


def test_saving_patches_makes_room_and_reading_them_is_using_them():
    shelf = Shelf(cache_folder() / "patches", "a", "layer")
    old, kept = written("features/old.records", 9, 10**5), Record.empty(9, 4)
    shelf.save(kept)
    assert not old.exists()
    (file,) = (cache_folder() / "patches").glob("*.npz")
    os.utime(file, (0, 0))
    assert shelf.load(0) is not None
    assert time.time() - file.stat().st_mtime < 600


def test_a_pass_that_lost_its_file_begins_anew():
    """As after a bound that was reached while nobody looked."""
    records = Records(LOOKS, "looks", "a")
    records.add(np.zeros(3, LOOKS))
    assert len(Records(LOOKS, "looks", "a").rows()) == 3
    records.path.unlink()
    assert len(Records(LOOKS, "looks", "a").rows()) == 0


@pytest.mark.parametrize(("said", "bytes_"), [("2", 2e9), ("0.5", 5e8), ("much", LIMIT_GB * 1e9), ("", LIMIT_GB * 1e9)])
def test_the_bound_is_a_setting(said, bytes_, monkeypatch):
    monkeypatch.setenv(LIMIT, said)
    assert limit() == bytes_
