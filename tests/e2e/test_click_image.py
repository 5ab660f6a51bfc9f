"""Pictures that can be read, clicked and dragged over, by pointer and by keyboard."""

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture(scope="module")
def page_server(serve_script):
    return serve_script("click_page.py")


@pytest.fixture
def page(visitor, page_server) -> Page:
    page = visitor(page_server.address).open()
    page.locator(".clickable img").nth(1).wait_for()
    return page


def place(page: Page, number: int, x: float, y: float) -> tuple[float, float]:
    """A point of one of the pictures, given as shares of it, in the window."""
    box = page.locator(".clickable img").nth(number).bounding_box()
    assert (box["width"], box["height"]) == (400, 200)
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def said(page: Page, number: int) -> str:
    return page.locator(".clickable output").nth(number).inner_text()


def test_the_value_under_the_pointer_is_told(page):
    page.mouse.move(*place(page, 0, 0.3, 0.2))
    assert said(page, 0) == "row 1, column 2: 0.125"
    page.mouse.move(*place(page, 0, 0.55, 0.9))
    assert said(page, 0) == "row 2, column 3: 0.75"
    page.mouse.move(*place(page, 0, 0.9, 0.9))
    assert said(page, 0) == ""
    page.mouse.move(*place(page, 0, 0.3, 1.4))
    assert said(page, 0) == ""


def test_several_values_on_a_part_of_the_picture(page):
    page.mouse.move(*place(page, 1, 0.45, 0.75))
    assert said(page, 1) == "2/2: a 0.625, b -625"
    page.mouse.move(*place(page, 1, 0.1, 0.5))
    assert said(page, 1) == ""


def test_a_click_tells_the_pixel_once_and_may_set_a_widget(page):
    page.mouse.click(*place(page, 0, 0.7625, 0.325))
    expect(page.locator("#told-click")).to_have_text("Click(x=30, y=6, x2=30, y2=6)")
    assert page.locator(".st-key-slider input").input_value() == "30"
    page.click(".st-key-again button")
    expect(page.locator("#told-click")).to_have_text("None")


def test_a_drag_tells_the_part(page):
    page.mouse.move(*place(page, 1, 0.7625, 0.825))
    page.mouse.down()
    page.mouse.move(*place(page, 1, 0.5, 0.5))
    assert page.locator(".clickable .cell").nth(1).bounding_box()["width"] == pytest.approx(0.2625 * 400, abs=1)
    page.mouse.move(*place(page, 1, 0.2625, 0.125))
    page.mouse.up()
    expect(page.locator("#told-drag")).to_have_text("(10, 2, 31, 17)")


def test_the_keyboard_does_it_too(page):
    page.locator(".clickable .frame").nth(0).focus()
    page.keyboard.press("ArrowLeft")
    assert said(page, 0) == "row 2, column 2: 0.625"
    page.keyboard.press("ArrowUp")
    assert said(page, 0) == "row 1, column 2: 0.125"
    page.keyboard.press("Enter")
    expect(page.locator("#told-click")).to_have_text("Click(x=10, y=0, x2=10, y2=0)")
