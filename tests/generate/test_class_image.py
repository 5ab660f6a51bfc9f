"""Class images: the published recipes number by number, what is painted, and how it is judged."""

import numpy as np
import pytest
import torch

from viz_core import models
from viz_core.__main__ import main
from viz_core.errors import ConvscopeError
from viz_core.generate.class_image import LADDER, PRESETS, ClassImage
from viz_core.generate.loop import Loop
from viz_core.generate.objective import Score
from viz_core.generate.optimiser import Adam, GradientDescent, Progress
from viz_core.generate.prior import Blur, ClipSmallContributions, ClipSmallPixels, Decay
from viz_core.generate.transform import LUCID
from viz_core.generate.twins import twins
from viz_core.technique import finish

QUICK = {"model": "bundled-random", "size": 32, "steps": 3}
LEVELS = 255


@pytest.mark.parametrize(
    ("name", "steps", "priors"),
    [
        ("yosinski1", 500, (Blur(0.5, 4), ClipSmallPixels(50.0))),
        ("yosinski2", 750, (Decay(0.3), ClipSmallPixels(20.0))),
        ("yosinski3", 1000, (Decay(0.0001), Blur(1.0, 4))),
        ("yosinski4", 1000, (Blur(0.5, 4), ClipSmallContributions(90.0))),
    ],
)
def test_yosinskis_recipes_are_his_table(name, steps, priors):
    technique = ClassImage(**PRESETS[name])
    assert technique.steps == steps
    assert technique.make_priors() == priors
    assert technique.make_transforms() == ()
    optimiser = technique.make_optimiser()
    if name in ("yosinski2", "yosinski3"):
        assert isinstance(optimiser, GradientDescent)
        assert optimiser.rates[0][1] == pytest.approx(100 / LEVELS**2)
    else:
        assert isinstance(optimiser, Progress)
        assert optimiser.wanted == 2.0
        assert optimiser.most == pytest.approx({"yosinski1": 100.0, "yosinski4": 1e8}[name] / LEVELS**2)
    start = technique.make_canvas(technique.network(), technique.generator()).picture().detach()
    assert float((start - 0.5).std()) == pytest.approx(10 / LEVELS, rel=0.05)


def test_a_published_rate_moves_pixels_from_0_to_255_as_published():
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(1, 3, 4, 4, generator=generator)
    x255 = torch.full((1, 3, 4, 4), 100.0)
    expected = x255 + 100 * weight / LEVELS  # the gradient of sum(weight * x / 255) in pixels from 0 to 255

    class Plane(Score):
        layers = ()

        def __call__(self, view):
            return (weight * view.picture).flatten(1).sum(1)

    canvas = ClassImage(**QUICK, start="grey").make_canvas(models.load("bundled-random"), generator)
    canvas.values = (x255 / LEVELS).requires_grad_()
    loop = Loop(
        None, canvas, -1 * Plane((0,)), ClassImage(optimiser="gradient", rate=100.0).make_optimiser(), relative=False
    )
    loop.evaluate()
    loop.move(0)
    torch.testing.assert_close(loop.canvas.picture().detach() * LEVELS, expected, rtol=1e-4, atol=1e-3)


def test_lucids_recipe():
    technique = ClassImage(**PRESETS["lucid"])
    optimiser = technique.make_optimiser()
    assert isinstance(optimiser, Adam)
    assert (optimiser.rate, technique.steps, technique.make_transforms()) == (0.05, 512, LUCID)


def test_simonyans_objective_is_score_minus_l2():
    technique = ClassImage(model="bundled-random", target=7, **PRESETS["simonyan"])
    assert str(technique.objective(technique.network())) == "- score 7 + 20 L2 norm"
    technique = ClassImage(model="bundled-random", target=7, **PRESETS["certain"])
    assert str(technique.objective(technique.network())) == "- log probability 7 + L2 norm"
    assert (technique.make_priors(), technique.make_transforms()) == ((), ())


