"""Short clips: decoded within limits, kept by digest for a while, and written as MP4."""

import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from viz_core.errors import ConvscopeError
from viz_core.images.render import resize

CLIP = "clip:"
LONGEST_SECONDS = 10.0
MOST_FRAMES = 120
MOST_PER_SECOND = 12.0
MOST_BYTES = 50 * 2**20
LONGEST_SIDE = 512
MOST_KEPT = 8
MP4_QUALITY = "20"  # x264's constant rate factor: 0 is lossless, 23 its default


@dataclass(frozen=True)
class Clip:
    """A film without sound: frames (H, W, 3) uint8 of one size, and how many of them make a second."""

    frames: tuple[np.ndarray, ...]
    per_second: float


_kept: OrderedDict[str, Clip] = OrderedDict()
_lock = threading.Lock()


def load_clip(data: bytes) -> Clip:
    """Decode a film of at most ten seconds, at most twelve frames a second and 512 pixels a side.

    Raises ConvscopeError for what is empty, too large, no film or too long.
    """
    if not data:
        raise ConvscopeError("video_errors.empty")
    if len(data) > MOST_BYTES:
        raise ConvscopeError("video_errors.too_large", megabytes=len(data) // 2**20, limit=MOST_BYTES // 2**20)
    try:
        with av.open(io.BytesIO(data), "r", metadata_errors="ignore") as container:
            return _decode(container)
    except (av.FFmpegError, IndexError, ValueError, OSError) as error:
        raise ConvscopeError("video_errors.not_a_film") from error


def _decode(container: av.container.InputContainer) -> Clip:
    stream = container.streams.video[0]
    if container.duration is not None and container.duration / av.time_base > LONGEST_SECONDS + 0.5:
        raise ConvscopeError(
            "video_errors.too_long", seconds=round(container.duration / av.time_base), limit=round(LONGEST_SECONDS)
        )
    frames: list[np.ndarray] = []
    start: float | None = None
    last = 0.0
    for frame in container.decode(stream):
        time = frame.time if frame.time is not None else last + 1 / MOST_PER_SECOND
        start = time if start is None else start
        last = time - start
        if last >= LONGEST_SECONDS or len(frames) == MOST_FRAMES:
            break
        if last >= len(frames) / MOST_PER_SECOND - 1e-3:
            frames.append(_small(frame.to_ndarray(format="rgb24")))
    if not frames:
        raise ConvscopeError("video_errors.not_a_film")
    per_second = (len(frames) - 1) / last if last > 0 and len(frames) > 1 else MOST_PER_SECOND
    return Clip(tuple(frames), min(MOST_PER_SECOND, max(1.0, per_second)))


def _small(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    return resize(pixels, (max(1, round(height * scale)), max(1, round(width * scale)))) if scale < 1 else pixels


def keep_clip(data: bytes) -> str:
    """Decode an uploaded film, keep it for a while and return its reference, `clip:<digest>`."""
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    clip = load_clip(data)
    with _lock:
        _kept[digest] = clip
        _kept.move_to_end(digest)
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return CLIP + digest


def open_clip(ref: str) -> Clip:
    """The film behind `clip:<digest>` or a file's path; raises ConvscopeError where there is none."""
    if ref.startswith(CLIP):
        with _lock:
            clip = _kept.get(ref.removeprefix(CLIP))
        if clip is None:
            raise ConvscopeError("video_errors.forgotten")
        return clip
    try:
        data = Path(ref).read_bytes()
    except OSError as error:
        raise ConvscopeError("video_errors.no_file", path=ref) from error
    return load_clip(data)


def clip_digest(clip: Clip) -> str:
    """A name for the frames: 32 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    for frame in clip.frames:
        digest.update(np.ascontiguousarray(frame).data)
    return digest.hexdigest()


def encode_mp4(frames: Sequence[np.ndarray], per_second: float) -> bytes:
    """An H.264 film of frames (H, W, 3) uint8 of one size; an odd last row or column is left out, as the format asks."""
    height, width = (side - side % 2 for side in frames[0].shape[:2])
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=max(1, round(per_second)))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": MP4_QUALITY, "threads": "1"}
        for pixels in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:height, :width]), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()
