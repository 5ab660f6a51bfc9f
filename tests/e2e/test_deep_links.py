"""Every page opens by its link, also as the very first visit of a server."""

import re

import pytest
from playwright.sync_api import Page

from pages.ui.navigation import rooms
from tests.serving import serve

LINKS = ["", "network", *(kind.slug for kind in rooms())]


@pytest.fixture
def fresh_server(browser):
    with serve() as server:
        yield server


def assert_well(page: Page, link: str) -> None:
    page.wait_for_selector("[data-testid=stMain] h1")
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    assert page.locator("[data-testid=stTopNav]").count() == 1
    assert page.locator("[data-testid=stException], [data-testid=stDialog]").count() == 0
    assert "Page not found" not in page.inner_text("body")
    assert "wrong on our side" not in page.inner_text("body")
    assert re.search(rf"/{link}(\?|$)", page.url)


def test_the_first_visit_of_all_may_be_a_deep_link(fresh_server, visitor):
    page = visitor(fresh_server.address).open("filters?lang=ko")
    assert_well(page, "filters")
    page.locator("[data-testid=stMain] img, [data-testid=stMain] .js-plotly-plot").first.wait_for()


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link or "home")
def test_every_page_opens_by_its_link(visitor, link):
    assert_well(visitor().open(link), link)
