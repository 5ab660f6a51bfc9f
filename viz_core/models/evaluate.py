"""Measures a shipped twin and writes the numbers into its card: `python -m viz_core.models.evaluate --twin standard`."""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from viz_core.models.bundled import ASSETS, BundledNet, class_names, load_bundled
from viz_core.models.card import write_readme
from viz_core.models.export import write_card
from viz_core.models.pgd import l2_pgd
from viz_core.models.precision import laid_out, mixed_precision, placed
from viz_core.models.tiny_imagenet import SIDE, Labelled, load_split
from viz_core.models.train import accuracy, normalised, predictions

RADIUS = 0.5
PGD_STEPS = 20
PHOTO_SIDES = (64, 96, 128, 160)


def robust_accuracy(net: nn.Module, val: Labelled, count: int, radius: float = RADIUS, batch: int = 100) -> float:
    """The share of the first `count` pictures, at 64 px, still named rightly after an L2 attack of 20 steps."""
    device, right = val.labels.device, 0
    generator = torch.Generator().manual_seed(0)

    def logits(pictures: Tensor) -> Tensor:
        with mixed_precision(device):
            return net(laid_out(normalised(pictures))).float()

    for images, labels in zip(val.images[:count].split(batch), val.labels[:count].split(batch), strict=True):
        attacked = l2_pgd(logits, images.float() / 255, labels, radius, PGD_STEPS, generator)
        right += int((logits(attacked).argmax(1) == labels).sum())
    return right / len(val.labels[:count])


def calibration_error(logits: Tensor, labels: Tensor, bins: int = 15) -> float:
    """Expected calibration error, 0 to 1: how far confidence is from accuracy, over bins of confidence (Guo et al. 2017)."""
    confidence, choice = logits.softmax(1).max(1)
    right = (choice == labels).float()
    place = (confidence * bins).long().clamp(max=bins - 1)
    gaps = [abs(float((right - confidence)[place == bin].sum())) for bin in range(bins)]
    return sum(gaps) / len(labels)


@torch.no_grad()
def pointing_accuracy(net: BundledNet, val: Labelled, count: int, size: int = SIDE, batch: int = 250) -> float:
    """The share of pictures whose class activation map of the true class peaks inside the object's box.

    The pointing game of Zhang et al. 2016 on the maps of Zhou et al. 2016, the maps scaled bilinearly to 64 px.
    """
    hits = 0
    for start in range(0, min(count, len(val)), batch):
        rows = slice(start, min(start + batch, count))
        pictures = val.images[rows].float() / 255
        maps = class_maps(net, F.interpolate(pictures, size=(size, size), mode="bilinear"), val.labels[rows])
        peak = F.interpolate(maps[:, None], size=(SIDE, SIDE), mode="bilinear").flatten(1).argmax(1)
        y, x = peak // SIDE, peak % SIDE
        x0, y0, x1, y1 = val.boxes[rows].T
        hits += int(((x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)).sum())
    return hits / min(count, len(val))


def class_maps(net: BundledNet, pictures: Tensor, labels: Tensor) -> Tensor:
    """The exact class activation maps [B, h, w] of the labels: the head applied before the averaging."""
    x = normalised(pictures)
    for name, layer in net.named_children():
        if name == "pool":
            break
        x = layer(x)
    return torch.einsum("bchw,bc->bhw", x, net.fc.weight[labels])


@torch.no_grad()
def filter_census(net: BundledNet) -> dict[str, int]:
    """How many first-layer filters are dead (norm under a tenth of the median) or noisy (most of the energy too fine).

    Noisy: over half the energy of the filter's spectrum above half the Nyquist frequency.
    """
    kernels = net.conv1.weight
    norms = kernels.flatten(1).norm(dim=1)
    energy = torch.fft.fft2(kernels, s=(32, 32)).abs().square().sum(1)
    frequency = torch.fft.fftfreq(32)
    fine = (frequency[:, None] ** 2 + frequency[None] ** 2).sqrt() > 0.25
    share = energy[:, fine].sum(1) / energy.sum((1, 2))
    dead = norms < 0.1 * norms.median()
    return {"filters": len(kernels), "dead": int(dead.sum()), "noisy": int((~dead & (share > 0.5)).sum())}


