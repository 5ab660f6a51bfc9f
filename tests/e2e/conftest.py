"""The dashboard in a real browser: a server, a Chromium, and visitors."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.serving import Server, serve

HERE = Path(__file__).parent
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),  # a camera that films a moving disc
)
# Streamlit looks for its own address below the page's first; the browser reports that as an error.
BENIGN = ("_stcore/health", "_stcore/host-config")
SERVE_SCRIPT = """
import pathlib, sys
from streamlit import config
from pages.ui.server import main
config.set_option("server.baseUrlPath", sys.argv[2])
main(pathlib.Path(sys.argv[1]))
"""


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


def chromium_path(own: str) -> str | None:
    """A Chromium: the one named by CONVSCOPE_CHROMIUM, an installed one, or Playwright's own."""
    named = os.environ.get("CONVSCOPE_CHROMIUM")
    installed = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return next((path for path in (named, *installed, own) if path and Path(path).exists()), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = chromium_path(playwright.chromium.executable_path)
        if path is None:
            pytest.skip("no Chromium found: set CONVSCOPE_CHROMIUM to the path of one to run the browser tests")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(browser) -> Iterator[Server]:
    """The dashboard."""
    with serve() as server:
        yield server


@pytest.fixture(scope="module")
def serve_script(browser) -> Iterator[Callable[..., Server]]:
    """Serve another script beside this file, as the dashboard is served, until the tests of the file have run."""
    with contextlib.ExitStack() as servers:
        yield lambda name, base="": servers.enter_context(serve(("-c", SERVE_SCRIPT, str(HERE / name), base)))


class Visitor:
    """Somebody with a browser window of their own."""

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        options = {"viewport": {"width": 1280, "height": 900}, "locale": "en-US"} | options
        self.address = address
        self.context = browser.new_context(**options)
        self.errors: list[str] = []
        self.page = self.tab()

    def tab(self) -> Page:
        """One more tab of the same window."""
        page = self.context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", self._hear)
        page.on("pageerror", lambda problem: self.errors.append(str(problem)))
        return page

    def open(self, link: str = "") -> Page:
        """Open a link of the dashboard such as `deepdream?steps=5`."""
        self.page.goto(f"{self.address}/{link}")
        return self.page

    def settle(self) -> None:
        """Wait until the script has run and nothing on the page is stale."""
        self.page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")

    def _hear(self, said: ConsoleMessage) -> None:
        url = (said.location or {}).get("url", "")
        if said.type == "error" and not any(part in url for part in BENIGN):
            self.errors.append(f"{said.text} {url}")


@pytest.fixture
def visitor(browser, request) -> Iterator[Callable[..., Visitor]]:
    """Let somebody come to the dashboard, or to another address; their browser must report no error."""
    visitors: list[Visitor] = []

    def come(address: str | None = None, **options: Any) -> Visitor:
        address = address or request.getfixturevalue("server").address
        visitors.append(Visitor(browser, address, **options))
        return visitors[-1]

    yield come
    for somebody in visitors:
        somebody.context.close()
    assert [error for somebody in visitors for error in somebody.errors] == []
