"""The server: what a stream says and when, the addresses it answers at, and a clean end."""

import asyncio
import http.client
import json
import socket
import time
import urllib.error
import urllib.request
from io import BytesIO
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from streamlit.runtime.pages_manager import PagesManager

from pages.ui.server import main
from pages.ui.stream import FRAMES_PER_SECOND, HEARTBEAT_S, MEDIA_TYPE, header, message, messages
from tests.serving import serve
from viz_core.jobs import Scheduler
from viz_core.recipe import Recipe
from viz_core.technique import Result, Step

ENDLESS_JOB = """
import time
import numpy as np
from pages.ui.server import main
from viz_core.jobs import presence, scheduler
from viz_core.technique import Step

def run():
    for step in range(10**6):
        time.sleep(0.02)
        yield Step(step + 1, 10**6, np.full((32, 48, 3), step % 256, np.uint8), {"loss": 1.0 / (step + 1)})

presence.arrive("somebody")
print("job:", scheduler().submit("somebody", run).id)
main()
"""


def parse(stream: bytes) -> list[tuple[dict, bytes]]:
    """The messages of a stream, by hand."""
    found = []
    while stream:
        head = int.from_bytes(stream[:4], "big")
        size = int.from_bytes(stream[4 + head : 8 + head], "big")
        found.append((json.loads(stream[4 : 4 + head]), stream[8 + head : 8 + head + size]))
        assert len(stream) >= 8 + head + size
        stream = stream[8 + head + size :]
    return found


def run(steps, cost):
    for step in range(steps):
        time.sleep(cost)
        if (yield Step(step + 1, steps, np.full((8, 12, 3), step % 256, np.uint8), {"loss": float(step)})):
            break
    recipe = Recipe(technique="test", parameters={}, weights="", picture="")
    return Result(recipe=recipe, arrays={}, pictures={}, scores={}, tables={})


async def never() -> bool:
    return False


def watch(job, is_over=never):
    """All that one viewer is sent: (time, header, picture) for each message."""

    async def collect():
        return [(time.monotonic(), *parse(one)[0]) async for one in messages(job, is_over)]

    return asyncio.run(collect())


@pytest.fixture
def scheduler():
    scheduler = Scheduler(slice_s=0.02).start()
    yield scheduler
    scheduler.close()


def test_a_message_is_header_and_picture_each_after_its_length():
    assert message({"done": 1}, b"jpeg") == b"\0\0\0\x0a" + b'{"done":1}' + b"\0\0\0\x04" + b"jpeg"


def test_a_slow_run_is_shown_frame_by_frame_to_its_end(scheduler):
    job = scheduler.submit("ann", lambda: run(8, 0.12))
    told = watch(job)
    pictures = [(head["frame"], picture) for _, head, picture in told if picture]
    assert [frame for frame, _ in pictures] == list(range(1, 9))
    assert told[-1][1] | {"curves": 0} == {
        "state": "done",
        "done": 8,
        "total": 8,
        "frame": 8,
        "position": 0,
        "people": 1,
        "steps_per_second": job.steps_per_second,
        "seconds_left": None,
        "error": None,
        "curves": 0,
    }
    assert told[-1][1]["curves"]["loss"] == [[step + 1, float(step)] for step in range(8)]
    assert np.asarray(Image.open(BytesIO(pictures[-1][1]))).mean() == pytest.approx(7, abs=1)


def test_a_fast_run_is_shown_fifteen_times_a_second(scheduler):
    job = scheduler.submit("ann", lambda: run(400, 0.004))
    told = watch(job)
    shown = [when for when, _, picture in told if picture]
    rate = (len(shown) - 1) / (shown[-1] - shown[0])
    assert 0.6 * FRAMES_PER_SECOND < rate < 1.1 * FRAMES_PER_SECOND
    assert len(shown) < job.frame == 400


def test_two_viewers_share_the_encoding(scheduler, monkeypatch):
    encoded = []
    monkeypatch.setattr("viz_core.jobs.encode_jpeg", lambda pixels, quality: encoded.append(1) or b"jpeg")
    job = scheduler.submit("ann", lambda: run(6, 0.1))

    async def both():
        async def count():
            return len([1 async for one in messages(job, never) if parse(one)[0][1]])

        return await asyncio.gather(count(), count())

    assert asyncio.run(both()) == [6, 6]
    assert len(encoded) == 6


