"""Attacks against foolbox, HOG against scikit-image, the linear classifier by hand, and what is promised of 8 bits."""

import foolbox
import numpy as np
import pytest
import torch
from skimage.feature import hog as skimage_hog
from torch import nn

from viz_core import models
from viz_core.__main__ import main
from viz_core.errors import ConvscopeError
from viz_core.generate.deepfool import deepfool
from viz_core.generate.fooling import LEVELS, STRENGTHS, Fooling
from viz_core.generate.hog import hog
from viz_core.generate.linear import example, nudge
from viz_core.generate.probe import along, as_shown, crop_probabilities, opinion
from viz_core.images.samples import sample
from viz_core.images.tensor import to_input, to_pixels
from viz_core.technique import finish

QUICK = {"model": "bundled-random", "size": 48}
LEARNT = {"model": "bundled", "size": 64}


@pytest.fixture(scope="module")
def network():
    return models.load("bundled-random")


class _Wrapped(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x)


def theirs(network, attack, x: torch.Tensor, criterion, epsilon: float | None) -> torch.Tensor:
    model = foolbox.PyTorchModel(_Wrapped(network).eval(), bounds=(0, 1), device="cpu")
    return attack(model, x, criterion, epsilons=epsilon)[1]


def unrounded(technique: Fooling) -> torch.Tensor:
    """The picture an attack ends at, before it is rounded to 8 bits."""
    network, x = technique.network(), technique.beginning()
    towards, goal = technique.goal(network, network.target_index(None, x))
    painting = technique.painting(network, x, goal, towards, None)
    while True:
        try:
            next(painting)
        except StopIteration as end:
            return end.value.last


def criterion(technique: Fooling):
    network, x = technique.network(), technique.beginning()
    towards, goal = technique.goal(network, network.target_index(None, x))
    kind = foolbox.criteria.TargetedMisclassification if towards else foolbox.criteria.Misclassification
    return kind(torch.tensor([goal]))


@pytest.mark.parametrize("aim", ["away", "towards"])
def test_fgsm_equals_foolbox(aim, network):
    ours = Fooling(**QUICK, attack="fgsm", aim=aim, target=7, epsilon=8)
    attack = foolbox.attacks.LinfPGD(rel_stepsize=1.0, steps=1, random_start=False)  # its FGSM knows no targets
    expected = theirs(network, attack, ours.beginning(), criterion(ours), 8 / LEVELS)
    assert float((unrounded(ours) - expected).abs().max()) < 1e-6


@pytest.mark.parametrize("aim", ["away", "towards"])
def test_pgd_in_the_largest_change_equals_foolbox(aim, network):
    ours = Fooling(**QUICK, attack="pgd", norm="linf", aim=aim, target=7, epsilon=8, steps=10)
    attack = foolbox.attacks.LinfPGD(rel_stepsize=0.25, steps=10, random_start=False)
    expected = theirs(network, attack, ours.beginning(), criterion(ours), 8 / LEVELS)
    assert float((unrounded(ours) - expected).abs().max()) < 1e-6


@pytest.mark.parametrize("aim", ["away", "towards"])
def test_pgd_in_length_equals_foolbox(aim, network):
    ours = Fooling(**QUICK, attack="pgd", norm="l2", aim=aim, target=7, epsilon=2, steps=5)
    x = ours.beginning()
    attack = foolbox.attacks.L2PGD(rel_stepsize=0.5, steps=5, random_start=False)
    expected = theirs(network, attack, x, criterion(ours), ours.radius(x))
    assert float((unrounded(ours) - expected).abs().max()) < 1e-6


def test_deepfool_equals_foolbox(network):
    x = as_shown(to_input(sample("coffee"), 48))
    attack = foolbox.attacks.L2DeepFoolAttack(steps=20, candidates=10, overshoot=0.02, loss="logits")
    label = torch.tensor([network.target_index(None, x)])
    expected = theirs(network, attack, x, foolbox.criteria.Misclassification(label), None)
    *_, last = deepfool(network, x, steps=20)
    assert last.fooled
    assert float((last.picture - expected).abs().max()) < 1e-6


@pytest.mark.parametrize("attack", ["gradient", "fgsm", "pgd", "deepfool"])
def test_what_is_shown_is_the_picture_that_fools(attack):
    technique = Fooling(
        **LEARNT,
        attack=attack,
        aim="towards" if attack == "gradient" else "away",
        confidence=0.0,
        steps=40,
        epsilon=16.0,  # one step of FGSM need not fool within less
    )
    result = finish(technique.run())
    network = technique.network()
    pixels = result.pictures["image"]
    probabilities = network.probabilities(torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()) / 255)[0]
    assert result.scores["fooled"] == "True"
    assert int(probabilities.argmax()) == result.scores["sees"] != result.scores["seen"]
    np.testing.assert_allclose(float(probabilities.max()), result.scores["probability_after"], rtol=1e-4)
    np.testing.assert_array_equal(to_pixels(torch.from_numpy(result.arrays["image"])), pixels)


