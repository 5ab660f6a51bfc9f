"""The live eraser in a browser: the bars follow the pointer."""

import os
import statistics

MOVES = 25
SLOWEST_MEDIAN_MS = 150  # on a computer that has nothing else to do


def test_the_bars_follow_the_pointer(visitor):
    page = visitor().open("occlusion")
    page.get_by_text("Erase by hand").click()
    canvas = page.locator(".eraser canvas")
    canvas.wait_for()
    box = canvas.bounding_box()
    first = page.locator(".eraser .bars").inner_text()
    for move in range(MOVES):
        page.mouse.move(box["x"] + box["width"] * (move + 1) / (MOVES + 1), box["y"] + box["height"] * 0.5)
        page.wait_for_timeout(150)
    waits = [int(wait) for wait in page.locator(".eraser").get_attribute("data-waits").split()]
    assert page.locator(".eraser .bars").inner_text() != first
    print("eraser: median", statistics.median(waits), "ms of", len(waits))
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert statistics.median(waits) < SLOWEST_MEDIAN_MS * busy
