"""The eraser against a forward pass of the covered picture."""

import numpy as np
import pytest
import torch

from viz_core.explain.eraser import Eraser, eraser, strongest
from viz_core.explain.occlusion import GREY, Occlusion


@pytest.mark.parametrize(("top", "left"), [(0, 0), (40, 31), (90, 120), (-5, 4000)])
def test_each_place_is_the_covered_picture(top, left):
    technique = Occlusion(model="bundled-random", size=96, patch=20)
    hiding = Eraser(technique)
    height, width = hiding.picture.shape[-2:]
    row, column = np.clip(top, 0, height - 1), np.clip(left, 0, width - 1)
    covered = hiding.picture.clone()
    covered[:, :, row : row + 20, column : column + 20] = GREY
    expected = technique.network().probabilities(covered)[0]
    assert (hiding.probabilities(top, left) - expected).abs().max() < 1e-5
    assert (hiding.clean - technique.network().probabilities(hiding.picture)[0]).abs().max() < 1e-6


def test_it_is_remembered_between_movements():
    technique = Occlusion(model="bundled-random", size=96)
    assert eraser(technique) is eraser(Occlusion(model="bundled-random", size=96))
    assert eraser(technique) is not eraser(Occlusion(model="bundled-random", size=96, patch=20))


def test_classes_on_show_stay_and_a_newcomer_joins():
    probabilities = torch.tensor([0.1, 0.5, 0.0, 0.4])
    assert strongest(probabilities, [0, 2], 3) == [0, 2, 1]
    assert strongest(probabilities, [1, 3], 3) == [1, 3, 0]
    assert strongest(probabilities, [], 9) == [1, 3, 0, 2]