def chance_of_pointing(val: Labelled, count: int) -> float:
    """What the pointing game gives for a point drawn evenly: the mean share of the picture that the box covers."""
    x0, y0, x1, y1 = val.boxes[:count].T.float()
    return float(((x1 - x0 + 1) * (y1 - y0 + 1)).mean()) / SIDE**2


@torch.no_grad()
def photographs(net: BundledNet, folder: Path) -> dict[str, Any]:
    """How many photographs `<wnid>_<name>.jpg` of known classes are right in the top 5, whole, by short side in pixels."""
    known = {name.wnid: row for row, name in enumerate(class_names())}
    paths = [path for path in sorted(folder.glob("*.jpg")) if path.name.split("_")[0] in known]
    right: dict[str, int] = {}
    for side in PHOTO_SIDES:
        tops = [net(normalised(photograph(path, side))).topk(5).indices[0] for path in paths]
        right[f"{side}px"] = sum(known[path.name.split("_")[0]] in top for path, top in zip(paths, tops, strict=True))
    return {"count": len(paths), "right_in_top5": right}


def photograph(path: Path, side: int) -> Tensor:
    """A photograph [1, 3, H, W] in [0, 1], scaled to this short side."""
    picture = Image.open(path).convert("RGB")
    scale = side / min(picture.size)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1)[None].float() / 255


def measure(net: BundledNet, val: Labelled, count: int, attacked: int) -> dict[str, Any]:
    """All numbers of the model card: on the first `count` validation pictures, the attack on the first `attacked`."""
    logits = torch.cat(list(predictions(net, val.images[:count])))
    results: dict[str, Any] = {"pictures": count, "attacked_pictures": attacked, "attack_radius_l2": RADIUS}
    for size in (SIDE, 2 * SIDE):
        top1, top5 = accuracy(net, val.images, val.labels, count, size)
        results |= {f"top1_{size}px": round(top1, 4), f"top5_{size}px": round(top5, 4)}
    results["pgd20_top1_64px"] = round(robust_accuracy(net, val, attacked), 4)
    results["calibration_error_64px"] = round(calibration_error(logits, val.labels[:count]), 4)
    results["cam_pointing_64px"] = round(pointing_accuracy(net, val, count), 4)
    results["cam_pointing_128px"] = round(pointing_accuracy(net, val, count, 2 * SIDE), 4)
    results["cam_pointing_chance"] = round(chance_of_pointing(val, count), 4)
    results["first_layer"] = filter_census(net)
    return results


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, measure the twin and write its card."""
    parser = argparse.ArgumentParser(prog="python -m viz_core.models.evaluate", description=main.__doc__)
    parser.add_argument("--twin", choices=("standard", "robust"), required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder of Tiny-ImageNet-200 in parquet files")
    parser.add_argument("--cache", type=Path, default=Path("out/train/decoded"), help="folder for the decoded pictures")
    parser.add_argument("--count", type=int, default=10_000, help="how many validation pictures")
    parser.add_argument("--attacked", type=int, default=1000, help="how many of them are attacked")
    parser.add_argument("--photos", type=Path, help="folder of photographs <wnid>_<name>.jpg to be named as well")
    options = parser.parse_args(arguments)
    torch.set_num_threads(2)
    bundle = load_bundled(options.twin)
    net = placed(bundle.module, torch.device("cpu"))
    val = load_split(options.data, "val", options.cache)
    results = measure(net, val, options.count, options.attacked)
    if options.photos:
        results["photographs"] = photographs(net, options.photos)
    print(json.dumps(results, indent=2))
    write_card(bundle.card | {"results": results}, ASSETS / f"{options.twin}.json")
    write_readme()


if __name__ == "__main__":
    main()
