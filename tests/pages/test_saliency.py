"""The saliency page without a browser."""

import functools

import pytest

PAGE = "pages/explain/saliency.py"


@pytest.fixture
def open_saliency(open_small):
    return functools.partial(open_small, PAGE)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_map_and_segmentation_are_there(lang, open_saliency):
    page = open_saliency(lang)
    assert len(page.tabs) >= 2
    assert len(page.image) >= 3
    assert not page.error


@pytest.mark.parametrize("method", ["squared", "times_input"])
def test_other_looks(method, open_saliency):
    page = open_saliency(method=method, channels="mean", signed="true", against="7")
    assert page.selectbox(key="saliency.method").value == method
    assert page.selectbox(key="saliency.against").value == "7"
    assert page.toggle(key="saliency.signed").value
    assert not page.error


def test_only_what_acts_is_offered(open_saliency):
    page = open_saliency()
    assert not [slider for slider in page.slider if slider.key in ("saliency.samples", "saliency.noise")]
    page.selectbox(key="saliency.method").select("integrated").run()
    keys = {slider.key for slider in page.slider}
    assert "saliency.samples" in keys
    assert "saliency.noise" not in keys


def test_thresholds_that_leave_nothing_do_no_harm(open_saliency):
    page = open_saliency(foreground="0.999", background="0.01")
    assert not page.error