def test_stronger_attacks_leave_less_of_the_class():
    result = finish(Fooling(model="bundled", size=32, attack="strength").run())
    rows = result.tables["strength"]
    assert [row["network"] for row in rows] == [twin for twin in ("bundled", "bundled-robust") for _ in STRENGTHS]
    for twin in ("bundled", "bundled-robust"):
        own = [row for row in rows if row["network"] == twin]
        assert not own[0]["fooled"]
        assert own[0]["left"] == 1
        assert own[-1]["left"] < 1
        assert own[-1]["left"] == pytest.approx(own[-1]["probability"] / own[0]["probability"])
        before = result.pictures[f"{twin} 0"].astype(int)
        for row in own:
            assert np.abs(result.pictures[f"{twin} {row['epsilon']:g}"] - before).max() <= np.ceil(row["epsilon"])


def test_from_noise_until_sure():
    technique = Fooling(**LEARNT, attack="gradient", start="noise", target=145, confidence=0.9, step=2, steps=100)
    result = finish(technique.run())
    assert result.scores["goal_after"] >= 0.9
    assert result.scores["steps"] < 100


def test_no_change_for_an_epsilon_of_nothing():
    result = finish(Fooling(**QUICK, attack="pgd", epsilon=0, steps=2).run())
    assert result.scores["linf"] == 0.0
    assert result.scores["fooled"] == "False"


def test_a_class_that_is_seen_already_is_refused(network):
    technique = Fooling(**QUICK)
    seen = network.target_index(None, technique.beginning())
    with pytest.raises(ConvscopeError, match="already"):
        finish(Fooling(**QUICK, target=seen).run())


def test_one_pixel_changes_one_pixel():
    result = finish(Fooling(**QUICK, attack="pixel", aim="away", steps=2).run())
    changed = (result.pictures["image"] != result.pictures["before"]).any(-1)
    assert changed.sum() == 1


@pytest.mark.parametrize("name", ["chelsea", "coffee"])
def test_hog_equals_scikit_image(name):
    x = to_input(sample(name), 64).double()
    picture = x[0].permute(1, 2, 0).numpy()
    expected = skimage_hog(
        picture, pixels_per_cell=(8, 8), cells_per_block=(2, 2), channel_axis=-1, feature_vector=False
    )
    assert np.abs(hog(x)[0].numpy() - expected).max() < 2e-3


def test_hog_features_collide_while_the_pictures_stay_apart():
    result = finish(Fooling(**QUICK, attack="hog", steps=80).run())
    assert result.scores["hog_distance_after"] < 0.6 * result.scores["hog_distance_before"]
    assert result.scores["mean_change"] < 0.5 * result.scores["picture_distance"]


def test_the_linear_classifier_by_hand():
    x, w = example(10)
    assert w @ x == -3
    nudged = nudge(x, w, 0.5)
    assert nudged.score_after == pytest.approx(-3 + 0.5 * 10)
    assert nudged.probability_before == pytest.approx(1 / (1 + np.exp(3)))
    assert nudged.probability_after == pytest.approx(1 / (1 + np.exp(-2)))
    assert nudge(*example(1000), 0.01).score_after == pytest.approx(7)


def test_the_line_passes_through_the_picture(network):
    x = as_shown(to_input(sample("coffee"), 48))
    line = along(network, x, torch.ones_like(x), torch.tensor([-8 / 255, 0.0, 8 / 255]))
    torch.testing.assert_close(line.logits[1:2], network(x), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(line.logits[0], line.logits[2])


def test_crops_and_other_networks_are_asked(network):
    x = to_input(sample("coffee"), 48)
    whole = crop_probabilities(network, x, 3, torch.Generator().manual_seed(0), share=(1.0, 1.0))
    torch.testing.assert_close(whole, network.probabilities(x).expand(3, -1), rtol=1e-3, atol=1e-6)
    other = opinion(models.load("random:squeezenet1_1"), x, x)
    assert not other.changed
    assert other.before_probability == pytest.approx(other.after_probability)


def test_the_command_line_and_its_replay_give_the_same_bytes(tmp_path):
    given = ["--model", "bundled-random", "--size", "48", "--attack", "fgsm", "--aim", "away"]
    assert main(["fooling", *given, "--out", str(tmp_path / "a")]) == 0
    assert main(["replay", str(tmp_path / "a" / "image.png"), "--out", str(tmp_path / "b")]) == 0
    assert (tmp_path / "a" / "image.png").read_bytes() == (tmp_path / "b" / "image.png").read_bytes()