def test_silence_is_broken_and_watching_keeps_a_job_alive(scheduler):
    scheduler.idle_s = 1.5 * HEARTBEAT_S

    def slow():
        time.sleep(2.5 * HEARTBEAT_S)
        yield Step(1, 1, np.zeros((4, 4, 3), np.uint8))
        yield from run(1, 0)

    job = scheduler.submit("ann", slow)
    told = watch(job)
    assert [head["done"] for _, head, _ in told][:3] == [0, 0, 0]
    assert job.state == "done"


def test_a_viewer_who_leaves_is_no_longer_served(scheduler):
    job = scheduler.submit("ann", lambda: run(10**6, 0.01))
    looks = []

    async def gone() -> bool:
        looks.append(1)
        return len(looks) > 3

    assert len(watch(job, gone)) == 3
    assert job._listeners == []


def test_an_ended_job_is_told_once(scheduler):
    job = scheduler.submit("ann", lambda: run(1, 0))
    while job.active:
        time.sleep(0.01)
    ((_, head, picture),) = watch(job)
    assert (head["state"], bool(picture)) == ("done", True)


def test_a_failure_tells_its_sentence(scheduler):
    def broken():
        yield Step(1, 2)
        raise ValueError

    job = scheduler.submit("ann", broken)
    while job.active:
        time.sleep(0.01)
    assert header(job)["error"] == "job_errors.unexpected"


def test_streamlit_still_has_the_switch_we_turn():
    assert hasattr(PagesManager, "uses_pages_directory")


@pytest.fixture(scope="module")
def server():
    with serve(("-c", ENDLESS_JOB)) as server:
        yield server


def status(url: str, method: str = "GET") -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


def test_the_server_answers(server):
    with urllib.request.urlopen(f"{server.address}/api/ready", timeout=20) as answer:
        assert json.load(answer) == {"ready": True}
    assert status(f"{server.address}/_stcore/health") == 200
    assert status(f"{server.address}/deepdream") == 200
    assert status(f"{server.address}/live/{'0' * 32}") == 404
    assert status(f"{server.address}/live/{'0' * 32}/stop", "POST") == 404
    assert not [line for line in server.said if "Traceback" in line or "rror" in line]


def open_stream(server):
    job = next(line.split()[1] for line in server.said if line.startswith("job:"))
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=20)
    connection.request("GET", f"/live/{job}", headers={"Accept-Encoding": "gzip"})
    return connection, connection.getresponse()


def test_a_stream_arrives_uncompressed_and_unbuffered(server):
    connection, answer = open_stream(server)
    assert (answer.status, answer.headers["Content-Type"], answer.headers["Content-Encoding"]) == (
        200,
        MEDIA_TYPE,
        None,
    )
    assert answer.headers["Cache-Control"] == "no-store"
    frames = []
    for _ in range(8):
        head = json.loads(answer.read(int.from_bytes(answer.read(4), "big")))
        jpeg = answer.read(int.from_bytes(answer.read(4), "big"))
        assert head["state"] == "running"
        if jpeg:
            assert Image.open(BytesIO(jpeg)).size == (48, 32)
            frames.append(head["frame"])
    assert len(frames) >= 7
    assert frames == sorted(set(frames))
    connection.close()


def test_an_address_in_use_is_one_sentence(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setenv("HOST", "127.0.0.1")
        monkeypatch.setenv("PORT", str(other.getsockname()[1]))
        with pytest.raises(SystemExit, match=f"port {other.getsockname()[1]}: Address already in use"):
            main()


@pytest.mark.parametrize("port", ["many", "-1", "65536"])
def test_a_bad_port_is_one_sentence(monkeypatch, port):
    monkeypatch.setenv("PORT", port)
    with pytest.raises(SystemExit, match=f'PORT must be a number from 0 to 65535, not "{port}"'):
        main()


def test_the_server_ends_cleanly_while_somebody_watches(server):
    _, answer = open_stream(server)
    answer.read(4)
    begin = time.monotonic()
    assert server.close() == 0
    assert time.monotonic() - begin < 10
    assert not [line for line in server.said if "Traceback" in line or "rror" in line], server.said
