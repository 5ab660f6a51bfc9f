"""How long a page takes to run again after a touched control: `python tests/benchmarks/bench_pages.py [slug ...]`.

Each page is opened, its first result awaited, and then run again a few times without a browser. Told are the median wall
and computing time of a run in milliseconds. What the browser adds is not in here; `tests/e2e/test_live.py` measures it.
"""

import logging
import statistics
import sys
import time
from pathlib import Path

from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
ROUNDS = 7
PATIENCE_S = 120


def files() -> dict[str, str | None]:
    """Every page by its name, home first."""
    rooms = sorted(
        path for folder in ("look", "embed", "explain", "generate", "learn") for path in folder_files(folder)
    )
    return {"home": None, "network": "pages/network.py", "lesson": "pages/lesson.py"} | {
        path.stem.replace("_", "-"): str(path.relative_to(ROOT)) for path in rooms
    }


def folder_files(folder: str) -> list[Path]:
    """The page files of one section."""
    return list((ROOT / "pages" / folder).glob("*.py"))


def await_result(test: AppTest, slug: str) -> None:
    """Let the room's first run end."""
    deadline = time.monotonic() + PATIENCE_S
    key = f"{slug}.job"
    while key in test.session_state and test.session_state[key].active and time.monotonic() < deadline:
        time.sleep(0.2)


def measure(slug: str, file: str | None) -> tuple[float, float, float]:
    """Seconds of the first run, then the medians of wall and computing seconds of the runs after it."""
    PagesManager.uses_pages_directory = False
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
    test.run()
    begin = time.perf_counter()
    if file is not None:
        test.switch_page(file).run()
    first = time.perf_counter() - begin
    await_result(test, slug)
    for _ in range(2):  # draws the result, then is warm
        test.run()
    assert not test.exception, test.exception
    wall, computing = [], []
    for _ in range(ROUNDS):
        begin, begin_cpu = time.perf_counter(), time.process_time()
        test.run()
        wall.append(time.perf_counter() - begin)
        computing.append(time.process_time() - begin_cpu)
    return first, statistics.median(wall), statistics.median(computing)


def main() -> None:
    """Measure the pages named, or all."""
    logging.disable(logging.WARNING)  # Streamlit warns that there is no browser
    pages = files()
    chosen = sys.argv[1:] or list(pages)
    print(f"{'page':20} {'first ms':>9} {'again ms':>9} {'computing ms':>13}")
    for slug in chosen:
        first, wall, computing = measure(slug, pages[slug])
        print(f"{slug:20} {first * 1e3:9.0f} {wall * 1e3:9.0f} {computing * 1e3:13.0f}", flush=True)


if __name__ == "__main__":
    main()
