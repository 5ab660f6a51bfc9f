"""The one loop: objectives against finite differences, optimisers by hand, priors against scipy and scikit-image."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.restoration import denoise_tv_chambolle

from viz_core import models, stopping
from viz_core.errors import ConvscopeError
from viz_core.generate.canvas import Fourier, Pixels, ball, grey, noise
from viz_core.generate.in_step import in_step
from viz_core.generate.loop import Loop, Outcome, activations, optimise
from viz_core.generate.objective import (
    Direction,
    Guide,
    LogProbability,
    Match,
    Norm,
    Objective,
    Score,
    Strength,
    TotalVariation,
    Unit,
    View,
)
from viz_core.generate.optimiser import LBFGS, Adam, GradientDescent, NormalisedStep, Progress
from viz_core.generate.prior import Blur, ClipSmallContributions, ClipSmallPixels, Decay, Denoise, tv_denoise
from viz_core.generate.transform import LUCID, Roll, Warp, apply
from viz_core.tape import LONGEST_SIDE, Tape, one_size

LAYER = "features.6"


@pytest.fixture(scope="module")
def network():
    return models.load("random:alexnet")


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def drive(painting) -> Outcome:
    while True:
        try:
            next(painting)
        except StopIteration as end:
            return end.value


class Bowl(Objective):
    """A quadratic with its minimum at 0.3, steeper in the first colour; not a number above 0.9."""

    name = "bowl"

    def __call__(self, view: View) -> torch.Tensor:
        x = view.picture
        steep = torch.tensor([10.0, 1.0, 1.0]).view(3, 1, 1)
        value = (steep * (x - 0.3).square()).flatten(1).sum(1)
        return torch.where(x.flatten(1).amax(1) > 0.9, torch.nan, 1.0) * value


def objectives(network) -> dict[str, Objective]:
    generator = torch.Generator().manual_seed(1)
    other = activations(network, torch.rand(1, 3, 96, 96, generator=generator), [LAYER])[LAYER]
    return {
        "score": Score((3, 7)),
        "log probability": LogProbability((5,)),
        "channel": Unit(LAYER, (4, 9)),
        "neuron": Unit(LAYER, (4,), at=(0.5, 0.25)),
        "direction": Direction(LAYER, torch.randn(other.shape[1], generator=generator)),
        "strength": Strength(LAYER),
        "strength of a channel": Strength(LAYER, 2),
        "match": Match(LAYER, other),
        "guide": Guide(LAYER, other[0].flatten(1)),
        "norm": Norm(6),
        "tv2": TotalVariation(),
        "tv1": TotalVariation(1),
        "sum": -Score((3,)) + 0.5 * Norm() - 2 * TotalVariation(),
    }


@pytest.mark.parametrize("which", sorted(objectives(models.load("random:alexnet"))))
def test_gradients_agree_with_finite_differences(which, network, generator):
    objective = objectives(network)[which]
    loop = Loop(network, Pixels(torch.rand(2, 3, 96, 96, generator=generator)), objective, Adam(), relative=False)
    x = loop.canvas.values
    loop.evaluate()
    along = x.grad / x.grad.norm()
    slope = float((x.grad * along).sum())
    start, h, ends = x.detach().clone(), 2e-2, []
    for sign in (1, -1):
        with torch.no_grad():
            x.copy_(start + sign * h * along)
        ends.append(float(loop.evaluate()))
    assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(slope, rel=0.05)


def test_strength_sends_the_activation_back(network, generator):
    x = torch.rand(1, 3, 96, 96, generator=generator, requires_grad=True)
    layer = activations(network, x, [LAYER])[LAYER]
    (expected,) = torch.autograd.grad(layer, x, grad_outputs=layer.detach(), retain_graph=True)
    (ours,) = torch.autograd.grad(Strength(LAYER)(View(x, {LAYER: layer})).sum() * layer[0].numel(), x)
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-7)


def test_an_objective_prints_what_it_wants():
    assert str(-Score((207,)) + 0.1 * Norm() + TotalVariation()) == "- score 207 + 0.1 L2 norm + TV2"


def test_pictures_of_a_batch_do_not_touch_each_other(network, generator):
    start = torch.rand(2, 3, 96, 96, generator=generator)
    both = drive(optimise(network, Pixels(start), -Score((3, 7)), NormalisedStep(0.02), 3))
    alone = drive(optimise(network, Pixels(start[1:]), -Score((7,)), NormalisedStep(0.02), 3))
    torch.testing.assert_close(both.last[1:], alone.last, atol=1e-4, rtol=0)


def test_every_term_begins_at_its_weight(network, generator):
    loop = Loop(network, Pixels(torch.rand(1, 3, 96, 96, generator=generator)), 3 * Strength(LAYER) + Norm(), Adam())
    assert float(loop.evaluate()) == pytest.approx(4.0, rel=1e-5)


def test_a_term_that_begins_at_nothing_keeps_its_units(network):
    loop = Loop(network, Pixels(grey((1, 3, 96, 96), 0.5)), TotalVariation(), Adam())
    assert float(loop.evaluate()) == 0.0


@pytest.mark.parametrize(
    ("optimiser", "steps"),
    [
        (NormalisedStep(0.01), 60),
        (NormalisedStep(0.01, "sign"), 60),
        (GradientDescent(0.3, 0.5), 100),
        (Adam(0.05), 200),
        (LBFGS(), 12),
        (Progress(0.5, 1.0), 200),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, int) else "",
)
def test_every_optimiser_finds_the_bottom_of_a_bowl(optimiser, steps):
    outcome = drive(optimise(None, Pixels(grey((1, 3, 4, 4), 0.5)), Bowl(), optimiser, steps))
    assert float((outcome.best - 0.3).abs().max()) < 0.02


def test_momentum_by_hand():
    canvas = Pixels(torch.full((1, 3, 1, 1), 0.5))
    optimiser = GradientDescent(((2, 0.01), (1, 0.001)), momentum=0.9)
    drive(optimise(None, canvas, Bowl(), optimiser, 3, relative=False))
    x, velocity = 0.5, 0.0
    for rate, keep in ((0.01, 0.9), (0.01, 0.9), (0.001, 0.0)):
        velocity = keep * velocity - rate * 20 * (x - 0.3)
        x += velocity
    assert float(canvas.picture().detach()[0, 0, 0, 0]) == pytest.approx(x, abs=1e-6)


def test_steps_into_the_void_are_undone_and_halved():
    canvas = Pixels(grey((1, 3, 4, 4), 0.8), box=None)
    outcome = drive(optimise(None, canvas, -1 * Bowl(), NormalisedStep(0.08, "sign"), 5, relative=False))
    assert outcome.undone >= 1
    assert bool(outcome.best.isfinite().all())
    assert bool(outcome.last.isfinite().all())
    assert 0.8 < float(outcome.best.max()) <= 0.9


def test_a_start_that_is_no_number_is_said():
    with pytest.raises(ConvscopeError, match="not a number"):
        drive(optimise(None, Pixels(grey((1, 3, 4, 4), 1.0)), Bowl(), Adam(), 5))


def test_stop_keeps_the_best_so_far():
    painting = optimise(None, Pixels(grey((1, 3, 4, 4), 0.32)), Bowl(), NormalisedStep(0.1), 50)
    steps = [next(painting) for _ in range(4)]
    with pytest.raises(StopIteration) as end:
        painting.send(True)
    outcome = end.value.value
    assert outcome.stopped
    assert outcome.steps == 4
    assert steps[-1].total == 50
    assert float(outcome.losses) == 1.0
    assert float((outcome.best - 0.32).abs().max()) == 0.0  # the steps only jumped about the bottom


def test_a_step_that_nobody_wants_any_more_is_left_and_undone():
    canvas = Pixels(grey((1, 3, 4, 4), 0.8))
    painting = optimise(None, canvas, Bowl(), NormalisedStep(0.1), 50)
    with stopping.watched(lambda: True):
        next(painting)  # the first step is computed in any case
        first = canvas.picture().detach().clone()
        with pytest.raises(StopIteration) as end:
            next(painting)
    assert (end.value.value.steps, end.value.value.stopped) == (1, True)
    torch.testing.assert_close(end.value.value.last, first)


def test_until_ends_it():
    outcome = drive(
        optimise(
            None, Pixels(grey((1, 3, 4, 4), 0.8)), Bowl(), NormalisedStep(0.02), 99, until=lambda x: bool(x.max() < 0.6)
        )
    )
    assert outcome.steps < 40
    assert float(outcome.last.max()) < 0.6


def test_paintings_keep_pace_and_end_together():
    def painting(start: float, steps: int):
        return optimise(None, Pixels(grey((1, 3, 4, 4), start)), Bowl(), NormalisedStep(0.01), steps)

    run = in_step({"a": painting(0.8, 3), "b": painting(0.5, 6)})
    steps, outcomes = [], None
    while outcomes is None:
        try:
            steps.append(next(run))
        except StopIteration as end:
            outcomes = end.value
    assert [outcomes[name].steps for name in "ab"] == [3, 6]
    assert "a: bowl" in steps[0].curves
    assert steps[-1].done == steps[-1].total == 9
    run = in_step({"a": painting(0.8, 50), "b": painting(0.5, 50)})
    next(run)
    with pytest.raises(StopIteration) as end:
        run.send(True)
    assert all(outcome.stopped and outcome.steps <= 2 for outcome in end.value.value.values())


def test_fourier_pictures_are_the_inverse_transform(generator):
    canvas = Fourier((1, 3, 8, 11), generator, spread=1.0)
    values = torch.view_as_complex(canvas.values.detach()).numpy()[0]
    rows, columns = np.fft.fftfreq(8)[:, None], np.fft.rfftfreq(11)[None]
    scale = np.sqrt(88) / np.maximum(np.hypot(rows, columns), 1 / 11) / 4
    plain = np.fft.irfft2(values * scale, s=(8, 11))
    colour = np.array([[0.26, 0.09, 0.02], [0.27, 0.0, -0.05], [0.27, -0.09, 0.03]])
    colour /= np.linalg.norm(colour, axis=0).max()
    expected = 1 / (1 + np.exp(-np.einsum("oc,chw->ohw", colour, plain)))
    np.testing.assert_allclose(canvas.picture().detach().numpy()[0], expected, atol=1e-5)


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_the_ball_is_the_nearest_point(norm, generator):
    centre, far = torch.rand(2, 3, 5, 5, generator=generator), torch.rand(2, 3, 5, 5, generator=generator)
    near = ball(centre, 0.2, norm)(far)
    order = 2 if norm == "l2" else np.inf
    distances = torch.linalg.vector_norm((near - centre).flatten(1), order, dim=1)
    assert float(distances.max()) <= 0.2 + 1e-6
    torch.testing.assert_close(ball(centre, 10.0, norm)(far), far)


def test_blur_is_a_gaussian(generator):
    x = torch.rand(2, 3, 20, 24, generator=generator)
    expected = gaussian_filter(x.numpy(), (0, 0, 1.5, 1.5), mode="nearest", truncate=4.0)
    np.testing.assert_allclose(Blur(1.5)(x, x, 0).numpy(), expected, atol=1e-5)
    assert Blur(1.5, every=4)(x, x, 3) is x


def test_denoising_is_total_variation(generator):
    x = torch.rand(1, 1, 24, 20, generator=generator)
    expected = denoise_tv_chambolle(x[0, 0].numpy(), weight=0.1, eps=0, max_num_iter=300)
    ours = tv_denoise(x, 0.1, 300)[0, 0].numpy()
    assert np.abs(ours - expected).max() < 5e-3
    flat = Denoise(1e6, 200)(x, x, 0)
    assert float(flat.std()) < 0.2 * float(x.std())


def test_decay_and_clips_by_hand():
    x = torch.arange(1.0, 13.0).view(1, 3, 2, 2) / 12
    gradient = torch.ones_like(x)
    gradient[..., 1, 1] = 0.0
    torch.testing.assert_close(Decay(0.25)(x, gradient, 0), 0.75 * x)
    assert ClipSmallPixels(50)(x, gradient, 0)[0, 0].eq(0).tolist() == [[True, True], [False, False]]
    assert ClipSmallContributions(25)(x, gradient, 0)[0, 0].eq(0).tolist() == [[False, False], [False, True]]


def test_transforms(generator):
    x = torch.rand(1, 3, 40, 40, generator=generator)
    torch.testing.assert_close(Warp()(x, generator), x, atol=1e-5, rtol=0)
    rolled = Roll(5)(x, generator)
    assert not torch.equal(rolled, x)
    assert torch.equal(rolled.flatten().sort().values, x.flatten().sort().values)
    assert apply(LUCID, x, generator).shape == (1, 3, 52, 52)


def test_noise_and_grey(generator):
    assert float(noise((1, 3, 64, 64), generator, 0.1).std()) == pytest.approx(0.1, rel=0.05)
    assert grey((1, 3, 2, 2)).unique().tolist() == [0.5]


def test_the_tape_stays_short_and_even():
    tape = Tape(most=8)
    for number in range(100):
        tape.add(np.full((1, 1, 3), number, np.uint8))
    kept = [int(frame[0, 0, 0]) for frame in tape.frames]
    assert len(kept) <= 8
    assert kept[0] == 0
    assert len(set(np.diff(kept))) == 1
    assert kept[-1] >= 80


def test_sheets_that_grow_become_frames_of_one_size():
    grown = [np.full((height, 400, 3), 7, np.uint8) for height in (100, 1600, 800)]
    frames = one_size(grown)
    assert {frame.shape for frame in frames} == {(LONGEST_SIDE, 192, 3)}
    assert (frames[0][:48] == 7).all()
    assert (frames[0][48:] == 255).all()
    assert (frames[1] == 7).all()
    same = [np.zeros((8, 9, 3), np.uint8)] * 2
    assert one_size(same)[0] is same[0]
    assert one_size([]) == ()
