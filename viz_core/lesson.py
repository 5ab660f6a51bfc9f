"""A lesson: an ordered list of rooms with their settings and a sentence each, as JSON."""

import base64
import json
import zlib
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from viz_core.errors import ConvscopeError
from viz_core.registry import technique

LESSONS = Path(__file__).resolve().parents[1] / "assets" / "lessons"
LARGEST = 256 * 1024


class Stop(BaseModel):
    """One stop of a lesson: a room, the settings that differ from its defaults, and what to say, by language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    room: str
    settings: dict[str, str] = Field(default_factory=dict)
    say: dict[str, str]

    def sentence(self, lang: str) -> str:
        """What to say in a language; in English, or whatever there is, where it is not told in that one."""
        return self.say.get(lang) or self.say.get("en") or next(iter(self.say.values()))


class Lesson(BaseModel):
    """A title by language, and the stops in their order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: dict[str, str]
    stops: tuple[Stop, ...] = Field(min_length=1, max_length=100)


def read_lesson(content: str) -> Lesson:
    """A lesson from its JSON; raises ConvscopeError where it is none, or names a room that is not there."""
    if len(content) > LARGEST:
        raise ConvscopeError("lesson.errors.not_a_lesson")
    try:
        lesson = Lesson.model_validate_json(content)
    except ValidationError as error:
        raise ConvscopeError("lesson.errors.not_a_lesson") from error
    for stop in lesson.stops:
        kind = technique(stop.room)
        unknown = set(stop.settings) - set(kind.model_fields)
        if unknown or not stop.say:
            raise ConvscopeError("lesson.errors.unknown_setting", room=stop.room, setting=", ".join(sorted(unknown)))
    return lesson


def to_link(lesson: Lesson) -> str:
    """A lesson as letters that may stand in a link, which `from_link` takes."""
    return base64.urlsafe_b64encode(zlib.compress(lesson.model_dump_json().encode(), 9)).decode().rstrip("=")


def from_link(told: str) -> Lesson:
    """The lesson of a link; raises ConvscopeError where it is none. What unpacks to more than a lesson may be is not unpacked."""
    try:
        packed = base64.urlsafe_b64decode(told + "=" * (-len(told) % 4))
        content = zlib.decompressobj().decompress(packed, LARGEST + 1)
    except (ValueError, zlib.error) as error:
        raise ConvscopeError("lesson.errors.not_a_lesson") from error
    return read_lesson(content.decode("utf-8", errors="replace"))


@cache
def storyline() -> Lesson:
    """The lecture's own storyline, from filters to style."""
    return read_lesson((LESSONS / "storyline.json").read_text(encoding="utf-8"))


def to_json(lesson: Lesson) -> str:
    """A lesson as JSON that `read_lesson` takes."""
    return json.dumps(lesson.model_dump(), ensure_ascii=False, indent=2)
