"""The trust page without a browser: the checks run in the background, so their results are put where the page finds them."""

import pytest

from viz_core.explain.trust import Trust
from viz_core.result_cache import results
from viz_core.technique import finish

PAGE = "pages/explain/trust.py"
NETWORK = "random:squeezenet1_1"


@pytest.fixture
def open_trust(open_page):
    """Open the page with a small network on a check that has been made before."""

    def opened(check: str, lang: str = "en"):
        technique = Trust(model=NETWORK, image="sample:moon", check=check, **SHORT[check])
        digest = technique.recipe().digest
        if results().get(digest) is None:
            results().put(digest, finish(technique.run()))
        page = open_page(PAGE, lang, model=NETWORK, image="sample:moon")
        for name, value in {"model": NETWORK, "image": "sample:moon", "check": check, **SHORT[check]}.items():
            page.query_params[name] = str(value)
        page.run()
        assert not page.exception
        assert not page.error
        return page

    return opened


SHORT = {
    "agreement": {},
    "many": {"steps": 5, "pictures": 2, "dataset": "photographs"},
    "planted": {"training_steps": 20},
}


@pytest.mark.parametrize(("check", "charts"), [("agreement", 1), ("many", 2), ("planted", 1)])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_check_is_shown(check, charts, lang, open_trust):
    page = open_trust(check, lang)
    assert page.selectbox(key="trust.check").value == check
    assert len(page.get("plotly_chart")) == charts
    assert page.image


def test_only_what_acts_is_offered(open_trust):
    page = open_trust("planted")
    keys = {widget.key for widget in [*page.slider, *page.number_input]}
    assert "trust.training_steps" in keys
    assert "trust.steps" not in keys
