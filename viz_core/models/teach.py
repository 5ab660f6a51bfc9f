"""What a teacher makes of the training pictures: `python -m viz_core.models.teach --network resnet50 --data DIR --out DIR`.

Training then learns from the teacher's probabilities beside the labels (Hinton, Vinyals & Dean 2015). The teacher may be any
network that `viz_core.models.load` gives whose classes include those of the pictures, in whatever order.
"""

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from viz_core.models.graph import GraphModel
from viz_core.models.load import load
from viz_core.models.tiny_imagenet import load_split

BATCH = 50
TAUGHT = "taught.pt"


@torch.inference_mode()
def teacher_logits(teacher: GraphModel, images: Tensor, size: int) -> Tensor:
    """The teacher's logits, half precision [N, classes], for pictures uint8 [N, 3, H, W] scaled to `size` pixels."""
    parts = []
    for chunk in images.split(BATCH):
        pictures = F.interpolate(chunk.float() / 255, size=(size, size), mode="bicubic", antialias=True).clamp(0, 1)
        parts.append(teacher(pictures.to(teacher.device)).half().cpu())
    return torch.cat(parts)


def matching_classes(logits: Tensor, labels: Tensor, classes: int) -> Tensor:
    """For each of our classes the teacher's, int64 [classes]: the one-to-one choice that explains the labels best.

    logits: [N, teacher's classes]; labels: int64 [N], each class at least once. The teacher's mean probabilities over the
    pictures of a class say how well two classes match; the assignment maximises their sum.
    """
    sums = torch.zeros(classes, logits.shape[1])
    for rows in torch.arange(len(labels)).split(10_000):
        sums.index_add_(0, labels[rows], logits[rows].float().softmax(1))
    means = sums / torch.bincount(labels, minlength=classes)[:, None]
    return torch.from_numpy(linear_sum_assignment(means.numpy(), maximize=True)[1])


def taught_probabilities(logits: Tensor, labels: Tensor, classes: int) -> Tensor:
    """The teacher's probabilities among our classes alone, half precision [N, classes]."""
    return logits[:, matching_classes(logits, labels, classes)].float().softmax(1).half()


def main(arguments: list[str] | None = None) -> None:
    """Ask the teacher about every training picture once, and keep what it says in the output folder."""
    parser = argparse.ArgumentParser(prog="python -m viz_core.models.teach", description=main.__doc__)
    parser.add_argument("--network", required=True, help="any network of Convscope, by name or path")
    parser.add_argument("--data", type=Path, required=True, help="folder of Tiny-ImageNet-200 in parquet files")
    parser.add_argument("--out", type=Path, default=Path("out/train"), help="folder that training uses too")
    parser.add_argument("--size", type=int, default=128, help="side in pixels at which the teacher sees them")
    options = parser.parse_args(arguments)
    train = load_split(options.data, "train", options.out / "decoded")
    logits = teacher_logits(load(options.network), train.images, options.size)
    taught = taught_probabilities(logits, train.labels, int(train.labels.max()) + 1)
    right = float((taught.argmax(1) == train.labels).float().mean())
    torch.save({"taught": taught, "teacher": options.network, "size": options.size}, options.out / TAUGHT)
    print(f"{options.network}: {right:.1%} of {len(taught)} pictures right at {options.size} px")


if __name__ == "__main__":
    main()
