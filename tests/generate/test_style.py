"""Style transfer: distances by hand, masks, colours, sizes, stopping and replay."""

import numpy as np
import pytest
import torch

from viz_core.__main__ import main
from viz_core.errors import ConvscopeError
from viz_core.generate.canvas import Pixels
from viz_core.generate.colour import (
    JUST_SEEN,
    YIQ,
    ColourDistance,
    brightness,
    match_colours,
    noise_in_colours_of,
    with_colours_of,
)
from viz_core.generate.loop import Loop
from viz_core.generate.objective import View
from viz_core.generate.optimiser import GradientDescent
from viz_core.generate.region import Stroke, strokes_mask
from viz_core.generate.style import COLOURS, Style
from viz_core.generate.style_statistics import style_layers
from viz_core.generate.tug_of_war import TugOfWar, pulls, winners
from viz_core.images.intake import Picture
from viz_core.images.refs import keep_upload
from viz_core.images.tensor import to_tensor
from viz_core.technique import Steer, finish

QUICK = {"model": "bundled-random", "image": "sample:coffee", "size": 64, "sizes": 1, "steps": 6}


def test_the_first_losses_are_those_computed_by_hand():
    technique = Style(**QUICK | {"steps": 1, "style_weight": 7.0})
    result = finish(technique.run())
    network, x = technique.network(), torch.from_numpy(result.arrays["input"])
    layer = style_layers(network)[1]
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
    mask = strokes_mask(shape[:2], [Stroke(((0.2, 0.1), (0.2, 0.5)), 0.3)])
    ref = keep_upload(Picture(mask))
    result = finish(Style(**QUICK, mask=ref).run())
    change = np.abs(result.pictures["painting"].astype(int) - result.pictures["content"]).max(2)
    assert change[mask[..., 0] == 0].max() <= 1
    assert change[mask[..., 0] == 255].mean() > 3


def test_two_styles_and_a_mask_give_each_its_place():
    mask = keep_upload(Picture(strokes_mask((64, 96), [Stroke(((0.2, 0.1), (0.2, 0.5)), 0.3)])))
    technique = Style(**QUICK, other_styles=("sample:waves",), mask=mask)
    network = technique.network()
    terms = technique.objective(network, technique.input()).terms()
    names = [term.objective.name for term in terms]
    assert "style in relu1" in names
    assert "style in relu1 (2)" in names
    wheres = [term.objective.where for term in terms if "in relu1" in term.objective.name]
    torch.testing.assert_close(wheres[0] + wheres[1], torch.ones_like(wheres[0]))
    assert finish(technique.run()).arrays["image"].shape == tuple(technique.input().shape)


def test_several_styles_count_by_their_shares():
    technique = Style(**QUICK, other_styles="sample:waves,sample:ink", shares="2,1,1")
    terms = technique.objective(technique.network(), technique.input()).terms()
    weights = {term.objective.name: term.weight for term in terms}
    layers = len(style_layers(technique.network()))
    assert [weights[f"style in relu1{number}"] * layers / 10 for number in ("", " (2)", " (3)")] == pytest.approx(
        [0.5, 0.25, 0.25]
    )
    with pytest.raises(ConvscopeError, match="3 styles"):
        Style(**QUICK, other_styles="sample:waves,sample:ink", shares="2,1").manner_shares()


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


def test_noise_has_the_colours_of_the_sample():
    sample = 0.5 + 0.05 * torch.randn(1, 1, 40, 40, generator=torch.Generator().manual_seed(0)).expand(-1, 3, -1, -1)
    made = noise_in_colours_of(sample, 64, torch.Generator().manual_seed(1))
    assert made.shape == (1, 3, 64, 64)
    assert float((made - made.mean(1, keepdim=True)).std()) < 0.005
    assert float(made.mean(1).std()) == pytest.approx(0.05, rel=0.05)


def test_the_distance_of_colours_by_hand():
    generator = np.random.default_rng(0)
    grey = np.repeat(generator.normal(0.5, 0.1, (1, 1, 20, 30)), 3, axis=1)
    tinted = grey + np.array([0.03, 0.0, -0.03]).reshape(1, 3, 1, 1) * generator.normal(1, 1, (1, 1, 20, 30))
    spread, moved = (np.cov(values[0].reshape(3, -1), bias=True) for values in (grey, tinted))
    size, axes = np.linalg.eigh(spread + JUST_SEEN**2 * np.eye(3))
    whiten = axes / np.sqrt(size) @ axes.T
    mean = whiten @ (tinted - grey).mean((0, 2, 3))
    expected = ((mean**2).sum() + ((whiten @ (moved - spread) @ whiten) ** 2).sum()) / 3
    distance = ColourDistance(torch.from_numpy(grey).float())
    found = float(distance(View(torch.from_numpy(tinted).float(), {})))
    assert found == pytest.approx(expected, rel=1e-3)
    assert found > 5  # a tint is nothing to be overlooked in grey
    assert float(distance(View(torch.from_numpy(grey[..., ::-1].copy()).float(), {}))) < 1e-9


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


