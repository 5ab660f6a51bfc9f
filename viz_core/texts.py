"""Every sentence people read, in English and Korean, from the catalogues in `assets/texts`."""

import tomllib
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

LANGUAGES = {"en": "English", "ko": "한국어"}
CATALOGUES = Path(__file__).resolve().parents[1] / "assets" / "texts"


class _Filler(Formatter):
    """Python's own filling in of places, and `{count:one|several}`."""

    def format_field(self, value: Any, format_spec: str) -> Any:
        one, bar, several = format_spec.partition("|")
        if not bar:
            return super().format_field(value, format_spec)
        return one if str(value) == "1" else several


def _flatten(table: dict, prefix: str) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in table.items():
        key = f"{prefix}.{name}"
        flat |= _flatten(value, key) if isinstance(value, dict) else {key: str(value).strip()}
    return flat


@cache
def catalogue(lang: str) -> dict[str, str]:
    """All texts of one language by key, the file's stem first: `image_errors.empty`."""
    texts: dict[str, str] = {}
    for file in sorted((CATALOGUES / lang).glob("*.toml")):
        texts |= _flatten(tomllib.loads(file.read_text(encoding="utf-8")), file.stem)
    return texts


def has_text(key: str, lang: str = "en") -> bool:
    """Whether the catalogue of this language holds the key."""
    return key in catalogue(lang)


def text(key: str, lang: str = "en", **values: object) -> str:
    """The text under a key with `{name}` places filled in; raises KeyError for a key no catalogue holds.

    `{count:picture|pictures}` stands for the word that goes with the number.
    """
    template = catalogue(lang)[key]
    return _Filler().vformat(template, (), values) if values else template


def match_language(locale: str | None) -> str:
    """The catalogue that serves a browser's locale such as `ko-KR`; English where there is none."""
    code = (locale or "en").split("-")[0].lower()
    return code if code in LANGUAGES else "en"
