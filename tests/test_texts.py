"""The catalogues: the same keys and places in every language, nothing missing, nothing unused."""

import re
from pathlib import Path

import pytest

from viz_core.registry import techniques
from viz_core.technique import Technique
from viz_core.texts import LANGUAGES, catalogue, has_text, match_language, text

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "viz_core").rglob("*.py")]
EXPLAIN = ("plain", "formula", "read", "pitfalls", "paper")


def own_fields(kind: type[Technique]) -> list[str]:
    return [name for name in kind.model_fields if name in kind.__annotations__]


def places(template: str) -> set[str]:
    return set(re.findall(r"\{(\w+)", template))


def test_every_language_has_the_same_keys():
    english = set(catalogue("en"))
    for lang in LANGUAGES:
        assert set(catalogue(lang)) == english, lang


def test_every_language_fills_in_the_same_places():
    for key, english in catalogue("en").items():
        if not key.endswith(".formula"):
            assert places(english) == places(text(key, "ko")), key


def test_korean_is_korean():
    untranslated = [
        key
        for key, words in catalogue("ko").items()
        if words == text(key, "en") and re.search(r"[a-z]{4,} [a-z]{3,} [a-z]{3,}", words) and "formula" not in key
    ]
    assert not untranslated


def test_bold_words_end_where_markdown_sees_it():
    """After a full stop, a percent sign or a value put in, two stars with a letter behind them stay two stars."""
    bold = re.compile(r"\*\*[^*\s][^*]*\W\*\*\w")
    assert [key for lang in LANGUAGES for key, words in catalogue(lang).items() if bold.search(words)] == []


def test_one_is_not_several():
    assert text("lesson.save_recorded", count=1) == "Save my own lesson (1 stop)"
    assert text("lesson.save_recorded", count=2) == "Save my own lesson (2 stops)"
    assert text("you_vs_net.page.class_count", people=1, answers=3).startswith("1 person has joined, 3 answers have")


@pytest.mark.parametrize("slug", techniques())
def test_every_technique_is_told_in_full(slug):
    kind, namespace = techniques()[slug], slug.replace("-", "_")
    for key in ("title", "question", *(f"explain.{part}" for part in EXPLAIN)):
        assert has_text(f"{namespace}.{key}"), key
    assert text(f"{namespace}.question").endswith("?")
    for name in own_fields(kind):
        for part in ("label", "help"):
            assert has_text(f"{namespace}.fields.{name}.{part}") or has_text(f"fields.{name}.{part}"), (name, part)


def test_no_key_is_missing():
    source = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    shared = {key.partition(".")[0] for key in catalogue("en")} - {"fields"}  # other keys are a technique's own
    asked = re.findall(r"\b(?:t|text|ConvscopeError)\(\s*\"(\w+)(\.[\w.]+)\"", source)
    assert len(asked) > 100
    assert not [space + rest for space, rest in asked if space in shared and not has_text(space + rest)]


def test_no_key_is_unused():
    source = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    literals = set(re.findall(r"[\"']([\w.{}\-]+)[\"']", source))
    namespaces = {slug.replace("-", "_") for slug in techniques()}
    unused = [key for key in catalogue("en") if not _is_used(key, literals, namespaces)]
    assert not unused


def _is_used(key: str, literals: set[str], namespaces: set[str]) -> bool:
    namespace, _, rest = key.partition(".")
    if namespace in namespaces and rest.split(".")[0] in ("title", "question", "explain", "fields", "options"):
        return True
    if namespace == "fields":
        return True
    if key in literals or rest in literals:
        return True
    patterns = (re.escape(literal).replace(r"\{", "{").replace(r"\}", "}") for literal in literals if "{" in literal)
    return any(
        re.fullmatch(re.sub(r"\{[^}]*\}", r"[\\w\\-]+", pattern), candidate)
        for pattern in patterns
        for candidate in (key, rest)
    )


def test_the_browsers_language_is_followed():
    assert match_language("ko-KR") == "ko"
    assert match_language("fr") == "en"
    assert match_language(None) == "en"
