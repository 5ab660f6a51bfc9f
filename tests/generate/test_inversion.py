"""Inversion: shallow layers give the picture back, deeper ones less; the paper's schedule; masks; several starts."""

import numpy as np
import pytest
import torch

from viz_core.__main__ import main
from viz_core.errors import ConvscopeError
from viz_core.generate.inversion import PRESETS, Inversion
from viz_core.generate.loop import activations
from viz_core.generate.optimiser import GradientDescent
from viz_core.technique import finish

QUICK = {"model": "bundled", "size": 48, "steps": 20}


@pytest.mark.parametrize("image", ["sample:chelsea", "sample:coffee", "sample:astronaut"])
def test_the_first_stage_gives_the_picture_back(image):
    result = finish(Inversion(**QUICK | {"image": image, "layers": ("relu1",)}).run())
    row = result.tables["layers"][0]
    assert row["psnr"] > 25
    original, found = result.arrays["input"], result.arrays["image"]
    assert row["psnr"] == pytest.approx(-10 * np.log10(((original - found) ** 2).mean()), rel=1e-3)


def test_deeper_layers_give_less_of_it_back():
    result = finish(Inversion(**QUICK, layers=("relu1", "stage3.relu1", "stage5.relu1")).run())
    psnr = [row["psnr"] for row in result.tables["layers"]]
    assert psnr == sorted(psnr, reverse=True)
    assert list(result.pictures) == ["image", "picture", "relu1", "stage3.relu1", "stage5.relu1"]


def test_the_feature_error_is_that_of_the_picture_found():
    technique = Inversion(**QUICK, layers=("stage2.relu1",))
    result = finish(technique.run())
    network = technique.network()
    target, found = (
        activations(network, torch.from_numpy(result.arrays[name]), ["stage2.relu1"])["stage2.relu1"]
        for name in ("input", "image")
    )
    error = float((found - target).norm() / target.norm())
    row = result.tables["layers"][0]
    assert row["feature_error"] == pytest.approx(error, rel=1e-3)
    assert error < 0.25 * row["first_error"]


def test_features_at_mid_depth_are_nearly_met():
    """The faithful recipe, shortened: the benchmark tells how near its 600 steps come."""
    technique = Inversion(**QUICK | PRESETS["faithful"] | {"steps": 60, "size": 32}, layers=("stage3.relu2",))
    (row,) = finish(technique.run()).tables["layers"]
    assert row["feature_error"] < 0.2 * row["first_error"]


@pytest.mark.parametrize(("optimiser", "canvas"), [("adam", "pixels"), ("adam", "fourier"), ("lbfgs", "pixels")])
def test_every_way_arrives(optimiser, canvas):
    technique = Inversion(**QUICK, layers=("stage2.relu1",), optimiser=optimiser, canvas=canvas)
    (row,) = finish(technique.run()).tables["layers"]
    assert row["feature_error"] < 0.6 * row["first_error"]


def test_mahendran_and_vedaldis_recipe():
    technique = Inversion(**PRESETS["mahendran"])
    optimiser = technique.make_optimiser(1.0)
    assert isinstance(optimiser, GradientDescent)
    assert optimiser.momentum == 0.9
    assert [(steps, pytest.approx(rate)) for steps, rate in optimiser.rates] == [(100, 4e-3), (200, 4e-4), (100, 4e-5)]
    assert technique.steps == sum(steps for steps, _ in optimiser.rates)
    network = technique.network()
    assert [technique.third(network, layer) for layer in (network.layer_names[0], network.layer_names[-1])] == [0, 2]


def test_the_published_schedule_goes_down():
    result = finish(Inversion(**QUICK, layers=("stage3.relu1",), schedule="mahendran").run())
    row = result.tables["layers"][0]
    assert row["feature_error"] < 0.7 * row["first_error"]


def test_several_starts_agree_less_in_the_depth():
    result = finish(Inversion(**QUICK, layers=("relu1", "stage5.relu1"), starts=2).run())
    shallow, deep = (row["starts_differ"] for row in result.tables["layers"])
    assert shallow < deep
    assert result.arrays["image"].shape[0] == 4


@pytest.mark.parametrize(("part", "share"), [("half", 0.5), ("centre", 25 / 144)])
def test_only_a_part_must_agree(part, share):
    technique = Inversion(**QUICK, part=part)
    target = torch.ones(1, 160, 12, 12)
    assert float((technique.mask(target) * target).mean()) == pytest.approx(share)


def test_the_layers_to_invert_are_spread_over_the_depth():
    assert len(Inversion(**QUICK).depths()) == 6
    assert Inversion(**QUICK).depths()[0] == "relu1"
    with pytest.raises(ConvscopeError, match="no layer"):
        finish(Inversion(**QUICK, layers=("nonesuch",)).run())


def test_the_command_line_and_its_replay_give_the_same_bytes(tmp_path):
    given = ["--model", "bundled-random", "--size", "32", "--steps", "2", "--layers", "relu1,stage2.relu1"]
    assert main(["inversion", *given, "--out", str(tmp_path / "a")]) == 0
    assert main(["replay", str(tmp_path / "a" / "image.png"), "--out", str(tmp_path / "b")]) == 0
    assert (tmp_path / "a" / "image.png").read_bytes() == (tmp_path / "b" / "image.png").read_bytes()
