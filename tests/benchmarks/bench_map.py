"""A map of 20,000 points in Chromium: frames a second while it is dragged, time to the hover card, time from lasso to answer.

    python tests/benchmarks/bench_map.py

The page is that of the browser tests. Without a graphics card Chromium draws WebGL on the processor.
"""

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.sync_api import Page, sync_playwright

from tests.e2e.conftest import FLAGS, SERVE_SCRIPT, chromium_path
from tests.serving import serve

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 4.0
DRAG = """seconds => new Promise(done => {
  const frames = [];
  const host = [...document.querySelectorAll('*')].find(one => one.shadowRoot && one.shadowRoot.querySelector('.map'));
  const over = host.shadowRoot.querySelector('.over'), box = over.getBoundingClientRect();
  const send = (kind, x, y) => over.dispatchEvent(new PointerEvent(kind, { pointerId: 1, clientX: x, clientY: y, bubbles: true }));
  over.setPointerCapture = () => {};
  send('pointerdown', box.left + box.width / 2, box.top + box.height / 2);
  const started = performance.now();
  const step = now => {
    frames.push(now);
    const turn = (now - started) / 200;
    send('pointermove', box.left + box.width * (0.5 + 0.2 * Math.cos(turn)), box.top + box.height * (0.5 + 0.2 * Math.sin(turn)));
    if (now - started < 1000 * seconds) requestAnimationFrame(step);
    else { send('pointerup', box.left, box.top); done(frames.slice(1).map((at, n) => at - frames[n])); }
  };
  requestAnimationFrame(step);
})"""


def hover(page: Page) -> float:
    """Milliseconds from a movement of the pointer to the card."""
    box = page.locator(".map .stage").bounding_box()
    card = page.locator(".map .card")
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    card.wait_for(state="hidden")
    started = time.perf_counter()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    card.wait_for(state="visible")
    return 1000 * (time.perf_counter() - started)


def lasso(page: Page, shift: float) -> float:
    """Milliseconds from letting go of the lasso to the answer of the page."""
    box = page.locator(".map .stage").bounding_box()
    before = page.locator("#chosen").inner_text()
    corners = [(0.4, 0.4), (0.6 + shift, 0.4), (0.6 + shift, 0.6), (0.4, 0.6)]
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    started = time.perf_counter()
    page.mouse.up()
    while page.locator("#chosen").inner_text() == before:
        page.wait_for_timeout(5)
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    """Measure and print."""
    script = str(ROOT / "tests" / "e2e" / "map_page.py")
    with sync_playwright() as playwright, serve(("-c", SERVE_SCRIPT, script, "")) as server:
        path = chromium_path(playwright.chromium.executable_path)
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(server.address)
        page.wait_for_selector(".map[data-drawn]")
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(1000)
        gaps = page.evaluate(DRAG, SECONDS)
        slow = sorted(gaps)[-len(gaps) // 10]
        print(f"dragging 20,000 points: {1000 * len(gaps) / sum(gaps):.1f} frames/s, slowest tenth {slow:.0f} ms")
        print(f"hover card: {statistics.median(hover(page) for _ in range(5)):.0f} ms")
        page.click(".map [data-tool=lasso]")
        print(f"lasso to answer: {statistics.median(lasso(page, 0.02 * n) for n in range(5)):.0f} ms")
        browser.close()


if __name__ == "__main__":
    main()
