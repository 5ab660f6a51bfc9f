"""The page of class activation maps without a browser."""

import functools

import pytest

PAGE = "pages/explain/cam.py"


@pytest.fixture
def open_cam(open_small):
    return functools.partial(open_small, PAGE)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_several_classes_side_by_side(lang, open_cam):
    page = open_cam(lang, classes="3")
    assert len(page.image) == 3
    assert not page.error


@pytest.mark.parametrize(("method", "pictures"), [("cam", 3), ("layercam", 3), ("guided", 6)])
def test_other_methods(method, pictures, open_cam):
    page = open_cam(method=method)
    assert len(page.image) == pictures
    offered = [box.key for box in page.selectbox]
    assert ("cam.layer" in offered) == (method != "cam")


def test_where_cam_cannot_be_the_page_says_so(open_cam):
    page = open_cam(method="cam", model="random:alexnet")
    assert "Grad-CAM" in page.error[0].value
