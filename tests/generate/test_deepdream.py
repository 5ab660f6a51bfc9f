"""DeepDream against gradients by finite differences and a plain reimplementation without octaves."""

import numpy as np
import pytest
import torch
import torchvision

from viz_core.generate.deepdream import DeepDream
from viz_core.technique import finish

QUICK = {"model": "random:resnet18", "size": 48, "layer": "layer1.0.conv1", "steps": 4}


def test_one_step_is_the_normalised_gradient_of_half_the_mean_square():
    technique = DeepDream(**QUICK | {"steps": 1, "octaves": 1, "jitter": 0, "step_size": 2.0})
    result = finish(technique.run())
    x = torch.from_numpy(result.arrays["input"]).requires_grad_()
    torch.manual_seed(0)
    net = torchvision.models.resnet18(weights=None).eval()
    mean, std = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    hidden = net.maxpool(net.relu(net.bn1(net.conv1((x - mean) / std))))
    activation = net.layer1[0].conv1(hidden)
    (gradient,) = torch.autograd.grad(activation.square().mean() / 2, x)
    expected = (x + 2.0 / 255 * gradient / gradient.abs().mean()).clamp(0, 1).detach().numpy()
    np.testing.assert_allclose(result.arrays["image"], expected, atol=2e-5)


def test_the_layer_answers_more_strongly_after_the_dream():
    result = finish(DeepDream(**QUICK | {"octaves": 1, "steps": 8}).run())
    assert result.scores["last_loss"] > 1.5 * result.scores["first_loss"]


def test_one_channel_alone_is_amplified():
    result = finish(DeepDream(**QUICK | {"channel": 3, "octaves": 1, "steps": 8, "jitter": 0}).run())
    network = DeepDream(**QUICK).network()

    def strength(picture: np.ndarray) -> torch.Tensor:
        return network.activations(torch.from_numpy(picture), QUICK["layer"])[QUICK["layer"]].square().mean((0, 2, 3))

    growth = strength(result.arrays["image"]) / strength(result.arrays["input"])
    assert growth[3] > 2 * growth.median()


def test_octaves_keep_the_size_and_the_same_seed_the_same_picture():
    first, second = (finish(DeepDream(**QUICK, octaves=3).run()) for _ in range(2))
    assert first.arrays["image"].shape == first.arrays["input"].shape
    np.testing.assert_array_equal(first.arrays["image"], second.arrays["image"])


def test_stop_keeps_the_picture_so_far():
    run = DeepDream(**QUICK, octaves=2).run()
    step = next(run)
    with pytest.raises(StopIteration) as end:
        run.send(True)
    np.testing.assert_array_equal(end.value.value.pictures["dream"], step.preview)
    assert end.value.value.scores["steps"] == 1
