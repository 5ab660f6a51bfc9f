"""Looking into a layer in a real browser: maps to click, a unit followed through the pages, the camera, the wall of patches."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.serving import serve

SMALL = "model=random%3Asqueezenet1_1"
PATIENCE_MS = 90_000  # others may be at work on the same machine


@pytest.fixture(scope="module")
def look_server(browser, tmp_path_factory):
    with serve(CONVSCOPE_CACHE=str(tmp_path_factory.mktemp("cache"))) as server:
        yield server


def chosen(page: Page) -> str:
    """The heading that names the chosen channel."""
    return page.locator("[data-testid=stMain]").get_by_text(re.compile(r"^Channel \d+$")).first.inner_text()


def wait_for(seconds: float, happened) -> float:
    """Seconds until something has happened; fails where it does not."""
    begin = time.monotonic()
    while not happened():
        assert time.monotonic() - begin < seconds
        time.sleep(0.02)
    return time.monotonic() - begin


def test_five_hundred_maps_appear_and_a_click_chooses_one(visitor, look_server, record_property):
    somebody = visitor(look_server.address)
    page = somebody.open("activations?layer=stage5.relu1&count=512")
    grid = page.locator(".clickable img").first
    grid.wait_for()
    somebody.settle()
    before, box = chosen(page), grid.bounding_box()
    page.mouse.click(box["x"] + 0.52 * box["width"], box["y"] + 0.47 * box["height"])
    record_property("click_s", wait_for(10, lambda: chosen(page) != before))
    expect(page).to_have_url(re.compile(rf"channel={chosen(page).split()[1]}\b"))


def test_the_pointer_tells_channel_and_values(visitor, look_server):
    somebody = visitor(look_server.address)
    page = somebody.open("activations?layer=stage4.relu2&sort=index")
    page.locator(".clickable img").first.wait_for()
    somebody.settle()
    box = page.locator(".clickable img").first.bounding_box()
    page.mouse.move(box["x"] + 0.5 / 8 * box["width"], box["y"] + 1.5 / 8 * box["height"])
    assert re.match(
        r"Map: channel 8, peak [\d.e-]+, mean [\d.e-]+", page.locator(".clickable output").first.inner_text()
    )


def test_a_unit_is_followed_to_another_page_and_back(visitor, look_server):
    somebody = visitor(look_server.address)
    page = somebody.open(f"activations?{SMALL}&layer=features.3.squeeze&channel=7")
    main = page.locator("[data-testid=stMain]")
    main.get_by_role("link", name="Backprop").click()
    page.wait_for_url(re.compile("backprop"))
    expect(main.get_by_role("spinbutton", name="Channel")).to_have_value("7", timeout=PATIENCE_MS)
    main.get_by_role("link", name="Activations").click(timeout=PATIENCE_MS)
    page.wait_for_url(re.compile("activations"))
    expect(main.get_by_text("Channel 7", exact=True)).to_be_visible(timeout=PATIENCE_MS)


def test_the_camera_shows_maps_for_every_frame(visitor, look_server):
    somebody = visitor(look_server.address)
    page = somebody.open(f"activations?{SMALL}&layer=features.1")
    page.get_by_text("Live camera").click()
    frame = page.frame_locator("iframe[title*=webrtc]")
    frame.get_by_text("Start the camera").click(timeout=PATIENCE_MS)
    expect(page.get_by_text("frames per second")).to_be_visible(timeout=PATIENCE_MS)
    video = frame.locator("video")
    wait_for(60, lambda: video.evaluate("video => video.videoWidth > 1.8 * video.videoHeight"))
    page.get_by_text("Use this frame on all pages").click()
    expect(page).to_have_url(re.compile("image=upload"), timeout=PATIENCE_MS)
    page.locator(".clickable img").first.wait_for(timeout=PATIENCE_MS)


def test_the_wall_appears_and_is_there_at_once_the_next_time(visitor, look_server, record_property):
    link = f"patches?{SMALL}&size=48&pictures=40&layer=features.3.squeeze&count=6"
    first = visitor(look_server.address).open(link)
    wall = first.locator(".clickable img")
    wall.first.wait_for(timeout=PATIENCE_MS)
    second = visitor(look_server.address).open(link)
    begin = time.monotonic()
    second.locator(".clickable img").first.wait_for(timeout=PATIENCE_MS)
    record_property("cached_s", time.monotonic() - begin)
    box = wall.first.bounding_box()
    before = chosen(first)
    first.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + 0.7 * box["height"])
    wait_for(60, lambda: first.locator("h3").count() and chosen(first) != before)
