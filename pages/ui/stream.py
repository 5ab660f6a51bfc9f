"""A job as a stream of bytes: for every change a JSON header and the newest picture, each after its length."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from viz_core.jobs import Job

FRAMES_PER_SECOND = 15  # at most, for each viewer
HEARTBEAT_S = 1.0  # longest silence: time left and the number of people change without a step
MEDIA_TYPE = "video/x-convscope"  # a type the server's compression leaves alone


def header(job: Job) -> dict[str, Any]:
    """What a viewer is told about a job beside its picture."""
    step = job.step
    return {
        "state": job.state,
        "done": step.done if step else 0,
        "total": step.total if step else 0,
        "frame": job.frame,
        "position": job.position,
        "people": job.people,
        "steps_per_second": job.steps_per_second,
        "seconds_left": job.seconds_left if job.active else None,
        "error": job.error.key if job.error else None,
        "curves": job.history,
    }


def message(told: dict[str, Any], jpeg: bytes) -> bytes:
    """One message: header as JSON and picture as JPEG, each after its length (4 bytes, big-endian)."""
    head = json.dumps(told, separators=(",", ":")).encode()
    return len(head).to_bytes(4, "big") + head + len(jpeg).to_bytes(4, "big") + jpeg


async def messages(job: Job, is_over: Callable[[], Awaitable[bool]]) -> AsyncIterator[bytes]:
    """Messages until the job has ended or the viewer is gone; a picture is sent once, and only the newest one."""
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()
    forget = job.listen(lambda: loop.call_soon_threadsafe(changed.set))
    sent, due = 0, loop.time()
    try:
        while not await is_over():
            job.touch()
            changed.clear()
            ended = not job.active
            jpeg = b""
            if job.frame != sent:
                sent = job.frame
                jpeg = await asyncio.to_thread(job.frame_jpeg)
            yield message(header(job), jpeg)
            if ended:
                return
            due = max(due + 1 / FRAMES_PER_SECOND, loop.time())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), HEARTBEAT_S)
            await asyncio.sleep(due - loop.time())
    finally:
        forget()
