"""A teacher for the bundled network: its classes are matched with ours, and what it says is kept for training."""

import torch

from viz_core import models
from viz_core.models.teach import matching_classes, taught_probabilities, teacher_logits

CLASSES = 5


def knowing(labels: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """Logits of a teacher of nine classes who is right three times in four; our class c is the teacher's order[c]."""
    generator = torch.Generator().manual_seed(0)
    said = order[labels].clone()
    said[::4] = torch.randint(9, said[::4].shape, generator=generator)
    return 4 * torch.nn.functional.one_hot(said, 9).half() + torch.randn(len(labels), 9, generator=generator).half()


def test_classes_are_matched_whatever_their_order() -> None:
    labels = torch.arange(200) % CLASSES
    order = torch.tensor([7, 2, 8, 0, 4])
    assert torch.equal(matching_classes(knowing(labels, order), labels, CLASSES), order)


def test_what_is_taught_are_probabilities_among_our_classes() -> None:
    labels = torch.arange(200) % CLASSES
    order = torch.tensor([7, 2, 8, 0, 4])
    logits = knowing(labels, order)
    taught = taught_probabilities(logits, labels, CLASSES).float()
    among_ours = logits[:, order].float().exp()
    assert torch.allclose(taught, among_ours / among_ours.sum(1, keepdim=True), atol=1e-3)


def test_the_teacher_sees_the_pictures_at_its_size() -> None:
    teacher = models.load("random:squeezenet1_1")
    images = torch.randint(256, (3, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    same_size = teacher_logits(teacher, images, 64)
    assert torch.allclose(same_size.float(), teacher(images / 255).float(), rtol=1e-2, atol=1e-2)
    assert not torch.allclose(same_size, teacher_logits(teacher, images, 96))
