"""What people wait for in the rooms under "Explain", measured in Chromium on the bundled network.

    python tests/benchmarks/bench_explain.py [http://localhost:8501] [eraser] [saliency] [backprop] [cam] [trust] [occlusion] [stop]

A server that runs already, or one of its own with an empty cache; a browser on the same machine. Times are taken inside the
page, from the pointer or key that chooses (Streamlit's sliders wait a fifth of a second more for the next key) to the first
frame with the new picture.
`stop`: from the click on Stop to the finished result, and how much of the run it holds.
"""

import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.sync_api import Page, sync_playwright

from tests.benchmarks.bench_look import FIND, PATIENCE_MS, report, settle
from tests.benchmarks.bench_look import timed as timed_until
from tests.e2e.conftest import FLAGS, chromium_path
from tests.serving import serve

WANTED = "under 0.3 s"
MOVES = 25
CLASSES = ["teapot", "goldfish", "lemon"]  # none of them what the network sees in the first picture
DONE = "[data-testid=stMain] [data-testid=stPopover]"  # downloads are offered for finished results
# All pictures of the page's main part, charts too, as one text, or nothing while one of them is loading.
SEEN = """
window.seen = () => {
  const main = document.querySelector('[data-testid=stMain]');
  const pictures = window.find('img, canvas', main);
  const loading = pictures.some(e => e.tagName === 'IMG' && !e.complete);
  const charts = window.find('.js-plotly-plot .traces, .js-plotly-plot image', main);
  return loading ? '' : pictures.map(e => e.src || '').join() + charts.map(e => e.outerHTML.length).join();
};
"""
# Resolves with the milliseconds from the next key or pointer going up to the frame after the pictures changed.
WAIT_FOR = """
() => new Promise((resolve, reject) => {
  const before = window.seen();
  setTimeout(() => reject('nothing on the page changed'), 30000);
  const watch = event => {
    for (const kind of ['pointerup', 'keydown']) document.removeEventListener(kind, watch, true);
    const begin = event.timeStamp;
    const look = () => {
      const now = window.seen();
      if (now && now !== before) requestAnimationFrame(() => resolve(performance.now() - begin));
      else requestAnimationFrame(look);
    };
    look();
  };
  for (const kind of ['pointerup', 'keydown']) document.addEventListener(kind, watch, true);
})
"""


def opened(page: Page, address: str) -> None:
    """Open a page and wait for its finished result."""
    page.goto(address)
    page.locator("[data-testid=stMain] img, .js-plotly-plot").first.wait_for(timeout=PATIENCE_MS)
    page.locator(DONE).first.wait_for(timeout=PATIENCE_MS)
    settle(page)


def timed(page: Page, act: Callable[[], None]) -> float:
    """Seconds until other pictures are seen, from the key or click that `act` makes."""
    page.evaluate("code => { window.timing = eval(code)(); }", WAIT_FOR)
    act()
    seconds = page.evaluate("window.timing") / 1000
    settle(page)
    return seconds


def widget(page: Page, key: str):
    """The control with this key."""
    return page.locator(f".st-key-{key.replace('.', '-')}")


def choices(page: Page, key: str, options: list[str]) -> list[float]:
    """Choose one option after another from a list or a row of buttons."""
    times = []
    for option in options:
        control = widget(page, key)
        if control.locator("input").count():
            control.locator("input").click()
            control.locator("input").fill(option)
            target = page.get_by_role("option").filter(has_text=option).first
        else:
            target = control.get_by_role("radio", name=option, exact=True)
        times.append(timed(page, target.click))
    return times


def slides(page: Page, key: str, keys: list[str]) -> list[float]:
    """Press keys on a slider, one after the other."""
    times = []
    for name in keys:
        thumb = widget(page, key).get_by_role("slider").first
        thumb.focus()
        times.append(timed(page, lambda name=name: page.keyboard.press(name)))
    return times


def toggles(page: Page, key: str, count: int) -> list[float]:
    """Click a switch to and fro."""
    return [timed(page, widget(page, key).locator("label").first.click) for _ in range(count)]


def eraser(page: Page, address: str) -> None:
    """The bars behind a moving pointer."""
    opened(page, f"{address}/occlusion")
    widget(page, "occlusion.erase").locator("label").first.click()
    canvas = page.locator(".eraser canvas")
    canvas.wait_for()
    settle(page)
    box = canvas.bounding_box()
    for move in range(MOVES):
        page.mouse.move(box["x"] + box["width"] * (move + 1) / (MOVES + 1), box["y"] + box["height"] * 0.5)
        page.wait_for_timeout(250)
    waits = [int(wait) / 1000 for wait in page.locator(".eraser").get_attribute("data-waits").split()]
    report("eraser, from the pointer to the bars", waits, "median under 0.15 s")


