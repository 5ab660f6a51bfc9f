"""Where people and the network looked: paintings as text, maps on a cue we know, one score for all."""

import numpy as np
import pytest
import torch

from viz_core.errors import ConvscopeError
from viz_core.learn.classroom import Classroom
from viz_core.learn.contest import SEPARATOR, best_five, confusion, is_right
from viz_core.learn.contest import Question as Asked
from viz_core.learn.looked import (
    CELLS,
    PATCH,
    STRIDE,
    deletion_area,
    gradcam_map,
    occlusion_map,
    over,
    pack,
    shares_of,
    together,
    unpack,
)
from viz_core.learn.you_vs_net import YouVsNet, people_area
from viz_core.models import load
from viz_core.technique import finish

RANDOM = "random:squeezenet1_1"


def corner(x: torch.Tensor) -> torch.Tensor:
    """A network that looks at the upper left corner alone."""
    return (x[:, :, :PATCH, :PATCH].mean((1, 2, 3)) - 0.5).clamp(min=0)


@pytest.fixture
def white() -> torch.Tensor:
    return torch.ones(1, 3, 128, 128)


def test_paintings_survive_as_text():
    cells = np.random.default_rng(0).random((CELLS, CELLS)) > 0.5
    assert len(pack(cells)) == 64
    np.testing.assert_array_equal(unpack(pack(cells)), cells)
    np.testing.assert_array_equal(together([pack(cells), pack(~cells)]), 0.5)


@pytest.mark.parametrize("painted", ["", "zz", "00", "0" * 66, "'; drop table"])
def test_what_is_no_painting_gets_a_sentence(painted):
    with pytest.raises(ConvscopeError):
        unpack(painted)


def test_occlusion_finds_the_corner_that_counts(white):
    found = occlusion_map(corner, white)
    assert found.shape == ((128 - PATCH) // STRIDE + 1,) * 2
    assert found[0, 0] == pytest.approx(0.5)
    assert np.unravel_index(found.argmax(), found.shape) == (0, 0)
    assert (found[2:, 2:] == 0).all()


def test_people_who_paint_the_corner_beat_those_who_paint_the_other(white):
    network = load("bundled")
    right, wrong = np.zeros((CELLS, CELLS)), np.zeros((CELLS, CELLS))
    right[:4, :4], wrong[-4:, -4:] = 1, 1
    areas = [deletion_area(network, corner, white, values) for values in (right, wrong)]
    assert areas[0] < 0.06
    assert areas[1] > 0.2


def test_gradcam_of_a_mean_is_grad_cam_by_hand():
    network, x = load(RANDOM), torch.rand(1, 3, 128, 128)
    layer = network.head().layer
    mean = torch.nn.functional.normalize(torch.rand(network.layer(layer).shape[0]), dim=0)
    maps = network.activations(x, layer)[layer].detach().requires_grad_()
    torch.nn.functional.cosine_similarity(maps.mean((2, 3)), mean[None]).backward()
    expected = (maps.grad.mean((2, 3), keepdim=True) * maps).sum(1).relu()[0].detach()
    np.testing.assert_allclose(gradcam_map(network, x, mean), expected.numpy(), atol=1e-6)


def test_a_painted_round_holds_maps_areas_and_what_people_need():
    technique = YouVsNet(model=RANDOM, questions=3, choices=3, paint=True)
    result = finish(technique.run())
    assert result.arrays["occlusion"].shape == (3, 7, 7)
    assert len(result.arrays["gradcam"]) == 3
    areas = result.tables["areas"]
    assert all(set(row) == {"occlusion", "gradcam", "chance"} for row in areas)
    network, occlusion = technique.network(), result.arrays["occlusion"][1]
    assert people_area(result, network, 1, occlusion) == pytest.approx(areas[1]["occlusion"], abs=1e-6)
    assert over(result.arrays["pictures"][0], occlusion).shape == (128, 128, 3)


def test_a_search_names_five_and_is_right_if_one_is():
    result = finish(YouVsNet(model=RANDOM, questions=3, answering="search").run())
    row = result.tables["questions"][0]
    assert len(row["choices"]) > 8
    assert len(row["network"].split(SEPARATOR)) == 5
    assert is_right(SEPARATOR.join(["a", "b"]), "b")
    assert not is_right("", "b")
    right, called, counts = confusion([Asked(0, "b", ("a", "b"))], [(0, SEPARATOR.join(["a", "b"])), (0, "")])
    assert right == ["b"]
    assert dict(zip(called, counts[0].tolist(), strict=True)) == {"b": 0, "": 1, "a": 1}


def test_the_five_surest_are_those_with_the_nearest_means():
    network = load(RANDOM)
    pixels = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    channels = network.layer(network.head().layer).shape[0]
    means = torch.nn.functional.normalize(torch.rand(8, channels), dim=1)
    known = {f"label {number}": mean for number, mean in enumerate(means)}
    x = torch.from_numpy(pixels.transpose(2, 0, 1)[None] / 255).float()
    shares = [float(shares_of(network, known, list(known), label)(x)) for label in known]
    expected = [f"label {place}" for place in np.argsort(shares)[::-1][:5]]
    assert best_five(network, pixels, known)[0].split(SEPARATOR) == expected


def test_a_room_keeps_the_first_painting_and_leaves_skipped_ones_out(tmp_path):
    rooms = Classroom(tmp_path / "rooms.sqlite")
    code = rooms.open_room("recipe")
    one, other = rooms.join(code), rooms.join(code)
    rooms.paint(one, 0, "ab")
    rooms.paint(one, 0, "cd")
    rooms.paint(other, 0, "")
    assert rooms.paintings(code, 0) == ("ab",)
    assert Classroom(tmp_path / "rooms.sqlite").paintings_of(other) == {0: ""}
    rooms.close(code)
    with pytest.raises(ConvscopeError, match="ended"):
        rooms.paint(one, 1, "ab")
