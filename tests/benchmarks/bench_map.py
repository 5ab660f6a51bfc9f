"""The map in Chromium: a chart of 20,000 points, and the whole room over pictures of a folder.

    python tests/benchmarks/bench_map.py points
    python tests/benchmarks/bench_map.py room FOLDER

Points: frames a second while the map is dragged, time to the hover card, time from lasso to answer, on the page of the browser
tests. Room: from the end of the features to the first map on the screen, between two frames of t-SNE, to the hover card, and
from lasso to gallery; the features are computed anew. Without a graphics card Chromium draws WebGL on the processor.
"""

import itertools
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.conftest import FLAGS, SERVE_SCRIPT, chromium_path
from tests.serving import serve

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 4.0
PATIENCE_MS = 230_000
FRAMES = 12  # of t-SNE that are timed
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
# Writes down when the picture of the run was drawn and what the line below it said.
WATCH = """() => {
  window.seen = [];
  let last = '';
  const look = () => {
    for (const host of document.querySelectorAll('*')) {
      const live = host.shadowRoot && host.shadowRoot.querySelector('.live');
      if (!live) continue;
      const told = [Number(live.dataset.shown || 0), live.querySelector('.status').textContent];
      if (told.join() !== last) window.seen.push([performance.now(), ...told]);
      last = told.join();
    }
    requestAnimationFrame(look);
  };
  look();
}"""
# Milliseconds from the pointer moving to a frame with the card.
HOVER = """() => new Promise(done => document.addEventListener('pointermove', event => {
  const map = [...document.querySelectorAll('*')].find(one => one.shadowRoot && one.shadowRoot.querySelector('.map'));
  const card = map.shadowRoot.querySelector('.card');
  const there = () => card.style.display === 'flex' && card.querySelector('canvas');
  const look = () => requestAnimationFrame(there() ? () => done(performance.now() - event.timeStamp) : look);
  look();
}, { once: true, capture: true }))"""
SAID = "[...document.querySelectorAll('[data-testid=stMarkdown]')].map(one => one.textContent).join()"
# Milliseconds from the pointer going up to a frame with another gallery, its pictures loaded.
GALLERY = """before => new Promise(done => document.addEventListener('pointerup', event => {
  const look = () => {
    const shown = [...document.querySelectorAll('.wall img')].slice(0, 12);
    const there = shown.length && SAID !== before && shown.every(one => one.complete);
    requestAnimationFrame(there ? () => done(performance.now() - event.timeStamp) : look);
  };
  look();
}, { once: true, capture: true }))""".replace("SAID", SAID)


def hover(page: Page, x: float = 0.5, y: float = 0.5) -> float:
    """Milliseconds from a movement of the pointer to the card with the picture."""
    box = page.locator(".map .stage").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.locator(".map .card").wait_for(state="hidden")
    page.wait_for_timeout(300)
    page.evaluate(f"() => {{ window.timing = ({HOVER})(); }}")
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    return page.evaluate("window.timing")


def draw_lasso(page: Page, shift: float) -> None:
    """Draw a lasso about the middle, and let go of it."""
    box = page.locator(".map .stage").bounding_box()
    corners = [(0.4, 0.4), (0.6 + shift, 0.4), (0.6 + shift, 0.6), (0.4, 0.6)]
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def lasso(page: Page, shift: float) -> float:
    """Milliseconds from letting go of the lasso to the answer of the page."""
    before = page.locator("#chosen").inner_text()
    draw_lasso(page, shift)
    started = time.perf_counter()
    while page.locator("#chosen").inner_text() == before:
        page.wait_for_timeout(5)
    return 1000 * (time.perf_counter() - started)


def gallery(page: Page, shift: float) -> float:
    """Milliseconds from letting go of the lasso to the gallery."""
    before = page.evaluate(SAID)
    page.evaluate("([code, before]) => { window.timing = eval(code)(before); }", [GALLERY, before])
    draw_lasso(page, shift)
    took = page.evaluate("window.timing")
    page.wait_for_timeout(600)
    return took


def drag(page: Page) -> None:
    """Frames a second while the map is dragged."""
    gaps = page.evaluate(DRAG, SECONDS)
    slow = sorted(gaps)[-max(1, len(gaps) // 10)]
    print(f"dragging: {1000 * len(gaps) / sum(gaps):.1f} frames/s, slowest tenth {slow:.0f} ms", flush=True)


def points(browser: Browser) -> None:
    """The chart alone, with 20,000 points."""
    script = str(ROOT / "tests" / "e2e" / "map_page.py")
    with serve(("-c", SERVE_SCRIPT, script, "")) as server:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(server.address)
        page.wait_for_selector(".map[data-drawn]")
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(1000)
        drag(page)
        print(f"hover card: {statistics.median(hover(page) for _ in range(5)):.0f} ms")
        page.click(".map [data-tool=lasso]")
        print(f"lasso to answer: {statistics.median(lasso(page, 0.02 * n) for n in range(5)):.0f} ms")


def room(browser: Browser, folder: str) -> None:
    """The room over the pictures of a folder, from the first visit on."""
    with tempfile.TemporaryDirectory() as cache, serve(CONVSCOPE_CACHE=cache, CONVSCOPE_FOLDERS=folder) as server:
        page = browser.new_page(viewport={"width": 1280, "height": 1300}, locale="en-US")
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{server.address}/map?dataset=folder:{folder}&steps={10 * FRAMES}")
        page.evaluate(WATCH)
        page.wait_for_selector(".live")
        described = time.perf_counter()
        page.wait_for_selector(".map[data-drawn]")
        whole = time.perf_counter() - described
        seen = page.evaluate("window.seen")
        mapping = [
            row for row in seen if re.search(rf"\b{10 * FRAMES}\b", row[2])
        ]  # steps of the map; before, of features
        describing = [row for row in seen if row[0] < mapping[0][0]]
        print(
            f"features: {describing[-1][0] / 1000:.1f} s; "
            f"to the first map: {(mapping[0][0] - describing[-1][0]) / 1000:.2f} s"
        )
        shown = [row[0] for row, later in itertools.pairwise(mapping) if row[1] != later[1]]
        gaps = [(later - earlier) / 1000 for earlier, later in itertools.pairwise(shown[1:])]
        print(f"frames of t-SNE: every {statistics.median(gaps):.2f} s (slowest {max(gaps):.2f}), {len(gaps)} of them")
        print(f"finished map after {whole:.1f} s", flush=True)
        page.wait_for_timeout(1500)
        spots = [(0.5, 0.5), (0.45, 0.55), (0.55, 0.45), (0.5, 0.4), (0.4, 0.5)]
        print(f"hover card: {statistics.median(hover(page, *spot) for spot in spots):.0f} ms")
        page.click(".map [data-tool=lasso]")
        took = [gallery(page, 0.02 * number) for number in range(8)]
        print(f"lasso to gallery: {statistics.median(took):.0f} ms (slowest {max(took):.0f})", flush=True)


def main() -> None:
    """Measure and print."""
    part, *folder = sys.argv[1:] or ["points"]
    with sync_playwright() as playwright:
        path = chromium_path(playwright.chromium.executable_path)
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        if part == "room":
            room(browser, *folder)
        else:
            points(browser)
        browser.close()


if __name__ == "__main__":
    main()
