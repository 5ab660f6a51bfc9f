"""Statistics of styles against sums by hand, finite differences and scipy."""

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance

from viz_core import models
from viz_core.errors import ConvscopeError
from viz_core.generate.objective import View
from viz_core.generate.style_statistics import (
    Gram,
    MeanVariance,
    SlicedWasserstein,
    StyleDistance,
    content_layer,
    gram,
    layer_shares,
    quantiles,
    style_layers,
    style_objective,
)


@pytest.fixture
def features():
    return torch.randn(2, 5, 4, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_gram_is_the_mean_of_outer_products(features):
    expected = torch.zeros(2, 5, 5, dtype=torch.float64)
    for n, y, x in np.ndindex(2, 4, 6):
        expected[n] += torch.outer(features[n, :, y, x], features[n, :, y, x]) / 24
    torch.testing.assert_close(gram(features), expected)


def test_gram_within_a_region_counts_its_places_alone(features):
    where = torch.zeros(1, 1, 4, 6)
    where[..., :3] = 1
    torch.testing.assert_close(gram(features, where), gram(features[..., :3]))


@pytest.mark.parametrize("measure", [Gram(), MeanVariance()])
def test_gradients_equal_finite_differences(measure, features):
    target = measure.summary(features[1:] + 0.3)
    assert torch.autograd.gradcheck(lambda f: measure.distance(f, target), features[:1].clone().requires_grad_())


def test_gradients_within_a_region_equal_finite_differences(features):
    where = torch.rand(1, 1, 4, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    target = gram(features[1:] + 0.3)
    both = features.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda f: Gram().distance(f, target, where), both)


def test_the_gradient_of_the_gram_distance_by_hand(features):
    f, target = features[:1].clone().requires_grad_(), gram(features[1:])
    (ours,) = torch.autograd.grad(Gram().distance(f, target).sum(), f)
    flat = f.detach().flatten(2)
    expected = 4 / 24 * (gram(f.detach()) - target) @ flat / target.square().sum()
    torch.testing.assert_close(ours.flatten(2), expected)


def test_mean_and_deviation_by_hand(features):
    mean, deviation = MeanVariance().summary(features).unbind(1)
    torch.testing.assert_close(mean, features.mean((2, 3)))
    torch.testing.assert_close(deviation, features.var((2, 3), unbiased=False).sqrt(), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("measure", [Gram(), MeanVariance(), SlicedWasserstein(torch.Generator().manual_seed(0))])
def test_statistics_forget_places(measure, features):
    f = features[:1]
    shuffled = f.flatten(2)[:, :, torch.randperm(24, generator=torch.Generator().manual_seed(0))].view_as(f)
    assert float(measure.distance(shuffled, measure.summary(f))) < 1e-12
    assert float(measure.distance(2 * f, measure.summary(f))) > 0.1


def test_sorted_projections_give_the_wasserstein_distance_of_scipy():
    ours, theirs = (
        torch.randn(1, 1, 5, 8, generator=torch.Generator().manual_seed(n), dtype=torch.float64) for n in (1, 2)
    )
    ordered = [values.flatten().sort().values for values in (ours, theirs)]
    expected = wasserstein_distance(ours.flatten(), theirs.flatten())
    assert float((ordered[0] - ordered[1]).abs().mean()) == pytest.approx(expected)
    measure = SlicedWasserstein(torch.Generator().manual_seed(0), directions=3)
    squares = (ordered[0] - ordered[1]).square().sum() / ordered[1].square().sum()
    assert float(measure.distance(ours, measure.summary(theirs))) == pytest.approx(float(squares))


def test_quantiles_of_another_count_keep_the_order_and_the_range():
    ordered = torch.linspace(0, 1, 11)[None, None]
    fewer = quantiles(ordered, 5)
    assert fewer.diff().min() > 0
    torch.testing.assert_close(fewer.mean(), ordered.mean())


@pytest.mark.parametrize("name", ["random:vgg19", "random:resnet18", "random:squeezenet1_1", "bundled-random"])
def test_layers_go_from_fine_to_coarse(name):
    network = models.load(name)
    sides = [network.layer(layer).shape[1] for layer in style_layers(network)]
    assert sides == sorted(sides, reverse=True)
    assert len(set(sides)) == len(sides) >= 4
    assert sides[0] > network.layer(content_layer(network)).shape[1] >= sides[-1]


def test_the_layers_of_vgg_are_those_of_the_paper():
    assert style_layers(models.load("random:vgg19")) == (
        "features.1",
        "features.6",
        "features.11",
        "features.20",
        "features.29",
    )


def test_a_style_objective_is_nothing_at_the_style_itself():
    network, picture = (
        models.load("bundled-random"),
        torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)),
    )
    layers = style_layers(network)
    objective = style_objective(network, picture, layers, Gram(), (1, 0, 0, 0, 3))
    assert [term.weight for term in objective.terms()] == [0.25, 0.75]
    values = network.activations(picture, layers)
    assert float(objective(View(picture, values))) < 1e-10
    assert all(isinstance(term.objective, StyleDistance) for term in objective.terms())


@pytest.mark.parametrize("weights", [(1.0,), (0.0, 0.0), (1.0, -1.0)])
def test_weights_that_make_no_sense_are_refused(weights):
    with pytest.raises(ConvscopeError):
        layer_shares(("a", "b"), weights)
