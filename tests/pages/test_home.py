"""A picture dropped on the home page: the room that made it, with its settings, or a sentence."""

from typing import Any

import numpy as np
import pytest

from pages.ui import link
from pages.ui.navigation import rooms
from pages.ui.room import Room
from viz_core.errors import ConvscopeError
from viz_core.images.render import encode_png
from viz_core.technique import Technique
from viz_core.texts import text

PIXELS = np.zeros((4, 4, 3), np.uint8)
SHARED = {"model": "bundled-random", "image": "sample:rocket"}
TOLD: dict[str, dict[str, Any]] = {
    "filters": {"layer": "stage3.conv1", "normalise": "joint", "count": 5, "first_input": 2},
    "activations": {"layer": "stage2.relu1", "channel": 3, "sort": "mean", "scale": "joint", "count": 16},
    "patches": {"layer": "stage2.conv1", "channel": 4, "dataset": "builtin", "pictures": 100, "count": 12},
    "neighbours": {"layer": "stage3.relu1", "dataset": "photographs", "k": 5, "flat": True, "off": (1, 2)},
    "map": {"layer": "stage3.relu1", "method": "umap", "neighbours": 7, "min_dist": 0.3},
    "depth": {"dataset": "photographs", "count": 100, "perplexity": 12.0, "steps": 150},
    "audit": {"dataset": "photographs", "layer": "stage3.relu1", "k": 6, "alike": 0.95, "count": 12},
    "occlusion": {"target": 3, "patch": 24, "stride": 16, "fill": "blur", "show": "score"},
    "saliency": {"target": 3, "method": "integrated", "against": 5, "channels": "mean", "samples": 12},
    "backprop": {"layer": "stage3.conv1", "channel": 7, "row": 2, "column": 3, "rule": "deconvnet"},
    "cam": {"target": 3, "method": "layercam", "layer": "stage3.relu2", "classes": 2, "scale": "each"},
    "trust": {"target": 3, "check": "many", "dataset": "builtin", "pictures": 20, "steps": 10},
    "class-image": {"goal": "channel", "layer": "stage3.conv1", "channel": 5, "count": 2, "steps": 30, "l2": 3.0},
    "fooling": {"target": 3, "attack": "pgd", "norm": "l2", "epsilon": 4.0, "steps": 12},
    "defence": {"epsilon": 0.2, "rounds": 3, "steps": 100},
    "deepdream": {"layer": "stage3.conv1", "octaves": 3, "steps": 4, "guided": True, "guide": "sample:brick"}
    | {"also": ("relu1",), "weights": (1.0, 0.5), "tile": 128},
    "inversion": {"layers": ("relu1", "stage3.relu1"), "starts": 2, "steps": 30, "part": "half", "canvas": "pixels"},
    "texture": {"method": "mean-variance", "zoom": 3.0, "side": 64, "steps": 20, "optimiser": "adam"}
    | {"layers": ("relu1", "stage2.relu1"), "layer_weights": (1.0, 0.3)},
    "style": {"style": "sample:ink", "style_weight": 5.0, "statistic": "mean-variance", "sizes": 1, "colours": "match"}
    | {"other_styles": ("sample:glass",), "shares": (0.2, 0.8), "mask": "sample:coffee"},
    "fast-style": {"size": 128, "mix": (0.2, 0.5, 0.3), "others": ("sample:brick",)},
    "fast-style-train": {"styles": ("sample:ink", "sample:glass"), "steps": 40, "style_weight": 4.0},
    "relu": {"values": "1 2; 3 -4", "signal": "1 1; -1 1", "layer": "stage3.relu1", "channel": 5},
    "autograd": {"formula": "sin(x) * y", "values": "x=1, y=2"},
    "you-vs-net": {"questions": 5, "choices": 3, "detail": 32, "paint": True} | {"dataset": "photographs"},
}


@pytest.mark.parametrize("kind", rooms(), ids=lambda kind: kind.slug)
def test_a_picture_of_any_room_opens_it_with_all_its_settings(kind, open_page, monkeypatch):
    made, asked = kind(**SHARED | TOLD[kind.slug]), []

    def run(room: Room, wanted: Technique) -> None:
        asked.append(wanted)
        raise ConvscopeError("image_errors.empty")  # nothing is computed here

    page = open_page()
    monkeypatch.setattr(Room, "run", run)
    picture = encode_png(PIXELS, made.recipe().to_json())  # as every exported picture carries it
    page.file_uploader(key="home.recipe").upload("exported.png", picture).run()
    assert text(f"{kind.slug.replace('-', '_')}.title", "en") in page.title[0].value
    assert [error.value for error in page.error] == [text("image_errors.empty")]
    wanted = made.computed() if hasattr(made, "computed") else made
    of_no_picture = {"image"} if kind.slug in ("map", "depth", "audit") else set()  # theirs is always the same
    assert {name for name, value in asked[0].model_dump().items() if value != getattr(wanted, name)} <= of_no_picture
    for name, value in TOLD[kind.slug].items():
        assert page.query_params[name] in (link.as_parameter(value), [link.as_parameter(value)])


def test_any_other_picture_gets_its_sentence(open_page):
    page = open_page(lang="ko")
    page.file_uploader(key="home.recipe").upload("plain.png", encode_png(PIXELS)).run()
    assert [error.value for error in page.error] == [text("recipe_errors.not_a_recipe", "ko")]
