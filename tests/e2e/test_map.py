"""A map of twenty thousand points: pointing, choosing, zooming, moving from one arrangement to another."""

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect


@pytest.fixture(scope="module")
def page_server(serve_script):
    return serve_script("map_page.py")


# Nobody is told what draws WebGL, so that it is taken for a graphics card.
UNKNOWN_CARD = """
const ask = WebGL2RenderingContext.prototype.getExtension;
WebGL2RenderingContext.prototype.getExtension = function (name) {
  return name === 'WEBGL_debug_renderer_info' ? null : ask.call(this, name);
};
"""


@pytest.fixture
def page(visitor, page_server) -> Page:
    return opened(visitor(page_server.address))


def opened(somebody) -> Page:
    page = somebody.open()
    page.wait_for_selector(".map[data-drawn]")
    page.wait_for_load_state("networkidle")
    return page


def coloured(page: Page) -> np.ndarray:
    """Which squares of eight pixels of the map have a colour in them."""
    shot = page.locator(".map .stage").screenshot()
    pixels = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)
    height, width = (side // 8 for side in pixels.shape[:2])
    colour = np.ptp(pixels[: 8 * height, : 8 * width], axis=2) > 40
    return colour.reshape(height, 8, width, 8).any(axis=(1, 3))


def test_a_graphics_card_draws_what_is_drawn_without_one(visitor, page_server, page):
    somebody = visitor(page_server.address)
    somebody.context.add_init_script(UNKNOWN_CARD)
    other = opened(somebody)
    kind = "canvas => ['webgl2', '2d'].find(name => canvas.getContext(name))"
    assert other.locator(".map canvas.dots").evaluate(kind) == "webgl2"
    assert page.locator(".map canvas.dots").evaluate(kind) == "2d"
    plain, card = coloured(page), coloured(other)
    assert plain.sum() > 1000
    assert (plain & card).sum() > 0.9 * (plain | card).sum()


def at(page: Page, x: float, y: float) -> tuple[float, float]:
    """A place on the map, as shares of its stage, in the window."""
    box = page.locator(".map .stage").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def test_pointing_tells_the_picture_and_its_true_neighbours(page):
    page.mouse.move(*at(page, 0.5, 0.5))
    card = page.locator(".map .card")
    expect(card).to_be_visible()
    number = int(page.locator(".map").get_attribute("data-card"))
    assert f"point {number}" in card.inner_text()
    assert f"group {number // 5000}" in card.inner_text()
    picture = page.locator(".map .card .picture")
    shade = picture.evaluate("canvas => canvas.getContext('2d').getImageData(50, 50, 1, 1).data[0]")
    assert min(abs(shade - number / 20_000 * 255), abs(shade - number % 256)) < 8, (
        "first the small, then the sharp picture"
    )
    page.mouse.move(*at(page, 0.02, 0.02))
    expect(card).to_be_hidden()


def test_a_lasso_chooses_and_a_click_beside_lets_go(page):
    page.click(".map [data-tool=lasso]")
    page.mouse.move(*at(page, 0.4, 0.4))
    page.mouse.down()
    for x, y in ((0.6, 0.4), (0.6, 0.6), (0.4, 0.6), (0.4, 0.42)):
        page.mouse.move(*at(page, x, y), steps=3)
    page.mouse.up()
    expect(page.locator("#chosen")).not_to_have_text("0")
    assert 500 < int(page.locator("#chosen").inner_text()) < 5000
    page.locator(".map canvas.over").focus()
    page.keyboard.press("Escape")
    expect(page.locator("#chosen")).to_have_text("0")


def test_the_wheel_zooms_until_points_are_pictures(page):
    def colours() -> int:
        """How many pixels the canvas of pictures has."""
        count = "data.filter((value, at) => at % 4 === 3 && value).length"
        return page.locator(".map canvas.over").evaluate(
            f"canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).{count}"
        )

    page.mouse.move(*at(page, 0.02, 0.02))
    before = colours()
    page.mouse.move(*at(page, 0.5, 0.5))
    for _ in range(8):
        page.mouse.wheel(0, -240)
    page.wait_for_timeout(500)
    assert float(page.locator(".map").get_attribute("data-zoom")) > 20
    assert colours() > before + 5_000
    page.click(".map [data-tool=home]")
    expect(page.locator(".map")).to_have_attribute("data-zoom", "1.000")


def test_the_points_move_to_the_other_arrangement(page):
    page.get_by_role("button", name="disc", exact=True).click()
    expect(page.get_by_role("button", name="disc", exact=True)).to_have_attribute("aria-pressed", "true")
    page.wait_for_timeout(1500)
    page.mouse.move(*at(page, 0.5, 0.5))
    number = int(page.locator(".map").get_attribute("data-card"))
    assert number < 400, "the disc begins in its middle"


def test_the_keyboard_moves_and_zooms(page):
    page.locator(".map canvas.over").focus()
    page.keyboard.press("+")
    expect(page.locator(".map")).to_have_attribute("data-zoom", "1.400")
    page.keyboard.press("0")
    expect(page.locator(".map")).to_have_attribute("data-zoom", "1.000")
