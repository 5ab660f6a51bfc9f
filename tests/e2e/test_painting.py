"""Painting in the browser: a running style transfer follows sliders and brush without beginning anew, and Stop keeps it."""

import re

from playwright.sync_api import Locator, Page, expect

ROOM = "style?model=bundled-random&size=64&sizes=1&steps=1000&optimiser=adam"
STEP = re.compile(r"step (\d+) of 1000")


def step(page: Page) -> int:
    """How many steps the running picture has taken."""
    expect(page.locator(".live .status")).to_have_text(STEP)
    return int(STEP.search(page.inner_text(".live .status")).group(1))


def at_rest(element: Locator) -> dict[str, float]:
    """Where an element is once the page about it has stopped moving."""
    box = element.bounding_box()
    while True:
        element.page.wait_for_timeout(400)
        last, box = box, element.bounding_box()
        if box == last:
            return box


def test_a_running_painting_follows_the_sliders_and_the_brush(visitor):
    somebody = visitor()
    page = somebody.open(ROOM)
    page.wait_for_selector(".live[data-shown]")
    job = re.search(r"job=([0-9a-f]+)", page.url).group(1)
    before = step(page)
    weight = page.get_by_role("slider", name="Weight of the style")
    weight.focus()
    weight.press("ArrowRight")
    expect(page.get_by_text("The running picture follows your changes")).to_be_visible()
    assert step(page) > before

    page.get_by_text("Paint the mask with a brush").click()
    canvas = page.locator(".brush canvas")
    canvas.scroll_into_view_if_needed()
    box = at_rest(canvas)
    before = step(page)
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"], steps=5)
    assert page.locator(".brush").get_attribute("data-strokes") == "1"  # drawn before the server knows
    page.mouse.up()
    expect(page).to_have_url(re.compile("mask=upload"))
    assert step(page) > before
    assert f"job={job}" in page.url

    page.locator(".st-key-stop button").click()
    expect(page.get_by_text("Stopped at step")).to_be_visible()
    expect(page.get_by_text("Who moves which pixel")).to_be_visible()


def test_the_gram_matrix_answers_the_pointer(visitor):
    page = visitor().open("texture?model=bundled-random&method=efros-leung&size=32&side=32&reach=2")
    matrix = page.locator(".gram .matrix")
    matrix.scroll_into_view_if_needed()
    box = matrix.bounding_box()
    matrix.hover(position={"x": box["width"] * 0.99, "y": box["height"] * 0.01})
    root = page.locator(".gram")
    assert root.get_attribute("data-pair") == "0,47"
    matrix.press("ArrowDown")
    assert root.get_attribute("data-pair") == "1,47"
    expect(page.locator(".gram figcaption").last).to_have_text(re.compile("Product, mean"))
