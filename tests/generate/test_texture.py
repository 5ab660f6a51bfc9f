"""Textures end to end: near to the sample in every layer, side by side, repeatable, stoppable."""

import json

import numpy as np
import pytest

from viz_core.__main__ import main
from viz_core.errors import ConvscopeError
from viz_core.generate.texture import Texture, source_colours
from viz_core.technique import Steer, finish

QUICK = {"model": "bundled-random", "image": "sample:gravel", "size": 32, "side": 40, "steps": 20, "reach": 2}


@pytest.mark.parametrize("method", ["gram", "mean-variance"])
def test_matching_comes_near_to_the_sample(method):
    result = finish(Texture(**QUICK, method=method).run())
    assert result.scores[f"gram distance: {method}"] < 0.1
    assert result.arrays["image"].shape == (1, 3, 40, 40)
    assert result.pictures["sample"].shape == (32, 32, 3)


def test_all_methods_keep_step():
    result = finish(Texture(**QUICK | {"steps": 2}).run())
    assert result.arrays["image"].shape == (5, 3, 40, 40)
    methods = [row["method"] for row in result.tables["distances"] if row["layer"] == "all"]
    assert methods == ["efros-leung", "wei-levoy", "gram", "mean-variance", "wasserstein"]
    assert {"from efros-leung", "from wei-levoy"} <= set(result.pictures)


def test_copies_stay_near_even_without_a_network():
    result = finish(Texture(**QUICK, method="efros-leung").run())
    assert result.scores["gram distance: efros-leung"] < 0.2
    source = result.arrays["source: efros-leung"]
    sample = np.moveaxis(result.arrays["input"][0], 0, -1)
    expected = np.rint(255 * sample[source[..., 0], source[..., 1]])
    np.testing.assert_array_equal(result.pictures["efros-leung"], expected.astype(np.uint8))


def test_stop_keeps_what_has_grown():
    run = Texture(**QUICK, method="wei-levoy").run()
    step = next(run)
    with pytest.raises(StopIteration) as end:
        run.send(True)
    np.testing.assert_array_equal(end.value.value.pictures["wei-levoy"], step.preview[:, :40])
    np.testing.assert_array_equal(end.value.value.pictures["from wei-levoy"], step.preview[:, 40:])


def test_too_far_a_reach_is_told():
    with pytest.raises(ConvscopeError, match="reach"):
        finish(Texture(**QUICK | {"reach": 9}, method="efros-leung").run())


def test_origins_are_coloured_by_place():
    colours = source_colours(np.array([[[0, 0], [9, 9]], [[9, 0], [-1, -1]]]), 10)
    assert colours.tolist() == [[[0, 0, 255], [255, 255, 0]], [[255, 0, 128], [128, 128, 128]]]


def test_the_command_line_and_replay_give_the_same_bytes(tmp_path):
    options = [word for name, value in QUICK.items() for word in (f"--{name}", str(value))]
    assert main(["texture", *options, "--method", "gram", "--steps", "2", "--out", str(tmp_path / "a")]) == 0
    assert main(["replay", str(tmp_path / "a" / "gram.png"), "--out", str(tmp_path / "b")]) == 0
    assert (tmp_path / "a" / "gram.png").read_bytes() == (tmp_path / "b" / "gram.png").read_bytes()
    assert json.loads((tmp_path / "a" / "result.json").read_text())["recipe"]["technique"] == "texture"


def test_a_grey_sample_makes_a_grey_texture_that_closes_on_itself():
    kind = QUICK | {"model": "bundled", "method": "gram", "image": "sample:gravel"}
    grey, tinted = (finish(Texture(**kind, colour_weight=weight).run()).arrays["image"][0] for weight in (1.0, 0.0))
    tint = [float(np.abs(picture - picture.mean(0)).mean()) for picture in (grey, tinted)]
    assert tint[0] < 0.6 * tint[1]
    inside, seam = np.abs(np.diff(grey, axis=2)).mean(), np.abs(grey[..., 0] - grey[..., -1]).mean()
    assert seam < 1.5 * inside


def test_a_texture_is_steered_on_the_way():
    run, sent = Texture(**QUICK, method="gram").run(), None
    while True:
        try:
            step = run.send(sent)
        except StopIteration as end:
            result = end.value
            break
        sent = Steer({"smoothness": 50.0, "layer_weights": (1.0, 0.0, 0.0, 0.0, 0.0)}) if step.done == 10 else None
    assert result.recipe.parameters["steering"] == ["10 smoothness=50.0 layer_weights=1.0,0.0,0.0,0.0,0.0"]
    plain = finish(Texture(**QUICK, method="gram").run()).arrays["image"]
    rough = [np.abs(np.diff(image)).mean() for image in (result.arrays["image"], plain)]
    assert rough[0] < 0.8 * rough[1]
