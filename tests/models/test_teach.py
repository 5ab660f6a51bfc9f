"""A teacher for the bundled network: what it says is translated into our classes and kept for training."""

from pathlib import Path

import numpy as np
import pytest
import torch

from viz_core import models
from viz_core.models import teach, train
from viz_core.models.teach import taught_probabilities, teacher_logits

CLASSES = 5


def half_knowing(labels: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """Logits of a teacher of nine classes, sure of order[c] for our class c, but seven pictures in ten only."""
    generator = torch.Generator().manual_seed(0)
    said = order[labels].clone()
    guessed = torch.rand(len(labels), generator=generator) < 0.3
    said[guessed] = torch.randint(9, said[guessed].shape, generator=generator)
    return 4 * torch.nn.functional.one_hot(said, 9).half() + torch.randn(len(labels), 9, generator=generator).half()


def test_the_teacher_is_understood_whatever_the_order_of_its_classes_and_no_surer_than_it_is_right() -> None:
    labels = torch.arange(4000) % CLASSES
    taught = taught_probabilities(half_knowing(labels, torch.tensor([7, 2, 8, 0, 4])), labels, CLASSES, 150).float()
    assert torch.allclose(taught.sum(1), torch.ones(4000), atol=5e-3)
    right = float((taught.argmax(1) == labels).float().mean())
    assert 0.7 < right < 0.85
    assert float(taught.amax(1).mean()) == pytest.approx(right, abs=0.1)


def test_labels_are_not_learnt_by_heart() -> None:
    """A teacher that knows nothing teaches nothing, though there are more numbers in the readout than pictures."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(CLASSES, (400,), generator=generator)
    taught = taught_probabilities(torch.randn(400, 300, generator=generator), labels, CLASSES, 50)
    assert float((taught.argmax(1) == labels).float().mean()) < 0.3


def test_the_teacher_sees_the_pictures_at_its_size() -> None:
    teacher = models.load("random:squeezenet1_1")
    images = torch.randint(256, (3, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    same_size = teacher_logits(teacher, images, 64)
    assert torch.allclose(same_size.float(), teacher(images / 255).float(), rtol=1e-2, atol=1e-2)
    assert not torch.allclose(same_size, teacher_logits(teacher, images, 96))


def decoded(folder: Path, count: int) -> None:
    """Noise under labels of 0 to 199, as training keeps its pictures once they are decoded."""
    folder.mkdir(parents=True)
    noise = np.random.default_rng(0)
    for split in ("train", "val"):
        np.save(folder / f"{split}-images.npy", noise.integers(0, 256, (count, 3, 64, 64), np.uint8))
        np.save(folder / f"{split}-labels.npy", np.linspace(0, 199, count).astype(np.int64))
        np.save(folder / f"{split}-boxes.npy", np.zeros((count, 4), np.int64))


def test_a_teacher_is_asked_and_then_learnt_from(tmp_path, capsys) -> None:
    """Both commands as one types them."""
    decoded(tmp_path / "decoded", 24)
    where = ["--data", str(tmp_path), "--out", str(tmp_path)]
    teach.main(["--network", "random:squeezenet1_1", "--size", "64", *where])
    assert "random:squeezenet1_1" in capsys.readouterr().out
    kept = torch.load(tmp_path / teach.TAUGHT, weights_only=True)
    assert kept["taught"].shape == (24, 200)
    assert (kept["teacher"], kept["size"]) == ("random:squeezenet1_1", 64)
    train.main(["--teacher", str(tmp_path / teach.TAUGHT), "--epochs", "1", "--device", "cpu", *where])
    state = torch.load(tmp_path / "standard" / "checkpoint.pt", weights_only=True)
    assert state["config"]["teacher"] == "random:squeezenet1_1 at 64 px"
    assert state["step"] == 1
