"""DeepDream against gradients by finite differences and a plain reimplementation without octaves."""

import numpy as np
import pytest
import torch
import torchvision

from viz_core import models
from viz_core.generate.canvas import Pixels
from viz_core.generate.deepdream import PRESETS, DeepDream, closer
from viz_core.generate.flow import carried, flow
from viz_core.generate.loop import Loop
from viz_core.generate.objective import Strength, View
from viz_core.generate.optimiser import NormalisedStep
from viz_core.images.samples import sample
from viz_core.images.tensor import to_tensor
from viz_core.images.video import encode_mp4, load_clip
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
    result = finish(DeepDream(**QUICK | {"image": "sample:chelsea", "octaves": 1, "steps": 8}).run())
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


def test_googles_recipe():
    google = DeepDream(**PRESETS["google"])
    assert (google.octaves, google.octave_scale, google.steps, google.step_size, google.jitter) == (4, 1.4, 10, 1.5, 32)
    sizes = [tuple(base.shape[-2:]) for base in google.octave_bases(torch.zeros(1, 3, 224, 300))]
    assert sizes == [(82, 109), (114, 153), (160, 214), (224, 300)]


def test_the_guide_sends_back_the_best_matching_features():
    technique = DeepDream(**QUICK, guided=True, guide="sample:chelsea")
    network, layer = technique.network(), QUICK["layer"]
    x = technique.input().requires_grad_()
    activation = network.activations(x, layer)[layer]
    features = technique._features(network, layer)
    here = activation.detach()[0].flatten(1)
    best = features[:, (here.T @ features).argmax(1)].view_as(activation)
    (expected,) = torch.autograd.grad(activation, x, grad_outputs=best, retain_graph=True)
    (ours,) = torch.autograd.grad(technique.objective(network)(View(x, {layer: activation})).sum() * here.shape[1], x)
    torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-6)


def test_a_guided_dream_resembles_its_guide_more():
    result = finish(DeepDream(**QUICK | {"octaves": 1, "steps": 8}, guided=True, guide="sample:chelsea").run())
    assert result.scores["last_loss"] > result.scores["first_loss"]


def test_several_layers_grow_together():
    layers = ("layer1.0.conv1", "layer2.0.conv1")
    technique = DeepDream(**QUICK | {"steps": 8}, also=layers[1:], octaves=1)
    result = finish(technique.run())
    network = technique.network()
    for layer in layers:
        before, after = (
            float(network.activations(torch.from_numpy(result.arrays[name]), layer)[layer].square().mean())
            for name in ("input", "image")
        )
        assert after > 1.3 * before, layer


def test_tiles_give_the_gradient_of_the_whole_away_from_their_seams():
    network, x = models.load("bundled-random"), torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    gradients = []
    for tile in (None, 32):
        loop = Loop(network, Pixels(x), Strength("conv1"), NormalisedStep(0.1), relative=False, tile=tile)
        loop.evaluate()
        gradients.append(loop.canvas.values.grad)
    away = torch.ones(64, dtype=torch.bool)
    away[26:38] = False
    inside = away[:, None] & away
    torch.testing.assert_close(gradients[0][..., inside], gradients[1][..., inside], rtol=1e-3, atol=1e-7)
    assert not torch.allclose(gradients[0], gradients[1], rtol=1e-3, atol=1e-7)


def test_the_zoom_goes_on_frame_by_frame():
    result = finish(DeepDream(**QUICK | {"steps": 1}, octaves=2, zoom=3).run())
    assert len(result.frames) == 4
    assert result.scores["steps"] == 4 * 2
    np.testing.assert_array_equal(result.frames[-1], result.pictures["dream"])


def test_a_zoomed_picture_is_the_middle_of_the_one_before():
    ramp = torch.linspace(0, 1, 100).expand(1, 3, 100, 100)
    near = closer(ramp)
    assert near.shape == ramp.shape
    assert float(near[0, 0, 50, 0]) == pytest.approx(0.025, abs=0.01)
    assert float(near[0, 0, 50, -1]) == pytest.approx(0.975, abs=0.01)


def test_the_flow_finds_what_was_moved_and_carries_a_change_along():
    before = np.ascontiguousarray(sample("chelsea").pixels[:200, :300])
    after = np.roll(before, (3, 7), (0, 1))
    displacement = flow(before, after)
    np.testing.assert_allclose(np.median(displacement.reshape(-1, 2), 0), (-7, -3), atol=0.1)
    inside = (..., slice(20, -20), slice(20, -20))
    moved = carried(to_tensor(before), displacement)[inside]
    assert float((moved - to_tensor(after)[inside]).abs().mean()) < 0.01


def test_a_film_is_dreamt_frame_by_frame(tmp_path):
    frames = [np.roll(sample("chelsea").pixels[:64, :96], 2 * shift, 1) for shift in range(4)]
    (tmp_path / "film.mp4").write_bytes(encode_mp4(frames, 12))
    technique = DeepDream(**QUICK | {"steps": 2, "octaves": 1, "film": str(tmp_path / "film.mp4")})
    result = finish(technique.run())
    assert len(result.frames) == 4
    assert len(load_clip(result.files["dream.mp4"]).frames) == 4
    alone = finish(technique.model_copy(update={"carry": 0.0}).run())
    np.testing.assert_array_equal(result.frames[0], alone.frames[0])
    assert not np.array_equal(result.frames[3], alone.frames[3])
    assert technique.recipe().picture != DeepDream(**QUICK).recipe().picture
