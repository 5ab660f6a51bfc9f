"""Fetching weights from a small server of our own: resumed, checked, and never half-written in place."""

import errno
import hashlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from viz_core.errors import ConvscopeError
from viz_core.models import weights

CONTENT = bytes(range(256)) * 8000
NAME = f"net-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"


class Server(BaseHTTPRequestHandler):
    """Serves CONTENT under any name, with ranges; `cut` ends every answer after so many bytes, `ranges` turns them off."""

    cut: ClassVar[int | None] = None
    ranges: ClassVar[bool] = True
    content: ClassVar[bytes] = CONTENT
    asked: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.asked.append(wanted)
        start = int(re.match(r"bytes=(\d+)-", wanted).group(1)) if wanted and self.ranges else 0
        if start >= len(self.content):
            self.send_error(416)
            return
        body = self.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.cut])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name, value in {"cut": None, "ranges": True, "content": CONTENT, "asked": []}.items():
        monkeypatch.setattr(Server, name, value)
    http = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{http.server_port}/{NAME}"
    http.shutdown()
    http.server_close()


def part_of(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def test_a_file_is_fetched_once_with_progress(server: str, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    path = weights.fetch(server, lambda done, total: heard.append((done, total)))
    assert path == tmp_path / "hub" / "checkpoints" / NAME
    assert path.read_bytes() == CONTENT
    assert not part_of(path).exists()
    assert heard[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in heard] == sorted({done for done, _ in heard})
    weights.fetch(server)
    assert Server.asked == [None]


def test_a_broken_transfer_goes_on_where_it_stopped(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "cut", 400_000)
    path = weights.local_path(server)
    with pytest.raises(ConvscopeError, match="stopped after 1 MB"):
        weights.fetch(server)
    assert not path.exists()
    assert part_of(path).read_bytes() == CONTENT[:1_200_000]
    monkeypatch.setattr(Server, "cut", None)
    assert weights.fetch(server).read_bytes() == CONTENT
    assert Server.asked == [None, "bytes=400000-", "bytes=800000-", "bytes=1200000-"]


def test_a_server_without_ranges_starts_over(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = weights.local_path(server)
    path.parent.mkdir(parents=True)
    part_of(path).write_bytes(b"from another day")
    monkeypatch.setattr(Server, "ranges", False)
    assert weights.fetch(server).read_bytes() == CONTENT


def test_a_part_that_is_whole_is_checked_and_used(server: str) -> None:
    path = weights.local_path(server)
    path.parent.mkdir(parents=True)
    part_of(path).write_bytes(CONTENT)
    assert weights.fetch(server).read_bytes() == CONTENT


def test_wrong_contents_are_thrown_away(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "content", CONTENT[::-1])
    path = weights.local_path(server)
    with pytest.raises(ConvscopeError, match="arrived damaged"):
        weights.fetch(server)
    assert not path.exists()
    assert not part_of(path).exists()


def test_a_damaged_file_in_place_is_fetched_again(server: str) -> None:
    path = weights.local_path(server)
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT[:1000])
    assert weights.fetch(server).read_bytes() == CONTENT


def test_stopping_keeps_the_part(server: str) -> None:
    class StoppedError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        raise StoppedError

    path = weights.local_path(server)
    with pytest.raises(StoppedError):
        weights.fetch(server, stop)
    assert not path.exists()
    assert part_of(path).stat().st_size > 0


def test_no_network(server: str) -> None:
    with pytest.raises(ConvscopeError, match="cannot be reached"):
        weights.fetch(f"http://127.0.0.1:1/{NAME}")


def test_an_error_of_the_server(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "do_GET", lambda handler: handler.send_error(404))
    with pytest.raises(ConvscopeError, match="error 404"):
        weights.fetch(server)


def test_a_full_disk_is_told_before_anything_is_written(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 10})())
    with pytest.raises(ConvscopeError, match="no room left"):
        weights.fetch(server)
    assert part_of(weights.local_path(server)).stat().st_size == 0


def test_a_disk_that_fills_up_on_the_way(server: str) -> None:
    def fill_up(done: int, total: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ConvscopeError, match="no room left") as caught:
        weights.fetch(server, fill_up)
    assert "공간이 없습니다" in caught.value.sentence("ko")
    assert not weights.local_path(server).exists()


def test_two_who_ask_at_once_get_one_transfer(server: str) -> None:
    threads = [threading.Thread(target=weights.fetch, args=(server,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Server.asked == [None]
