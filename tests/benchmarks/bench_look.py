"""What people wait for in the rooms under "Look", measured in Chromium: maps, clicks, the camera, the wall of patches.

    python tests/benchmarks/bench_look.py [maps] [camera] [patches]

A server of its own, with an empty cache, and a browser on the same machine. Times are taken inside the page, from the
pointer going up (or the link being opened) to the first frame painted with what was asked for.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.sync_api import Page, sync_playwright

from tests.e2e.conftest import FLAGS, chromium_path
from tests.serving import serve

CLICKS = 12
CAMERA_S = 10
PATIENCE_MS = 120_000
# Resolves with the milliseconds from now, or from the next pointer going up, to the frame after `happened` became true.
WAIT_FOR = """
([happened, after_click]) => new Promise(resolve => {
  const test = eval(happened);
  const watch = begin => {
    const look = () => test() ? requestAnimationFrame(() => resolve(performance.now() - begin)) : requestAnimationFrame(look);
    look();
  };
  if (after_click) document.addEventListener('pointerup', event => watch(event.timeStamp), { once: true, capture: true });
  else watch(performance.now());
})
"""
# Components live behind shadow roots: all elements that match, wherever they are.
FIND = """
window.find = (selector, root = document) => [...root.querySelectorAll(selector),
  ...[...root.querySelectorAll('*')].flatMap(e => e.shadowRoot ? window.find(selector, e.shadowRoot) : [])];
"""
GRID, OVERLAY = (f"window.find('.clickable img')[{place}]" for place in (0, 1))


def settle(page: Page) -> None:
    """Wait until the script has run."""
    page.wait_for_timeout(300)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=PATIENCE_MS)


def timed(page: Page, happened: str, act: Callable[[], None], after_click: bool = True) -> float:
    """Seconds until an expression (a function as JavaScript source) is true in the page, from the click that `act` makes."""
    page.evaluate("([code, args]) => { window.timing = eval(code)(args); }", [WAIT_FOR, [happened, after_click]])
    act()
    return page.evaluate("window.timing") / 1000


def report(name: str, seconds: list[float], wanted: str) -> None:
    """One line: the median, the slowest, and what is asked for."""
    print(f"{name:58} {statistics.median(seconds):6.2f} s  (slowest {max(seconds):5.2f})  wanted: {wanted}", flush=True)


def choose_layers(page: Page, *layers: str) -> list[float]:
    """Seconds from the choice of each layer to its grid or wall."""
    times = []
    for layer in layers:
        page.locator("[data-testid=stSelectbox]").filter(has_text="Layer").locator("input").click()
        option = page.get_by_role("option", name=layer)
        before = page.evaluate(f"{GRID}.src")
        shown = f"() => {GRID} && {GRID}.src !== {before!r} && {GRID}.complete"
        times.append(timed(page, shown, option.click))
        settle(page)
    return times


def maps(page: Page, address: str) -> None:
    """The grid of 512 maps after a change of layer, and a click on a map and on the picture."""
    page.goto(f"{address}/activations?count=512&layer=stage5.conv1")
    page.locator(".clickable img").first.wait_for(timeout=PATIENCE_MS)
    settle(page)
    grids = choose_layers(page, "stage5.relu1", "stage5.conv1", "stage5.relu1")
    report("grid of 512 maps, from the choice of the layer", grids, "under 1 s after the forward pass")
    clicks = []
    for number in range(CLICKS):
        box = page.locator(".clickable img").first.bounding_box()
        before = page.evaluate(f"{OVERLAY}.src")
        place = box["x"] + (0.5 + number % 6) / 23 * box["width"], box["y"] + (3.5 + number // 6) / 23 * box["height"]
        shown = f"() => {OVERLAY}.src !== {before!r} && {OVERLAY}.complete"
        clicks.append(timed(page, shown, lambda place=place: page.mouse.click(*place)))
        settle(page)
    report("click on one of 512 maps, to its channel over the picture", clicks, "under 0.3 s")


def camera(page: Page, address: str) -> None:
    """Frames a second of the fake camera that reach the screen."""
    page.goto(f"{address}/activations")
    page.get_by_text("Live camera").click(timeout=PATIENCE_MS)
    frame = page.frame_locator("iframe[title*=webrtc]")
    frame.get_by_text("Start the camera").click(timeout=PATIENCE_MS)
    video = frame.locator("video")
    page.get_by_text("frames per second").wait_for(timeout=PATIENCE_MS)
    time.sleep(3)
    frames = "video => video.getVideoPlaybackQuality().totalVideoFrames"
    begin, first = time.monotonic(), video.evaluate(frames)
    time.sleep(CAMERA_S)
    rate = (video.evaluate(frames) - first) / (time.monotonic() - begin)
    drawn = page.get_by_text("frames per second").inner_text()
    print(
        f"{'camera on the bundled network':58} {rate:6.1f} frames/s painted; the server says: {drawn}  wanted: 5 or more"
    )


def patches(page: Page, address: str) -> None:
    """The wall of the last stage over the built-in set, cold and from the cache."""
    link = f"{address}/patches?dataset=builtin&layer=stage5.relu1"
    for name, wanted in (("cold", "under 20 s"), ("from the cache", "under 1 s")):
        page.goto(f"{address}/filters")
        page.locator("[data-testid=stMain] .js-plotly-plot").first.wait_for(timeout=PATIENCE_MS)
        settle(page)
        begin = time.monotonic()
        page.goto(link)
        page.locator(".live canvas:not([width='0']), .clickable img").first.wait_for(timeout=PATIENCE_MS)
        shown = time.monotonic() - begin
        page.locator(".clickable img").first.wait_for(timeout=PATIENCE_MS)
        whole = time.monotonic() - begin
        print(
            f"{f'patches of the last stage, {name}':58} {whole:6.2f} s, first seen after {shown:5.2f} s  wanted: {wanted}"
        )
        settle(page)
    again = choose_layers(page, "stage5.conv1", "stage5.relu1", "stage5.conv1", "stage5.relu1")
    report("patches of the last stage, from the choice of the layer", again[2:], "under 1 s from the cache")


PARTS = {"maps": maps, "camera": camera, "patches": patches}


def main() -> None:
    """Measure and print."""
    chosen = sys.argv[1:] or list(PARTS)
    with (
        tempfile.TemporaryDirectory() as cache,
        serve(CONVSCOPE_CACHE=cache) as server,
        sync_playwright() as playwright,
    ):
        path = chromium_path(playwright.chromium.executable_path)
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        for name in chosen:
            page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="en-US")
            page.add_init_script(FIND)
            PARTS[name](page, server.address)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
