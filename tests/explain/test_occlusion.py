"""Occlusion against captum's, on networks whose answers do change when a patch moves."""

import cv2
import numpy as np
import pytest
import torch
from captum.attr import Occlusion as CaptumOcclusion

from tests.explain.reference import Answer
from viz_core.explain.occlusion import GREY, Occlusion, alike, batches, positions
from viz_core.images import refs
from viz_core.images.intake import Picture
from viz_core.images.tensor import to_pixels
from viz_core.technique import finish


@pytest.fixture
def wide_picture() -> str:
    noise = np.random.default_rng(3).integers(0, 255, (70, 96, 3), dtype=np.uint8)
    return refs.keep_upload(Picture(noise))


def captum_drop(network, x, target, patch, stride, fill) -> torch.Tensor:
    """Captum's attribution (1, 3, H, W): the drop of the probability, averaged over the patches that cover a pixel."""
    return CaptumOcclusion(Answer(network)).attribute(
        x, (3, patch, patch), (3, stride, stride), baselines=fill, target=target, perturbations_per_eval=16
    )


def pixel_drop(result, patch, stride) -> np.ndarray:
    """The same from our map: the mean drop over the patches that cover each pixel; (H, W)."""
    height, width = result.arrays["input"].shape[-2:]
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for (row, column), drop in np.ndenumerate(result.arrays["drop"]):
        top, left = row * stride, column * stride
        total[top : top + patch, left : left + patch] += drop
        count[top : top + patch, left : left + patch] += 1
    return total / np.maximum(count, 1)


@pytest.mark.parametrize("model", ["random:resnet18", "random:densenet121", "random:squeezenet1_1"])
def test_equals_captum_on_pictures_that_are_not_square(model, wide_picture):
    technique = Occlusion(model=model, image=wide_picture, size=64, patch=20, stride=13, target=7)
    result = finish(technique.run())
    x = torch.from_numpy(result.arrays["input"])
    expected = captum_drop(technique.network(), x, 7, 20, 13, GREY)[0, 0].numpy()
    np.testing.assert_allclose(pixel_drop(result, 20, 13), expected, atol=1e-5)
    assert np.ptp(result.arrays["map"]) > 1e-6, "the map must vary, or the comparison would prove nothing"


def test_each_cell_is_the_probability_with_that_patch_filled(wide_picture):
    technique = Occlusion(
        model="random:resnet18", image=wide_picture, size=64, patch=24, stride=20, fill="mean", target=1
    )
    result = finish(technique.run())
    x = torch.from_numpy(result.arrays["input"])
    covered = x.clone()
    covered[:, :, 20:44, 40:64] = x.mean(dim=(2, 3), keepdim=True)
    expected = float(technique.network().probabilities(covered)[0, 1])
    assert result.arrays["map"][1, 2] == pytest.approx(expected, abs=1e-6)


def test_stop_keeps_a_whole_map_of_what_was_computed(wide_picture):
    run = Occlusion(model="random:resnet18", image=wide_picture, size=64, patch=16, stride=4).run()
    step = next(run)
    with pytest.raises(StopIteration) as end:
        run.send(True)
    result = end.value.value
    assert result.scores["positions"] == step.done < result.scores["positions_total"]
    assert np.isfinite(result.arrays["map"]).all()


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 9), (13, 13), (7, 20)])
def test_coarse_to_fine_visits_every_position_once(rows, columns):
    visited = [place for batch, _ in batches(rows, columns, 5) for place in batch]
    assert sorted(visited) == [(row, column) for row in range(rows) for column in range(columns)]


@pytest.mark.parametrize(("length", "patch", "stride"), [(64, 16, 16), (64, 16, 10), (65, 16, 16), (20, 32, 8)])
def test_the_patches_reach_every_pixel(length, patch, stride):
    covered = np.zeros(length, bool)
    for place in range(positions(length, patch, stride)):
        covered[place * stride : place * stride + patch] = True
    assert covered.all() or stride > patch


def test_logits_and_the_class_that_takes_over(wide_picture):
    technique = Occlusion(
        model="random:resnet18", image=wide_picture, size=64, patch=24, stride=20, target=1, show="takeover"
    )
    result = finish(technique.run())
    covered = torch.from_numpy(result.arrays["input"]).clone()
    covered[:, :, 20:44, 40:64] = GREY
    logits = technique.network()(covered)[0]
    assert result.arrays["logit"][1, 2] == pytest.approx(float(logits[1]), abs=1e-5)
    assert result.arrays["winner"][1, 2] == int(logits.argmax())
    shares = [entry["share"] for entry in result.tables["takeovers"]]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == pytest.approx(float((result.arrays["winner"] == result.tables["takeovers"][0]["index"]).mean()))


def test_another_look_asks_no_network(wide_picture):
    chosen = Occlusion(model="random:resnet18", image=wide_picture, size=64, patch=24, stride=20, show="score")
    again, direct = chosen.again(finish(chosen.computed().run())), finish(chosen.run())
    assert again.recipe == direct.recipe
    for name, picture in direct.pictures.items():
        np.testing.assert_array_equal(again.pictures[name], picture)


def test_several_sizes_are_the_maps_of_each_size_alone(wide_picture):
    usual = {"model": "random:resnet18", "image": wide_picture, "size": 64, "stride": 24}
    together = finish(Occlusion(patch=24, several=True, **usual).run())
    for side in (12, 48):
        alone = finish(Occlusion(patch=side, **usual).run())
        np.testing.assert_allclose(together.arrays[f"map_{side}"], alone.arrays["map"], atol=1e-6)
    assert {"overlay", "overlay_12", "overlay_48"} <= set(together.pictures)
    assert together.scores["positions"] == together.scores["positions_total"]


def test_in_painting_grows_the_surroundings_over_the_patch(wide_picture):
    technique = Occlusion(model="random:resnet18", image=wide_picture, size=64, patch=20, stride=22, fill="inpaint")
    result = finish(technique.run())
    x = torch.from_numpy(result.arrays["input"])
    hidden = np.zeros(x.shape[-2:], np.uint8)
    hidden[22:42, 44:64] = 1
    grown = cv2.inpaint(to_pixels(x), hidden, 3, cv2.INPAINT_TELEA)
    covered = torch.where(torch.from_numpy(hidden).bool(), torch.from_numpy(grown).permute(2, 0, 1) / 255, x)
    expected = float(technique.network().probabilities(covered)[0, result.scores["class_index"]])
    assert result.arrays["map"][1, 2] == pytest.approx(expected, abs=1e-6)


def test_a_patch_that_hides_everything_can_be_in_painted(wide_picture):
    result = finish(
        Occlusion(model="random:resnet18", image=wide_picture, size=32, patch=128, stride=64, fill="inpaint").run()
    )
    assert np.isfinite(result.arrays["map"]).all()


@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_groups_hold_every_place_once(size):
    places = [(row, column) for row in range(0, 13, 2) for column in range(9)]
    groups = alike(places, size)
    assert sorted(place for group in groups for place in group) == sorted(places)
    assert max(map(len, groups)) <= size


def test_the_film_is_what_was_watched_and_stays_when_another_map_is_shown(wide_picture):
    technique = Occlusion(model="random:squeezenet1_1", image=wide_picture, size=64, patch=20, stride=6)
    run, watched = technique.run(), []
    while True:
        try:
            watched.append(next(run).preview)
        except StopIteration as end:
            result = end.value
            break
    assert len(result.frames) == len(watched) > 1
    np.testing.assert_array_equal(result.frames[-1], watched[-1])
    assert len(technique.again(result).frames) == len(watched)
