"""Facets of a class: planted kinds of pictures are found apart, phases follow their schedule."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from viz_core.errors import ConvscopeError
from viz_core.generate import facets
from viz_core.generate.class_image import ClassImage
from viz_core.generate.facets import CENTRE, FACETS, _means
from viz_core.generate.optimiser import Ramp
from viz_core.generate.transform import Window
from viz_core.technique import finish

QUICK = {"model": "bundled-random", "size": 32, "target": 3, "seed": 0}


def test_planted_kinds_are_found_apart():
    random = np.random.default_rng(0)
    kind = random.integers(0, 3, 60)
    codes = random.normal(0, 0.05, (60, 20)) + np.eye(3, 20)[kind]
    pictures = torch.from_numpy(kind).view(-1, 1, 1, 1).expand(-1, 3, 4, 4).float()
    means = _means(pictures, codes, 3, seed=0)
    assert sorted(float(mean.mean()) for mean in means) == pytest.approx([0, 1, 2])
    assert float(means.std((1, 2, 3)).max()) == 0.0


def test_phases_are_those_of_the_paper():
    assert [phase.share for phase in FACETS] == [190, 150, 20, 10]
    assert [phase.share for phase in CENTRE] == [190, 150, 150, 30, 10]
    assert [phase.enlarge for phase in CENTRE] == [1.0, 1.2, 1.2, 1.0, 1.0]
    assert CENTRE[-1].size == (6.0, 3.0)


def test_a_ramp_goes_from_end_to_end():
    ramp = Ramp(1.0, 2.0, 5)
    assert [ramp.at(step) for step in range(6)] == [1.0, 1.25, 1.5, 1.75, 2.0, 2.0]


def test_a_window_stays_inside_and_strays_from_the_middle():
    x = torch.arange(100.0).view(1, 1, 1, 100).expand(1, 3, 100, 100)
    generator = torch.Generator().manual_seed(0)
    assert float(Window(80, 0.0)(x, generator)[0, 0, 0, 0]) == 10.0
    lefts = [float(Window(80, 0.3)(x, generator)[0, 0, 0, 0]) for _ in range(50)]
    assert min(lefts) >= 0
    assert max(lefts) <= 20
    assert len(set(lefts)) > 5


def test_facets_of_a_class_differ(monkeypatch):
    monkeypatch.setattr(facets, "MOST_LOOKED_AT", 64)
    monkeypatch.setattr(facets, "KEPT_FOR_EACH", 8)
    monkeypatch.setattr(facets, "NEAREST", 4)
    result = finish(ClassImage(**QUICK, compare="facets", facets=2, steps=6).run())
    assert list(result.pictures) == ["image", "facet 0", "facet 1"]
    assert result.scores["facets_apart"] > 0
    assert not np.array_equal(result.pictures["facet 0"], result.pictures["facet 1"])


def test_painting_from_the_centre_grows_and_leaves_the_border_alone():
    result = finish(ClassImage(**QUICK, compare="centre", steps=40).run())
    image = result.arrays["image"][0]
    assert image.shape[-1] == int(int(32 * 1.2) * 1.2)
    steps = np.abs(np.diff(image, axis=-1)).mean((0, 1))
    middle, border = steps[12:-12].mean(), np.r_[steps[:3], steps[-3:]].mean()
    assert middle > 1.5 * border


def test_steps_count_on_through_the_phases():
    run = ClassImage(**QUICK, compare="centre", steps=10).run()
    done = [step.done for step in run]
    assert all(after - before == 1 for before, after in pairwise(done))
    assert done[-1] == 10


def test_an_end_before_anything_is_painted_is_said():
    run = ClassImage(**QUICK, compare="facets", steps=6).run()
    next(run)
    with pytest.raises(ConvscopeError, match="looked through"):
        run.send(True)
