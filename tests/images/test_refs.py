import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.images.hostile import photo, saved
from viz_core.errors import ConvscopeError
from viz_core.images import refs, samples
from viz_core.images.intake import MOST_BYTES, Picture, load_image
from viz_core.images.refs import PictureStore, keep_upload, open_image


def refusal(ref: str) -> ConvscopeError:
    with pytest.raises(ConvscopeError) as refused:
        open_image(ref)
    assert refused.value.sentence("en") != refused.value.sentence("ko")
    return refused.value


def filled(level: int, side: int = 10) -> Picture:
    return Picture(np.full((side, side, 3), level, np.uint8))


def test_a_sample_an_upload_and_a_file_open(tmp_path):
    assert open_image("sample:coffee") == samples.sample("coffee")
    picture = load_image(saved(photo(), "PNG"))
    assert open_image(keep_upload(picture)) is picture
    file = tmp_path / "사진.png"
    file.write_bytes(saved(photo(), "PNG"))
    assert open_image(str(file)) == picture


def test_a_file_is_decoded_once_and_again_when_it_changes(tmp_path):
    file = tmp_path / "photo.png"
    file.write_bytes(saved(photo(), "PNG"))
    first = open_image(str(file))
    assert open_image(str(file)) is first
    file.write_bytes(saved(photo(80, 80), "PNG"))
    assert open_image(str(file)).pixels.shape == (80, 80, 3)


def test_close_names_are_offered(tmp_path):
    assert "chelsea" in str(refusal("sample:chelsae"))
    assert "Known" in str(refusal("sample:quux"))
    assert "sample:chelsea" in str(refusal("chelsea"))
    (tmp_path / "holiday.jpg").write_bytes(saved(photo(), "JPEG"))
    assert "holiday.jpg" in str(refusal(str(tmp_path / "hoilday.jpg")))
    assert refusal(str(tmp_path / "none" / "x.png")).key == "image_errors.no_file"


def test_what_is_no_readable_file_gets_its_sentence(tmp_path):
    assert refusal(str(tmp_path)).key == "image_errors.directory"
    assert refusal("").key in ("image_errors.directory", "image_errors.no_file")
    assert refusal("a\0b").key == "image_errors.no_file"
    assert refusal("x" * 5000).key == "image_errors.unreadable"
    assert refusal("/dev/zero").key == "image_errors.not_regular"
    os.mkfifo(tmp_path / "pipe")
    assert refusal(str(tmp_path / "pipe")).key == "image_errors.not_regular"
    with open(tmp_path / "huge.png", "wb") as huge:
        huge.truncate(MOST_BYTES + 1)
    assert refusal(str(tmp_path / "huge.png")).key == "image_errors.too_many_bytes"
    (tmp_path / "notes.png").write_text("no picture")
    assert refusal(str(tmp_path / "notes.png")).key == "image_errors.text"


def test_a_file_one_may_not_read_gets_its_sentence(tmp_path, monkeypatch):
    file = tmp_path / "secret.png"
    file.write_bytes(saved(photo(), "PNG"))

    def refuse(path):
        raise PermissionError(path)

    monkeypatch.setattr(refs.Path, "read_bytes", refuse)
    assert refusal(str(file)).key == "image_errors.unreadable"


def test_a_forgotten_upload_asks_to_upload_again():
    assert "upload it again" in str(refusal("upload:0123456789abcdef"))


def test_the_store_forgets_the_least_recently_used_first():
    store = PictureStore(most_bytes=3 * 300)
    for level in range(3):
        store.keep(level, filled(level))
    assert store.find(0) is not None  # now the most recently used
    store.keep(3, filled(3))
    assert [store.find(level) is not None for level in range(4)] == [True, False, True, True]
    assert store.nbytes == 900
    store.keep(3, filled(3))
    assert store.nbytes == 900
    store.keep("large", filled(0, side=100))
    assert store.find("large") is not None
    assert store.nbytes == 30_000


def test_many_threads_share_the_store_and_its_bound():
    store = PictureStore(most_bytes=50 * 300)

    def visit(level: int) -> bool:
        store.keep(level % 100, filled(level % 100))
        found = store.find(level % 100)
        return found is None or bool((found.pixels == level % 100).all())

    with ThreadPoolExecutor(16) as people:
        assert all(people.map(visit, range(2000)))
    assert store.nbytes == 50 * 300
