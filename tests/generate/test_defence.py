"""Adversarial training: the attack is foolbox's, and training against it holds where plain training falls."""

import foolbox
import numpy as np
import pytest
import torch

from viz_core.generate.defence import Defence, Digits, digits, loss_gradient, pgd, small_network
from viz_core.technique import finish

QUICK = {"model": "bundled-random"}


def test_the_attack_equals_foolboxs():
    train, _ = digits(torch.Generator().manual_seed(0))
    batch = Digits(train.pictures[:16], train.labels[:16])
    network = small_network(0).eval()
    model = foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")
    attack = foolbox.attacks.LinfPGD(rel_stepsize=0.5, steps=5, random_start=False)
    expected = attack(model, batch.pictures, batch.labels, epsilons=0.1)[1]
    assert float((pgd(network, batch, 0.1, 5) - expected).abs().max()) < 1e-6


def test_gradients_agree_with_finite_differences():
    train, _ = digits(torch.Generator().manual_seed(0))
    batch = Digits(train.pictures[:1].double(), train.labels[:1])
    network = small_network(0).double()
    slope = loss_gradient(network, batch)
    nudge = torch.zeros_like(batch.pictures)
    nudge[0, 0, 3, 4] = 1e-5
    with torch.no_grad():
        ends = [
            torch.nn.functional.cross_entropy(network(batch.pictures + sign * nudge), batch.labels) for sign in (1, -1)
        ]
    np.testing.assert_allclose(float(ends[0] - ends[1]) / 2e-5, float(slope[0, 0, 3, 4]), rtol=1e-4)


def test_random_starts_stay_in_the_cube():
    train, _ = digits(torch.Generator().manual_seed(0))
    batch = Digits(train.pictures[:8], train.labels[:8])
    attacked = pgd(small_network(0), batch, 0.1, 2, torch.Generator().manual_seed(0))
    assert float((attacked - batch.pictures).abs().max()) <= 0.1 + 1e-6
    assert float(attacked.min()) >= 0
    assert float(attacked.max()) <= 1


def test_training_against_attacks_holds_where_plain_training_falls():
    result = finish(Defence(**QUICK, steps=120).run())
    assert result.scores["plain_clean"] > 0.85
    assert result.scores["defended_attacked"] > result.scores["plain_attacked"] + 0.25
    falling = [row["plain"] for row in result.tables["strength"]]
    assert falling == sorted(falling, reverse=True)
    assert len(result.arrays["steps"]) == len(result.arrays["curve: plain_clean"])


def test_the_same_seed_gives_the_same_networks_and_stop_ends_early():
    first, second = (finish(Defence(**QUICK, steps=10).run()) for _ in range(2))
    np.testing.assert_array_equal(first.pictures["gradients"], second.pictures["gradients"])
    run = Defence(**QUICK, steps=100).run()
    next(run)
    with pytest.raises(StopIteration) as end:
        run.send(True)
    assert end.value.value.scores["steps"] == 1
