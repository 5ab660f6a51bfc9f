"""One unit on many pages: the links that lead from it to itself."""

from urllib.parse import parse_qs

import pytest

NETWORK, LAYER = "random:squeezenet1_1", "features.3.squeeze"


def follow(page, file: str, query: str):
    """Open another page with the parameters of a link, as a click on it does."""
    page.switch_page(file)
    for name, (value,) in parse_qs(query.lstrip("?")).items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    assert not page.error
    return page


def links(page) -> dict[str, str]:
    """The query of each link to another page, by the page's address."""
    return {link.proto.page.rpartition("/")[2]: link.proto.query_string for link in page.get("page_link")}


@pytest.fixture
def unit(open_page):
    """The activations page that shows channel 5 of a layer."""
    page = open_page(model=NETWORK)
    return follow(page, "pages/look/activations.py", f"layer={LAYER}&channel=5&size=64&model={NETWORK}")


def test_every_room_that_knows_units_is_one_click_away(unit):
    for room, query in links(unit).items():
        parameters = parse_qs(query)
        assert parameters["layer"] == [LAYER], room
        assert parameters["channel"] == ["5"], room
        assert parameters["model"] == [NETWORK], room
    assert {"patches", "backprop", "class-image", "deepdream"} <= set(links(unit))
    assert parse_qs(links(unit)["class-image"])["goal"] == ["channel"]


def test_the_unit_is_the_same_on_the_other_side_and_leads_back(unit):
    there = follow(unit, "pages/explain/backprop.py", links(unit)["backprop"] + "&size=64")
    assert there.selectbox(key="backprop.layer").value == LAYER
    assert there.number_input(key="backprop.channel").value == 5
    back = follow(there, "pages/look/activations.py", links(there)["activations"])
    assert back.selectbox(key="activations.layer").value == LAYER
    assert back.number_input(key="activations.channel").value == 5
