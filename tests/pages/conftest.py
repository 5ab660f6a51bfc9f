"""Opening pages of the dashboard without a browser."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 120


@pytest.fixture(autouse=True)
def _app_chooses_pages(monkeypatch):
    """As behind our server: files in `pages/` are served through `app.py` on every run, not only after the first."""
    made = PagesManager.__init__

    def make(self, *arguments, **options):
        made(self, *arguments, **options)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", make)


@pytest.fixture
def open_page() -> Callable[..., AppTest]:
    """Open a page file such as `pages/look/filters.py` in a language, with link parameters; nothing may have gone wrong."""

    def opened(page: str | None = None, lang: str = "en", **parameters: str) -> AppTest:
        test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
        for target in dict.fromkeys((None, page)):
            if target is not None:
                test.switch_page(target)
            for name, value in {"lang": lang, **parameters}.items():
                test.query_params[name] = value
            test.run()
        assert_well(test)
        return test

    return opened


@pytest.fixture
def open_small(open_page) -> Callable[..., AppTest]:
    """Open a page with a small network and a small picture, then follow a link to it with more parameters."""

    def opened(page: str, lang: str = "en", model: str = "random:squeezenet1_1", **parameters: str) -> AppTest:
        test = open_page(page, lang, model=model)
        for name, value in {"model": model, "size": "64", **parameters}.items():
            test.query_params[name] = value
        test.run()
        assert_well(test)
        return test

    return opened


@pytest.fixture
def folder(tmp_path, monkeypatch) -> str:
    """A small set of pictures in two sub-folders that are named after classes of the bundled network."""
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))
    noise = np.random.default_rng(0)
    for name in ("goldfish", "bullfrog"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(6):
            pixels = noise.integers(0, 255, (24, 24, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / name / f"{number:02}.png")
    monkeypatch.setenv("CONVSCOPE_FOLDERS", str(tmp_path / "set"))
    return f"folder:{tmp_path / 'set'}"


@pytest.fixture
def finished() -> Callable[..., AppTest]:
    """Wait until the job of a live technique's page has ended, if it needed one; returns the page with the result."""

    def wait(test: AppTest, slug: str, seconds: float = 60) -> AppTest:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            key = f"{slug}.job"
            job = test.session_state[key] if key in test.session_state else None  # noqa: SIM401 (it has no get)
            if job is None or not job.active:
                assert job is None or job.error is None, job.error
                test.run()
                assert_well(test)
                return test
            time.sleep(0.1)
        raise AssertionError("the run did not end")

    return wait


def assert_well(test: AppTest) -> None:
    """No exception and no general apology on the page."""
    assert not test.exception, test.exception
    said = [error.value for error in test.error]
    assert not any("wrong on our side" in words or "서버에서 문제가" in words for words in said), said