def test_a_stroke_is_as_wide_as_its_brush_and_an_eraser_takes_it_away():
    line = Stroke(((0.1, 0.25), (0.9, 0.25)), 0.2)
    mask = strokes_mask((100, 200), [line])[..., 0]
    column = mask[:, 100] / 255
    assert column.sum() == pytest.approx(40, abs=2)
    assert mask[50, 100] == 255
    assert mask[10, 100] == mask[90, 100] == 0
    assert strokes_mask((100, 200), [line, Stroke(((0.5, 0.25),), 0.1, erase=True)])[50, 100, 0] == 0
    assert strokes_mask((100, 200), [Stroke(((0.5, 0.25),), 0.1)])[50, 100, 0] == 255


def test_each_part_pulls_as_its_gradient_alone():
    technique = Style(**QUICK, other_styles=("sample:glass", "sample:ink"))
    network, x = technique.network(), technique.input()
    picture = (x + 0.1 * torch.randn(x.shape, generator=technique.generator())).clamp(0, 1)
    parts = technique.parts(network, x, technique.generator())
    found = pulls(network, picture, parts)
    for name, part in parts.items():
        canvas = Pixels(picture)
        Loop(network, canvas, part, GradientDescent(0.0), relative=False).evaluate()
        np.testing.assert_allclose(found[name], canvas.values.grad[0].norm(dim=0), rtol=1e-3, atol=1e-7)
    whole = Pixels(picture)
    Loop(network, whole, technique.objective(network, x), GradientDescent(0.0), relative=False).evaluate()
    known = pulls(network, picture, parts, whole.values.grad)
    for name in parts:
        np.testing.assert_allclose(known[name], found[name], rtol=1e-3, atol=1e-6)


def test_the_winner_gives_a_pixel_its_colour():
    left = np.zeros((8, 20), np.float32)
    left[:, :10] = 1
    tug = TugOfWar(COLOURS, [1], [{"content": 0.25, "style": 0.75}], {"content": left, "style": 1 - left})
    picture = winners(tug.strengths, COLOURS)
    assert tuple(picture[4, 2]) == COLOURS["content"]
    assert tuple(picture[4, 17]) == COLOURS["style"]
    bar = tug.bar(8, 3)
    assert [tuple(pixel) for pixel in bar[:, 1]] == [COLOURS["content"]] * 2 + [COLOURS["style"]] * 6
    assert tug.beside(np.zeros((8, 20, 3), np.uint8)).shape == (8, 34, 3)


def test_weights_and_mask_are_changed_on_the_way():
    mask = keep_upload(Picture(strokes_mask((64, 64), [Stroke(((0.5, 0.5),), 0.4)])))
    changes = {
        4: {"style_weight": 0.0, "layer_weights": (1.0, 0.0, 0.0, 0.0, 0.0)},
        8: {"mask": mask},
        9: {"mask": None},
    }
    run, sent = Style(**QUICK | {"sizes": 2}).run(), None
    while True:
        try:
            step = run.send(sent)
        except StopIteration as end:
            result = end.value
            break
        sent = Steer(changes[step.done]) if step.done in changes else None
    assert result.recipe.parameters["steering"] == [
        "4 style_weight=0.0 layer_weights=1.0,0.0,0.0,0.0,0.0",
        f"8 mask={mask}",
        "9 mask=none",
    ]
    assert result.scores["pull of style"] == 0
    assert result.scores["steps"] == 12
    again = finish(Style(**result.recipe.parameters).run())
    np.testing.assert_array_equal(again.arrays["image"], result.arrays["image"])


def test_a_painting_gets_smaller_where_memory_runs_out(monkeypatch):
    evaluate = Loop._evaluate

    def short_of_memory(self, network):
        if min(self.canvas.values.shape[-2:]) > 80:
            raise RuntimeError("DefaultCPUAllocator: not enough memory")
        return evaluate(self, network)

    monkeypatch.setattr(Loop, "_evaluate", short_of_memory)
    result = finish(Style(**QUICK | {"size": 96, "sizes": 2, "steps": 2}).run())
    assert result.scores["backed off"]
    assert min(result.arrays["image"].shape[2:]) == 67
    assert result.scores["steps"] == 4


def test_a_size_there_is_no_memory_for_is_refused_before_the_run(monkeypatch):
    monkeypatch.setattr("viz_core.generate.matching.available_memory", lambda device: Style(**QUICK).memory() // 4)
    with pytest.raises(ConvscopeError, match="MB"):
        next(Style(**QUICK).run())
