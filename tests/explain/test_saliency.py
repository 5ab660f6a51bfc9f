"""Saliency against captum; the averages against captum's on the same noisy or scaled pictures."""

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient, IntegratedGradients
from captum.attr import Saliency as CaptumSaliency

from tests.explain.reference import difference, noise_picture, reference_network
from viz_core.__main__ import main
from viz_core.explain.saliency import Saliency, reduced
from viz_core.technique import finish

TARGET = 5


def technique(model: str = "resnet18", **parameters) -> Saliency:
    return Saliency(
        **({"image": noise_picture(), "size": 64, "target": TARGET, "model": f"random:{model}"} | parameters)
    )


def seen(result) -> torch.Tensor:
    return torch.from_numpy(result.arrays["input"]).requires_grad_()


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "densenet121", "squeezenet1_1"])
def test_the_gradient_and_its_kin_equal_captum(name):
    network = reference_network(name)
    result = finish(technique(name).run())
    expected = CaptumSaliency(network).attribute(seen(result), TARGET, abs=False)[0]
    assert difference(result.arrays["attribution"], expected) < 1e-5
    assert difference(result.arrays["map"], expected.abs().amax(dim=0)) < 1e-5
    squared = finish(technique(name, method="squared").run())
    assert difference(squared.arrays["attribution"], expected.square()) < 2e-5
    times = finish(technique(name, method="times_input").run())
    assert difference(times.arrays["attribution"], InputXGradient(network).attribute(seen(result), TARGET)[0]) < 1e-5


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "densenet121", "squeezenet1_1"])
def test_integrated_gradients_equal_captum(name):
    result = finish(technique(name, method="integrated", samples=8).run())
    oracle = IntegratedGradients(reference_network(name))
    # one at a time as here, because a batch rounds otherwise, and a ReLU at zero tells
    expected = oracle.attribute(seen(result), target=TARGET, n_steps=8, internal_batch_size=1)
    assert difference(result.arrays["attribution"], expected[0].detach()) < 1e-5


def test_integrated_gradients_sum_up_to_the_change_of_the_score():
    result = finish(technique(method="integrated", samples=40).run())
    x = torch.from_numpy(result.arrays["input"])
    scores = technique().network()(torch.cat([x, 0 * x]))[:, TARGET]
    assert result.scores["sum"] == pytest.approx(float(scores[0] - scores[1]), rel=0.06)


@pytest.mark.parametrize("method", ["smoothgrad", "smoothgrad_squared"])
def test_smoothgrad_is_the_mean_of_captum_gradients_of_the_noisy_pictures(method):
    chosen = technique(method=method, samples=4, noise=0.2)
    result = finish(chosen.run())
    oracle, generator, x = CaptumSaliency(reference_network("resnet18")), chosen.generator(), seen(result).detach()
    spread, gradients = 0.2 * float(x.max() - x.min()), []
    for _ in range(4):
        noisy = (x + spread * torch.randn(x.shape, generator=generator)).requires_grad_()
        gradients.append(oracle.attribute(noisy, TARGET, abs=False)[0])
    powers = [gradient**2 if method == "smoothgrad_squared" else gradient for gradient in gradients]
    assert difference(result.arrays["attribution"], torch.stack(powers).mean(0)) < 1e-5


def test_a_difference_of_classes():
    one, other = (finish(technique(target=index).run()).arrays["attribution"] for index in (TARGET, 9))
    both = finish(technique(against=9).run()).arrays["attribution"]
    assert difference(both, one - other) < 1e-4


def test_reduced_by_hand():
    attribution = np.array([[[1.0, -4.0]], [[-3.0, 2.0]], [[2.0, 0.0]]])
    assert reduced(attribution, "max", signed=False).tolist() == [[3, 4]]
    assert reduced(attribution, "max", signed=True).tolist() == [[-3, -4]]
    assert reduced(attribution, "mean", signed=True) == pytest.approx(np.array([[0, -2 / 3]]))
    assert reduced(attribution, "mean", signed=False) == pytest.approx(np.array([[2, 2]]))
    assert reduced(attribution, "green", signed=True).tolist() == [[-3, 2]]


def test_stop_keeps_the_average_of_the_noise_so_far():
    run = technique(method="smoothgrad", samples=50).run()
    next(run)
    step = next(run)
    with pytest.raises(StopIteration) as end:
        run.send(True)
    short = finish(technique(method="smoothgrad", samples=2).run())
    assert step.preview is not None
    assert end.value.value.scores["samples"] == 2
    np.testing.assert_array_equal(end.value.value.arrays["map"], short.arrays["map"])


@pytest.mark.parametrize("method", ["gradient", "squared", "times_input", "smoothgrad"])
def test_another_look_at_the_same_attribution_asks_no_network(method):
    chosen = technique(method=method, samples=2, signed=True, channels="blue", foreground=0.8)
    base = finish(chosen.computed().run())
    again, direct = chosen.finished(chosen.again(base)), finish(chosen.run())
    assert again.recipe == direct.recipe
    assert set(again.arrays) == set(direct.arrays)
    assert again.scores == direct.scores
    assert "mask" not in base.arrays
    for name, picture in direct.pictures.items():
        np.testing.assert_array_equal(again.pictures[name], picture)


def test_command_line(tmp_path):
    arguments = ["saliency", "--model", "random:resnet18", "--size", "64", "--method", "squared", "--out"]
    assert main([*arguments, str(tmp_path)]) == 0
    first = {path.name: path.read_bytes() for path in tmp_path.glob("*.png")}
    assert main(["replay", str(tmp_path / "map.png"), "--out", str(tmp_path / "again")]) == 0
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "again").glob("*.png")}