def saliency(page: Page, address: str) -> None:
    """Methods of one gradient, another class, views, and the thresholds of the segmentation."""
    opened(page, f"{address}/saliency")
    report(
        "saliency, another method", choices(page, "saliency.method", ["gradient squared", "gradient × picture"]), WANTED
    )
    report("saliency, signed or not", toggles(page, "saliency.signed", 4), WANTED)
    report("saliency, another class", choices(page, "target", CLASSES), WANTED)
    page.get_by_role("tab").nth(1).click()
    page.wait_for_timeout(1000)
    report("saliency, foreground slider", slides(page, "saliency.foreground", ["ArrowLeft"] * 6), WANTED)


def backprop(page: Page, address: str) -> None:
    """Another class, another layer, another channel, a click on the channel's map."""
    opened(page, f"{address}/backprop")
    report("backprop, another class", choices(page, "target", CLASSES), WANTED)
    opened(page, f"{address}/backprop?layer=stage3.relu1")
    report(
        "backprop, another rule over the picture",
        choices(page, "backprop.rule", ["deconvnet", "guided backprop"]),
        WANTED,
    )
    times = []
    for place in range(8):
        box = page.locator(".clickable img").first.bounding_box()
        at = box["x"] + (0.15 + 0.09 * place) * box["width"], box["y"] + 0.4 * box["height"]
        times.append(timed(page, lambda at=at: page.mouse.click(*at)))
    report("backprop, a click on the channel's map", times, WANTED)


def cam(page: Page, address: str) -> None:
    """Methods of one pass, colours, classes."""
    opened(page, f"{address}/cam")
    report("cam, another method", choices(page, "cam.method", ["CAM", "Grad-CAM++", "LayerCAM", "Grad-CAM"]), WANTED)
    report("cam, colours", choices(page, "cam.scale", ["each on its own", "one for all classes"]), WANTED)
    report("cam, number of classes", slides(page, "cam.classes", ["ArrowLeft", "ArrowLeft", "ArrowRight"]), WANTED)
    report("cam, another class", choices(page, "target", CLASSES), WANTED)


def trust(page: Page, address: str) -> None:
    """The slider that makes the network forget, once all depths are computed."""
    opened(page, f"{address}/trust")
    report("trust, the slider of forgotten layers", slides(page, "trust.depth", ["ArrowRight"] * 8), WANTED)


def occlusion(page: Page, address: str) -> None:
    """What to map, once all positions are computed."""
    opened(page, f"{address}/occlusion")
    options = ["score", "class that takes over", "probability"]
    report("occlusion, what to map", choices(page, "occlusion.show", options), WANTED)


def stop(page: Page, address: str) -> None:
    """Stop in the middle of Score-CAM and SmoothGrad."""
    for name, link in (("Score-CAM", "cam?method=scorecam"), ("SmoothGrad", "saliency?method=smoothgrad&samples=200")):
        times = []
        for size in (224, 240, 256):  # of another size every time, so that nothing is found in the cache
            page.goto(f"{address}/{link}&size={size}")
            button = page.get_by_role("button", name="Stop")
            button.wait_for(timeout=PATIENCE_MS)
            page.wait_for_timeout(1500)
            happened = f"() => document.querySelector({DONE!r})"
            times.append(timed_until(page, happened, button.click))
        report(f"Stop of {name}, to the finished result", times, "at once")


PARTS = {part.__name__: part for part in (eraser, saliency, backprop, cam, trust, occlusion, stop)}


def main() -> None:
    """Measure and print."""
    given = [argument for argument in sys.argv[1:] if argument.startswith("http")]
    chosen = [argument for argument in sys.argv[1:] if argument in PARTS] or list(PARTS)
    with tempfile.TemporaryDirectory() as cache, ExitStack() as stack, sync_playwright() as playwright:
        address = given[0] if given else stack.enter_context(serve(CONVSCOPE_CACHE=cache)).address
        path = chromium_path(playwright.chromium.executable_path)
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        for name in chosen:
            context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
            page = context.new_page()
            page.add_init_script(FIND + SEEN)
            try:
                PARTS[name](page, address)
            finally:
                context.close()


if __name__ == "__main__":
    main()
