"""The backprop room against captum, and the receptive field its pictures are cropped to."""

import numpy as np
import pytest
import torch
from captum.attr import (
    Deconvolution,
    GuidedBackprop,
    NeuronDeconvolution,
    NeuronGradient,
    NeuronGuidedBackprop,
    Saliency,
)

from tests.explain.reference import difference, noise_picture, reference_network
from viz_core.__main__ import main
from viz_core.errors import ConvscopeError
from viz_core.explain.backprop import Backprop
from viz_core.models.relu_rules import RULES
from viz_core.technique import finish


def technique(**parameters) -> Backprop:
    return Backprop(**({"image": noise_picture(), "size": 64, "target": 3, "model": "random:resnet18"} | parameters))


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "squeezenet1_1"])
def test_the_class_score_by_three_rules_equals_captum(name):
    result = finish(technique(model=f"random:{name}").run())
    network, x = reference_network(name), torch.from_numpy(result.arrays["input"]).requires_grad_()
    assert difference(result.arrays["backprop"], Saliency(network).attribute(x, 3, abs=False)[0]) < 1e-5
    assert difference(result.arrays["deconvnet"], Deconvolution(network).attribute(x, 3)[0]) < 1e-5
    assert difference(result.arrays["guided"], GuidedBackprop(network).attribute(x, 3)[0]) < 1e-5
    assert result.scores["value"] == pytest.approx(float(network(x)[0, 3].detach()), abs=1e-6)


def test_a_unit_by_three_rules_equals_captum_inside_its_field_and_is_nothing_outside():
    result = finish(technique(layer="layer1.0.conv1", channel=4, row=5, column=7).run())
    network, x = reference_network("resnet18"), torch.from_numpy(result.arrays["input"]).requires_grad_()
    module = network.network.layer1[0].conv1
    oracles = {"backprop": NeuronGradient, "deconvnet": NeuronDeconvolution, "guided": NeuronGuidedBackprop}
    for rule, oracle in oracles.items():
        assert difference(result.arrays[rule], oracle(network, module).attribute(x, (4, 5, 7))[0]) < 1e-5
    top, left, bottom, right = (result.scores[side] for side in ("top", "left", "bottom", "right"))
    rest = np.abs(result.arrays["backprop"]).copy()
    assert rest[:, top:bottom, left:right].max() > 0
    rest[:, top:bottom, left:right] = 0
    assert rest.max() == 0
    assert (bottom - top, right - left) == (19, 19)  # 7, then 3 x 3 pooling, then 3 x 3: 7 + 2 * 2 + 2 * 4


def test_without_a_unit_it_is_the_strongest_one():
    result = finish(technique(layer="layer2.0.relu").run())
    values = (
        technique().network().activations(torch.from_numpy(result.arrays["input"]), "layer2.0.relu")["layer2.0.relu"]
    )
    channel, row, column = (result.scores[name] for name in ("channel", "row", "column"))
    assert result.scores["value"] == float(values.max()) == float(values[0, channel, row, column])
    np.testing.assert_array_equal(result.arrays["activation"], values[0, channel].numpy())


def test_a_unit_without_positions_sees_everything():
    result = finish(technique(layer="fc", channel=3).run())
    score = finish(technique(target=3).run())
    for rule in ("backprop", "deconvnet", "guided"):
        assert difference(result.arrays[rule], score.arrays[rule]) < 1e-6
    assert result.arrays["activation"].shape == (1, 1)


def test_the_rule_asked_for_becomes_the_map_and_joint_contrast_keeps_the_ratio():
    result = finish(technique(rule="deconvnet", scale="joint").run())
    np.testing.assert_array_equal(result.arrays["map"], np.abs(result.arrays["deconvnet"]).max(axis=0))
    limits = {rule: np.quantile(np.abs(result.arrays[rule][result.arrays[rule] != 0]), 0.99) for rule in RULES}
    for rule in RULES:
        expected = 127.5 + 127.5 * np.clip(result.arrays[rule] / max(limits.values()), -1, 1)
        np.testing.assert_allclose(result.pictures[rule], np.moveaxis(expected, 0, -1), atol=0.51)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"layer": "layer9"}, "layer9"),
        ({"layer": "fc", "channel": 5000}, "5000"),
        ({"layer": "conv1", "row": 400}, "400"),
    ],
)
def test_what_is_not_there_is_told_in_a_sentence(wrong, says):
    with pytest.raises(ConvscopeError, match=says):
        finish(technique(**wrong).run())


def test_command_line(tmp_path):
    arguments = ["backprop", "--model", "random:resnet18", "--size", "64", "--rule", "deconvnet"]
    assert main([*arguments, "--layer", "layer1.0.relu", "--channel", "3", "--out", str(tmp_path)]) == 0
    first = {path.name: path.read_bytes() for path in tmp_path.glob("*.png")}
    assert main(["replay", str(tmp_path / "guided.png"), "--out", str(tmp_path / "again")]) == 0
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "again").glob("*.png")}