def test_the_picture_shown_is_the_picture_judged():
    result = finish(ClassImage(model="bundled", target=145, size=48, steps=25, painter="itself").run())
    network = models.load("bundled")
    pixels = torch.from_numpy(result.pictures["image"].transpose(2, 0, 1)[None].copy()) / LEVELS
    row = result.tables["pictures"][0]
    assert row["probability"] == pytest.approx(float(network.probabilities(pixels)[0, 145]), rel=1e-4)
    assert row["probability"] > 0.5
    curve = result.arrays["curve: score 145"]
    assert curve[-1] > curve[0] + 3


@pytest.mark.parametrize("goal", ["channel", "neuron", "layer", "direction"])
@pytest.mark.parametrize("canvas", ["pixels", "fourier"])
def test_every_goal_is_liked_better_at_the_end(goal, canvas):
    given = {
        "canvas": canvas,
        "optimiser": "adam",
        "rate": 0.05 if canvas == "fourier" else 5.0,
        "layer": "stage3.conv2",
    }
    result = finish(ClassImage(**QUICK | {"steps": 12}, goal=goal, transforms="none", blur=0, **given).run())
    (curve,) = (values for name, values in result.arrays.items() if name.startswith("curve"))
    assert curve[-1] > curve[0]


def test_several_classes_are_painted_at_once():
    result = finish(ClassImage(**QUICK, target=3, also=(9, 4)).run())
    assert [row["class_index"] for row in result.tables["pictures"]] == [3, 9, 4]
    alone = finish(ClassImage(**QUICK, target=9).run())
    np.testing.assert_allclose(result.arrays["image"][1], alone.arrays["image"][0], atol=2e-3)


def test_the_ladder_climbs_in_step():
    run = ClassImage(**QUICK, target=3, compare="ladder").run()
    step = next(run)
    assert step.total == 3 * len(LADDER)
    result = finish(ClassImage(**QUICK, target=3, compare="ladder").run())
    assert [row["run"] for row in result.tables["pictures"]] == list(LADDER)
    assert len(result.pictures) == 1 + len(LADDER)


def test_twins_paint_the_same_class():
    result = finish(ClassImage(**QUICK, target=3, compare="twins").run())
    assert [row["run"] for row in result.tables["pictures"]] == list(twins("bundled"))
    assert {row["class_index"] for row in result.tables["pictures"]} == {3}
    assert twins("random:alexnet") == ("alexnet", "random:alexnet")


def test_the_robust_twin_paints_for_the_standard_network_alone():
    assert ClassImage(model="bundled").network().name == "bundled-robust"
    assert ClassImage(model="bundled", painter="itself").network().name == "bundled"
    assert ClassImage(model="bundled-random").network().name == "bundled-random"
    assert ClassImage(model="bundled").recipe().weights == models.load("bundled-robust").digest


def test_a_dead_unit_wakes_up():
    network = models.load("bundled-random")
    technique = ClassImage(**QUICK, goal="neuron", layer="stage5.relu1", start="grey", transforms="none", blur=0)
    with torch.no_grad():
        values = network.activations(torch.full((1, 3, 32, 32), 0.5), "stage5.relu1")["stage5.relu1"]
    dead = int((values[0, :, 1, 1] == 0).nonzero()[0])
    result = finish(technique.model_copy(update={"channel": dead, "steps": 20, "rate": 10.0}).run())
    (curve,) = (values for name, values in result.arrays.items() if name.startswith("curve"))
    assert curve[0] == 0.0
    assert curve[-1] > 0.0


def test_a_channel_that_is_not_there_is_said():
    with pytest.raises(ConvscopeError, match="channel"):
        finish(ClassImage(**QUICK, goal="channel", layer="conv1", channel=4800).run())


def test_the_command_line_and_its_replay_give_the_same_bytes(tmp_path):
    given = ["--model", "bundled-random", "--size", "32", "--steps", "3", "--target", "3", "--also", "4,5"]
    assert main(["class-image", *given, "--out", str(tmp_path / "a")]) == 0
    assert main(["replay", str(tmp_path / "a" / "image.png"), "--out", str(tmp_path / "b")]) == 0
    assert (tmp_path / "a" / "image.png").read_bytes() == (tmp_path / "b" / "image.png").read_bytes()
