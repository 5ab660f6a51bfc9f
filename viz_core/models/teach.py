"""What a teacher makes of the training pictures: `python -m viz_core.models.teach --network resnet50 --data DIR --out DIR`.

Training then learns from the teacher's probabilities beside the labels (Hinton, Vinyals & Dean 2015). The teacher may be any
network that `viz_core.models.load` gives, whatever its classes.
"""

import argparse
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from viz_core.models.graph import GraphModel
from viz_core.models.load import load
from viz_core.models.tiny_imagenet import load_split

BATCH = 50
FIT_BATCH = 500
TAUGHT = "taught.pt"


@torch.inference_mode()
def teacher_logits(teacher: GraphModel, images: Tensor, size: int) -> Tensor:
    """The teacher's logits, half precision [N, classes], for pictures uint8 [N, 3, H, W] scaled to `size` pixels."""
    parts = []
    for chunk in images.split(BATCH):
        pictures = F.interpolate(chunk.float() / 255, size=(size, size), mode="bicubic", antialias=True).clamp(0, 1)
        parts.append(teacher(pictures.to(teacher.device)).half().cpu())
    return torch.cat(parts)


def taught_probabilities(logits: Tensor, labels: Tensor, classes: int, passes: int = 3) -> Tensor:
    """What the teacher knows of our classes, half precision [N, classes]: a readout of its logits, fitted to the labels.

    logits: [N, teacher's classes]; labels: int64 [N]. The readout translates between the classes and gets used to small
    pictures. Each half of the pictures is told by the readout fitted on the other, which never saw their labels.
    """
    scaled = (logits.float() - logits.float().mean(0)) / logits.float().std()
    taught = torch.empty(len(labels), classes, dtype=torch.half)
    one, other = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0)).chunk(2)
    for seen, told in ((one, other), (other, one)):
        readout = fitted_readout(scaled[seen], labels[seen], classes, passes)
        taught[told] = readout(scaled[told]).detach().softmax(1).half()
    return taught


def fitted_readout(features: Tensor, labels: Tensor, classes: int, passes: int) -> nn.Linear:
    """Multinomial logistic regression on features [N, C], by AdamW with a cosine of the rate."""
    readout = nn.Linear(features.shape[1], classes)
    nn.init.zeros_(readout.weight)
    nn.init.zeros_(readout.bias)
    optimizer = torch.optim.AdamW(readout.parameters(), lr=3e-3)
    steps = passes * math.ceil(len(labels) / FIT_BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    generator = torch.Generator().manual_seed(0)
    for _ in range(passes):
        for rows in torch.randperm(len(labels), generator=generator).split(FIT_BATCH):
            optimizer.zero_grad()
            F.cross_entropy(readout(features[rows]), labels[rows]).backward()
            optimizer.step()
            schedule.step()
    return readout


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
