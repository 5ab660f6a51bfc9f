"""The film of a run in the browser: scrubbing shows every frame at once, and a frame can be taken."""

import pytest
from playwright.sync_api import Page, expect

SCRUB = """async slider => {
  const root = slider.closest('.film'), canvas = root.querySelector('canvas'), pen = canvas.getContext('2d');
  const took = [], wrong = [];
  for (let number = 1; number <= Number(slider.max); number++) {
    const begin = performance.now();
    slider.value = number;
    slider.dispatchEvent(new Event('input'));
    const grey = pen.getImageData(70, 40, 1, 1).data[0];
    took.push(performance.now() - begin);
    if (Math.abs(grey - number) > 1) wrong.push([number, grey]);
    await new Promise(done => requestAnimationFrame(done));
  }
  took.sort((a, b) => a - b);
  return { median: took[took.length >> 1], most: took[took.length - 1], wrong };
}"""


@pytest.fixture(scope="module")
def page_server(serve_script):
    return serve_script("film_page.py")


@pytest.fixture
def page(visitor, page_server) -> Page:
    page = visitor(page_server.address).open()
    page.locator(".film[data-shown='200']").wait_for()
    return page


def test_two_hundred_frames_are_scrubbed_without_a_gap(page):
    slider = page.locator(".film input")
    assert slider.get_attribute("max") == "200"
    found = slider.evaluate(SCRUB)
    print(f"a frame of 200: median {found['median']:.2f} ms, slowest {found['most']:.2f} ms")
    assert found["wrong"] == []


def test_it_plays_to_its_end(page):
    page.get_by_label("Play").click()
    expect(page.get_by_label("Pause")).to_be_visible()
    expect(page.locator(".film output")).to_have_text("200 / 200", timeout=30_000)
    expect(page.get_by_label("Play")).to_be_visible()


def test_a_frame_is_taken(page):
    page.locator(".film input").evaluate("slider => { slider.value = 30; slider.dispatchEvent(new Event('input')); }")
    page.get_by_text("Go on").click()
    expect(page.locator("#taken")).to_have_text("30")
    expect(page.locator(".film output")).to_have_text("30 / 200")
