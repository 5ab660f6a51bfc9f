"""Style transfer: distances by hand, masks, colours, sizes, stopping and replay."""

import numpy as np
import pytest
import torch

from viz_core.__main__ import main
from viz_core.generate.colour import YIQ, brightness, match_colours, with_colours_of
from viz_core.generate.region import ellipses_mask
from viz_core.generate.style import Style
from viz_core.images.intake import Picture
from viz_core.images.refs import keep_upload
from viz_core.images.tensor import to_tensor
from viz_core.technique import finish

QUICK = {"model": "bundled-random", "image": "sample:coffee", "size": 64, "sizes": 1, "steps": 6}


def test_the_first_losses_are_those_computed_by_hand():
    technique = Style(**QUICK | {"steps": 1, "style_weight": 7.0})
    result = finish(technique.run())
    network, x = technique.network(), torch.from_numpy(result.arrays["input"])
    layer = technique.style_layers(network)[1]
    ours = network.activations(x, layer)[layer][0].flatten(1)
    theirs = network.activations(to_tensor(result.pictures["style"]), layer)[layer][0].flatten(1)
    gram, target = (f @ f.T / f.shape[1] for f in (ours, theirs))
    expected = float((gram - target).square().sum() / target.square().sum())
    assert result.arrays[f"curve: style in {layer}"][0] == pytest.approx(expected, rel=0.02)  # the style is 8 bits here
    assert result.arrays["curve: distance in stage3.relu2"][0] < 1e-9


@pytest.mark.parametrize(
    "changes",
    [{}, {"statistic": "mean-variance"}, {"statistic": "wasserstein", "steps": 25}, {"optimiser": "adam", "steps": 25}],
)
def test_the_style_comes_nearer(changes):
    result = finish(Style(**QUICK | changes).run())
    lines = [values for name, values in result.arrays.items() if name.startswith("curve: style")]
    assert sum(line[-1] for line in lines) < 0.6 * sum(line[0] for line in lines)


def test_more_weight_of_the_style_brings_more_of_it():
    last = [
        sum(
            value
            for name, value in finish(Style(**QUICK, style_weight=weight).run()).scores.items()
            if name.startswith("last style")
        )
        for weight in (0.3, 30.0)
    ]
    assert last[1] < 0.7 * last[0]


def test_outside_the_mask_nothing_changes():
    shape = finish(Style(**QUICK | {"steps": 1}).run()).pictures["content"].shape
    mask = ellipses_mask(shape[:2], [(0, 0, shape[1] // 2, shape[0])])
    ref = keep_upload(Picture(mask))
    result = finish(Style(**QUICK, mask=ref).run())
    change = np.abs(result.pictures["painting"].astype(int) - result.pictures["content"]).max(2)
    assert change[mask[..., 0] == 0].max() <= 1
    assert change[mask[..., 0] == 255].mean() > 3


def test_two_styles_and_a_mask_give_each_its_place():
    mask = keep_upload(Picture(ellipses_mask((64, 96), [(0, 0, 40, 64)])))
    technique = Style(**QUICK, second_style="sample:waves", mask=mask)
    network = technique.network()
    terms = technique.objective(network, technique.input()).terms()
    names = [term.objective.name for term in terms]
    assert "style in relu1" in names
    assert "style 2 in relu1" in names
    wheres = [term.objective.where for term in terms if term.objective.name.endswith("in relu1")]
    torch.testing.assert_close(wheres[0] + wheres[1], torch.ones_like(wheres[0]))
    assert finish(technique.run()).arrays["image"].shape == tuple(technique.input().shape)


def test_the_picture_keeps_its_colours_where_only_brightness_is_painted():
    result = finish(Style(**QUICK, colours="luminance").run())
    painted, content = (to_tensor(result.pictures[name]) for name in ("painting", "content"))
    chroma = [torch.einsum("oc,nchw->nohw", YIQ, picture)[:, 1:] for picture in (painted, content)]
    assert float((chroma[0] - chroma[1]).abs().median()) < 0.01
    assert float((brightness(painted) - brightness(content)).abs().mean()) > 0.01


def test_matched_colours_have_the_mean_and_covariance_of_the_picture():
    generator = torch.Generator().manual_seed(0)
    style = 0.5 + 0.05 * torch.randn(1, 3, 40, 40, generator=generator)
    content = 0.5 + 0.05 * torch.randn(1, 3, 30, 50, generator=generator) * torch.tensor([2.0, 1.0, 0.5]).view(
        1, 3, 1, 1
    )
    matched = match_colours(style, content)[0].flatten(1)
    np.testing.assert_allclose(matched.mean(1), content[0].flatten(1).mean(1), atol=1e-3)
    np.testing.assert_allclose(np.cov(matched), np.cov(content[0].flatten(1)), atol=2e-4)


def test_a_picture_with_its_own_colours_is_itself():
    picture = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(with_colours_of(picture, picture), picture, atol=1e-5, rtol=0)


def test_sizes_grow_twofold_to_the_full_size():
    technique = Style(**QUICK | {"size": 128, "sizes": 2})
    height, width = technique.input().shape[-2:]
    assert technique.shapes(technique.input()) == [(height // 2, width // 2), (height, width)]


def test_a_start_from_noise_and_stop_keep_the_full_size():
    run = Style(**QUICK | {"sizes": 2, "size": 96}, start="noise").run()
    step = next(run)
    assert step.total == 12
    with pytest.raises(StopIteration) as end:
        run.send(True)
    result = end.value.value
    assert result.scores["steps"] == 1
    assert {"pull of content", "pull of style", "pull of smoothness"} <= set(result.pictures)


def test_the_command_line_and_replay_give_the_same_bytes(tmp_path):
    options = [word for name, value in QUICK.items() for word in (f"--{name}", str(value))]
    assert main(["style", *options, "--steps", "2", "--style", "sample:ink", "--out", str(tmp_path / "a")]) == 0
    assert main(["replay", str(tmp_path / "a" / "painting.png"), "--out", str(tmp_path / "b")]) == 0
    assert (tmp_path / "a" / "painting.png").read_bytes() == (tmp_path / "b" / "painting.png").read_bytes()
