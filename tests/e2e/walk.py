"""The whole walk through the shipped lesson, by the keyboard alone: two languages, light and dark, wide and narrow.

    python tests/e2e/walk.py [folder for the screenshots] [address of a running server]

At every stop it looks for English left on the Korean page, for serious accessibility violations (axe), for errors in the
browser's console and for pages wider than the window; it prints what it found and ends with status 1 if that was anything.
"""

import contextlib
import re
import sys
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright

from tests.e2e.conftest import FLAGS, Visitor, chromium_path
from tests.serving import serve
from viz_core.lesson import storyline

LANGUAGES, THEMES, WIDTHS = ("en", "ko"), ("light", "dark"), (1280, 390)
LOCALES = {"en": "en-US", "ko": "ko-KR"}
SERIOUS = ("serious", "critical")
# Streamlit's own navigation, which we cannot change: the rule, and what its elements are.
STREAMLITS = {"list": "stSidebarNavItems", "listitem": '<li class="st-emotion'}
SENTENCE = re.compile(r"[A-Za-z]{3,} [a-z]{2,} [a-z]{2,}")


def violations(page: Page) -> list[str]:
    """The serious and critical ones, each with its first element."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']} ({one['impact']}) x{len(one['nodes'])}: {one['nodes'][0]['html'][:160]}"
        for one in found
        if one["impact"] in SERIOUS
        and not all(STREAMLITS.get(one["id"], "\0") in node["html"] for node in one["nodes"])
    ]


def untranslated(page: Page) -> list[str]:
    """English sentences to be seen on the page, but for the English terms in brackets."""
    return sorted(set(SENTENCE.findall(re.sub(r"\([^)]*\)", "", page.inner_text("[data-testid=stMain]")))))


def is_too_wide(page: Page) -> bool:
    """Whether people must scroll sideways."""
    return page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 2")


def settle(visitor: Visitor) -> None:
    """Wait until the page rests, or long enough: some rooms go on computing."""
    visitor.page.wait_for_selector("[data-testid=stMain] h1")
    visitor.page.wait_for_timeout(400)
    with contextlib.suppress(Exception):
        visitor.page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=20_000)
    visitor.page.wait_for_timeout(800)


def walk(visitor: Visitor, lang: str, stops: int, folder: Path | None = None) -> list[str]:
    """Go through the first stops of the lesson with Tab, Enter and Alt+PageDown; what was wrong on the way."""
    page, wrong = visitor.page, []
    visitor.open(f"lesson?lang={lang}")
    settle(visitor)
    page.locator(".st-key-lesson\\.stop\\.0 button, .st-key-lesson-stop-0 button").first.focus()
    page.keyboard.press("Enter")
    for place, stop in enumerate(storyline().stops[:stops]):
        page.wait_for_selector(f"text=/^{place + 1} \\/ /", timeout=90_000)
        settle(visitor)
        name = f"{lang} stop {place + 1} {stop.room}"
        if (
            page.locator("[data-testid=stException]").count()
            or page.locator("[data-testid=stAlertContentError]").count()
        ):
            wrong.append(f"{name}: an error is shown")
        wrong += [f"{name}: {one}" for one in violations(page)]
        wrong += [f"{name}: English left: {words}" for words in untranslated(page) if lang == "ko"]
        if is_too_wide(page):
            wrong.append(f"{name}: wider than the window")
        if folder is not None:
            page.screenshot(path=folder / f"{place + 1:02d}-{stop.room}.png")
        page.keyboard.press("Alt+PageDown")
    return wrong + [f"{lang}: console: {error}" for error in visitor.errors]


def main(folder: str = "walk", address: str = "") -> int:
    """All eight walks."""
    wrong: dict[str, None] = {}
    with contextlib.ExitStack() as stack:
        address = address or stack.enter_context(serve()).address
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(
            executable_path=chromium_path(playwright.chromium.executable_path), args=FLAGS
        )
        for lang, theme, width in product(LANGUAGES, THEMES, WIDTHS):
            shots = Path(folder) / f"{lang}-{theme}-{width}"
            shots.mkdir(parents=True, exist_ok=True)
            visitor = Visitor(
                browser, address, locale=LOCALES[lang], color_scheme=theme, viewport={"width": width, "height": 900}
            )
            found = walk(visitor, lang, len(storyline().stops), shots)
            wrong |= dict.fromkeys(f"{theme} {width} {one}" for one in found)
            print(f"{lang} {theme} {width}: {len(found)} things wrong", flush=True)
            visitor.context.close()
    print("\n".join(wrong) or "nothing wrong")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
