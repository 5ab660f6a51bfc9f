"""A picture dropped on the home page: the room that made it, with its settings, or a sentence."""

import numpy as np

from viz_core.images.render import encode_png
from viz_core.learn.relu import Relu
from viz_core.texts import text

PIXELS = np.zeros((4, 4, 3), np.uint8)


def test_a_picture_that_convscope_made_opens_its_room(open_page):
    page = open_page()
    recipe = Relu(values="1 2; 3 -4").recipe()
    page.file_uploader(key="home.recipe").upload("grid.png", encode_png(PIXELS, recipe.to_json())).run()
    assert not page.exception
    assert text("relu.title", "en") in page.title[0].value
    assert page.query_params["values"] in ("1 2; 3 -4", ["1 2; 3 -4"])


def test_any_other_picture_gets_its_sentence(open_page):
    page = open_page(lang="ko")
    page.file_uploader(key="home.recipe").upload("plain.png", encode_png(PIXELS)).run()
    assert [error.value for error in page.error] == [text("recipe_errors.not_a_recipe", "ko")]
