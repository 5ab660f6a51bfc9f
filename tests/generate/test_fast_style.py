"""Fast style: normalisation against torch's, training that learns and can be gone on with, files that are safe to open."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from viz_core import models
from viz_core.__main__ import main
from viz_core.errors import ConvscopeError
from viz_core.generate.fast_style import FastStyle
from viz_core.generate.fast_style_train import FastStyleTrain, contents
from viz_core.generate.live_style import Brush, StyleMirror
from viz_core.generate.style_files import Architecture, TrainedStyle, keep_trained, open_style, pack, shipped
from viz_core.generate.style_network import ConditionalNorm, StyleNetwork
from viz_core.generate.style_statistics import gram
from viz_core.generate.style_training import Crops, StyleTraining, Weights
from viz_core.images.tensor import to_pixels, to_tensor
from viz_core.images.video import encode_mp4, load_clip
from viz_core.technique import finish

TINY = {
    "model": "bundled-random",
    "size": 32,
    "style_size": 64,
    "width": 8,
    "blocks": 1,
    "styles": ("sample:glass", "sample:ink"),
}


@pytest.fixture(scope="module")
def trained():
    return finish(FastStyleTrain(**TINY, steps=4).run())


def random(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape)))


def test_one_style_alone_is_torchs_instance_norm():
    x, norm = random(2, 6, 9, 7), ConditionalNorm(3, 6)
    with torch.no_grad():
        norm.scale.copy_(random(3, 6))
        norm.shift.copy_(random(6, 3).T)
    plain = nn.InstanceNorm2d(6, affine=True)
    plain.load_state_dict({"weight": norm.scale[1], "bias": norm.shift[1]})
    torch.testing.assert_close(norm(x, torch.eye(3)[[1, 1]]), plain(x))


def test_a_mix_lies_between_its_styles():
    x, norm = random(1, 4, 5, 5), ConditionalNorm(2, 4)
    with torch.no_grad():
        norm.scale.copy_(random(2, 4))
    halves = [norm(x, torch.tensor([shares])) for shares in ([1.0, 0.0], [0.0, 1.0], [0.5, 0.5])]
    torch.testing.assert_close(halves[2], (halves[0] + halves[1]) / 2)


@pytest.mark.parametrize("size", [(32, 32), (33, 50), (65, 34)])
def test_any_size_goes_in_and_comes_out_within_bounds(size):
    painted = StyleNetwork(1, 8, 1)(random(1, 3, *size)).detach()
    assert painted.shape == (1, 3, *size)
    assert 0 <= float(painted.min()) < float(painted.max()) <= 1


def test_the_parts_of_the_loss_by_hand():
    judge = models.load("bundled-random")
    style, x, painted = random(1, 3, 40, 40), random(1, 3, 32, 32), random(1, 3, 32, 33)[..., :32]
    training = StyleTraining(
        StyleNetwork(1, 8, 1), judge, [style], Crops([], 32, torch.Generator()), 1, weights=Weights(3, 2, 5)
    )
    parts = training.losses(x, painted, torch.tensor([0]))
    expected = 0.0
    for layer in training.style_layers:
        ours, theirs = (judge.activations(picture, layer)[layer] for picture in (painted, style))
        along = max(1, min(3, ours.shape[2] // 8))
        side = ours.shape[2] // along
        for row, column in np.ndindex(along, along):
            cell = ours[:, :, row * side : (row + 1) * side, column * side : (column + 1) * side]
            distance = float((gram(cell) - gram(theirs)).square().sum() / gram(theirs).square().sum())
            moments = [torch.cat([f.mean((2, 3)), f.var((2, 3), unbiased=False).sqrt()]) for f in (cell, theirs)]
            distance += float((moments[0] - moments[1]).square().sum() / moments[1].square().sum())
            expected += distance / along**2
    assert float(parts["style"]) == pytest.approx(3 * expected / (2 * len(training.style_layers)), rel=1e-3)
    shown, ours = (judge.activations(picture, "stage3.relu2")["stage3.relu2"] for picture in (x, painted))
    assert float(parts["content"]) == pytest.approx(
        2 * float((ours - shown).square().sum() / shown.square().sum()), rel=1e-4
    )


def test_training_lowers_the_loss():
    result = finish(FastStyleTrain(**TINY | {"styles": ("sample:ink",)}, steps=40).run())
    style = result.arrays["curve: style"]
    assert style[-8:].mean() < 0.8 * style[:4].mean()


def test_the_same_seed_trains_the_same_style(trained):
    again = finish(FastStyleTrain(**TINY, steps=4).run())
    assert again.files["style.safetensors"] == trained.files["style.safetensors"]


def test_the_file_gives_the_network_back_and_training_goes_on_from_it(trained):
    ref = keep_trained(trained.files["style.safetensors"])
    style = open_style(ref)
    assert style.card.names == ("glass", "ink")
    assert style.card.steps == 4
    assert style.card.training.style_size == 64
    own = trained.arrays["input"]
    assert own.shape[1] == 3
    start = FastStyleTrain(**TINY, begin=ref).start()
    for name, value in start.state_dict().items():
        assert torch.equal(value, style.network.state_dict()[name])
    with pytest.raises(ConvscopeError, match="as many"):
        FastStyleTrain(**TINY | {"styles": ("sample:ink",)}, begin=ref).start()


def test_painting_is_one_pass_and_mixes(trained):
    ref = keep_trained(trained.files["style.safetensors"])
    first, second, both = (
        finish(FastStyle(style=ref, mix=mix, size=64, image="sample:coffee").run()) for mix in ((), (0, 2), (1, 1))
    )
    x = torch.from_numpy(first.arrays["input"])
    with torch.no_grad():
        expected = open_style(ref).network(x, torch.tensor([[0.5, 0.5]]))
    np.testing.assert_allclose(both.arrays["image"], expected.numpy(), atol=1e-6)
    assert np.abs(first.arrays["image"] - second.arrays["image"]).max() > 1e-5


@pytest.mark.parametrize("mix", [(1.0,), (0.0, 0.0), (2.0, -1.0)])
def test_shares_that_make_no_sense_are_refused(mix, trained):
    ref = keep_trained(trained.files["style.safetensors"])
    with pytest.raises(ConvscopeError):
        finish(FastStyle(style=ref, mix=mix).run())


def test_files_that_are_no_style_are_told(trained, tmp_path):
    good = trained.files["style.safetensors"]
    other = good.replace(b'\\"width\\":8', b'\\"width\\":9')
    assert other != good
    for content in (b"", b"nothing", good[:2000], b"\xff" * 64, other, bytes(40)):
        with pytest.raises(ConvscopeError, match="no trained style"):
            TrainedStyle(content)
    with pytest.raises(ConvscopeError, match="no longer"):
        open_style("trained:0")
    for missing in ("style:../models/standard", str(tmp_path), str(tmp_path / "none.safetensors")):
        with pytest.raises(ConvscopeError, match="no trained style"):
            open_style(missing)


def test_weights_that_are_no_numbers_are_refused():
    network = StyleNetwork(1, 8, 1)
    with torch.no_grad():
        network.keep.fill_(float("nan"))
    size = Architecture(**network.architecture)
    card = open_style(shipped()[0]).card.model_copy(update={"names": ("x",), "architecture": size})
    with pytest.raises(ConvscopeError):
        TrainedStyle(pack(network, card))


def test_the_shipped_styles_open_are_small_and_paint():
    assert "style:drawings" in shipped()
    for ref in shipped():
        style = open_style(ref)
        assert sum(value.numel() for value in style.network.state_dict().values()) * 2 < 2e6
        result = finish(FastStyle(style=ref, size=64).run())
        change = result.pictures["painting"].astype(int) - result.pictures["content"]
        assert np.abs(change).mean() > 10


def test_crops_are_squares_of_the_pictures():
    picture = torch.arange(3 * 50 * 70, dtype=torch.float32).view(3, 50, 70).remainder(256).to(torch.uint8)
    crops = Crops([picture], 20, torch.Generator().manual_seed(0)).batch(5)
    assert crops.shape == (5, 3, 20, 20)
    assert 0 <= float(crops.min()) < float(crops.max()) <= 1


def test_contents_are_the_samples_or_a_folder(tmp_path):
    assert len(contents("samples")) > 5
    with pytest.raises(ConvscopeError, match="no pictures"):
        contents(str(tmp_path))


def test_stop_keeps_the_style_so_far_and_the_command_line_writes_it(tmp_path):
    run = FastStyleTrain(**TINY, steps=50).run()
    next(run)
    with pytest.raises(StopIteration) as end:
        run.send(True)
    assert json.loads(end.value.value.files["style.json"])["steps"] == 1
    options = [
        word for name, value in TINY.items() if name != "styles" for word in (f"--{name.replace('_', '-')}", str(value))
    ]
    told = ["fast-style-train", *options, "--styles", "sample:ink", "--steps", "2", "--out", str(tmp_path)]
    assert main(told) == 0
    assert open_style(str(tmp_path / "style.safetensors")).card.names == ("ink",)
    assert (
        main(["fast-style", "--style", str(tmp_path / "style.safetensors"), "--size", "64", "--out", str(tmp_path)])
        == 0
    )
    assert (tmp_path / "painting.png").exists()


def test_further_pictures_are_painted_as_each_alone(trained, tmp_path):
    ref = keep_trained(trained.files["style.safetensors"])
    Image.fromarray(np.full((40, 50, 3), 90, np.uint8)).save(tmp_path / "plain.png")
    (tmp_path / "notes.txt").write_text("no picture")
    options = {"style": ref, "size": 64}
    together = finish(FastStyle(**options, others=("sample:coffee", str(tmp_path))).run())
    assert together.scores["painted"] == 3
    for name, image in (("painting 2", "sample:coffee"), ("painting 3", str(tmp_path / "plain.png"))):
        alone = finish(FastStyle(**options, image=image).run())
        np.testing.assert_array_equal(together.pictures[name], alone.pictures["painting"])
    run = FastStyle(**options, others=("sample:coffee", "sample:rocket")).run()
    next(run)
    with pytest.raises(StopIteration) as end:
        run.send(True)
    assert end.value.value.scores["painted"] == 1
    with pytest.raises(ConvscopeError, match="at most"):
        finish(FastStyle(**options, others=("sample:coffee",) * 200).run())


def test_a_film_is_painted_frame_by_frame(trained, tmp_path):
    ref = keep_trained(trained.files["style.safetensors"])
    frames = [np.full((48, 64, 3), 40 * number, np.uint8) for number in range(4)]
    (tmp_path / "film.mp4").write_bytes(encode_mp4(frames, 6.0))
    result = finish(FastStyle(style=ref, size=64, film=str(tmp_path / "film.mp4")).run())
    painted = load_clip(result.files["painting.mp4"])
    assert result.scores["painted"] == len(painted.frames) == len(result.frames) == 4
    assert painted.per_second == pytest.approx(6.0, rel=0.1)
    np.testing.assert_allclose(painted.frames[0], result.pictures["painting"][:, : painted.frames[0].shape[1]], atol=24)


def test_every_frame_of_a_camera_is_painted_as_a_picture_is():
    trained = open_style("style:drawings")
    shares = torch.tensor([[0.5, 0.5, 0.0]])
    mirror, frame = (
        StyleMirror(Brush(trained, shares, 64)),
        np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8),
    )
    with torch.inference_mode():
        expected = to_pixels(trained.network(to_tensor(frame), shares))
    np.testing.assert_array_equal(mirror.draw(frame), expected)
    mirror.frozen = True
    np.testing.assert_array_equal(mirror.draw(255 - frame), expected)
    mirror.brush = Brush(trained, torch.eye(3)[2:], 64)
    assert np.abs(mirror.draw(frame).astype(int) - expected).mean() > 3
