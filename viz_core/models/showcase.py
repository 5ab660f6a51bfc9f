"""Draws what the model card shows of the bundled twins: `python -m viz_core.models.showcase`."""

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from viz_core.models.bundled import ASSETS, BundledBundle, BundledNet, class_names, load_bundled
from viz_core.models.train import normalised

SHOWN = (
    "goldfish",
    "king penguin",
    "lion",
    "monarch butterfly",
    "ladybug",
    "jellyfish",
    "school bus",
    "lighthouse",
    "orange",
    "spider web",
)


def first_layer(net: BundledNet, zoom: int = 6, columns: int = 12) -> Tensor:
    """The filters of the first layer as one picture [3, H, W] in [0, 1]: each around grey, by its own largest weight."""
    kernels = net.conv1.weight.detach()
    tiles = 0.5 + 0.5 * kernels / kernels.abs().amax((1, 2, 3), keepdim=True)
    return grid(tiles.repeat_interleave(zoom, 2).repeat_interleave(zoom, 3), columns, gap=3)


def class_images(net: BundledNet, classes: list[int], size: int = 64, steps: int = 128, reach: int = 4) -> Tensor:
    """Pictures [classes, 3, size, size] in [0, 1] climbed from grey noise up the logit of each class.

    Steps of the same length along the gradient that fall to nothing, after a random roll of up to `reach` pixels: no other
    prior (Simonyan et al. 2013 with the jitter of Mordvintsev et al. 2015).
    """
    generator = torch.Generator().manual_seed(0)
    targets = torch.tensor(classes)
    x = (0.5 + 0.02 * torch.randn(len(classes), 3, size, size, generator=generator)).clamp(0, 1)
    for step in range(steps):
        shift = torch.randint(-reach, reach + 1, (2,), generator=generator).tolist()
        x = x.roll(shift, (2, 3)).requires_grad_(True)
        score = net(normalised(x)).gather(1, targets[:, None]).sum()
        (gradient,) = torch.autograd.grad(score, x)
        length = 0.02 * size * (1 - step / steps)
        x = x.detach() + length * gradient / gradient.flatten(1).norm(dim=1)[:, None, None, None].clamp(min=1e-12)
        x = x.clamp(0, 1).roll([-shift[0], -shift[1]], (2, 3))
    return x


def grid(tiles: Tensor, columns: int, gap: int = 2) -> Tensor:
    """Tiles [N, 3, h, w] side by side on white."""
    count, channels, height, width = tiles.shape
    rows = math.ceil(count / columns)
    sheet = torch.ones(channels, rows * (height + gap) - gap, columns * (width + gap) - gap)
    for number, tile in enumerate(tiles):
        top, left = (number // columns) * (height + gap), (number % columns) * (width + gap)
        sheet[:, top : top + height, left : left + width] = tile
    return sheet


def class_sheet(bundles: list[BundledBundle], tile: int = 96) -> Image.Image:
    """One row of class images for each twin, with the names of classes above and of twins at the left."""
    names = [name.en for name in class_names()]
    rows = [class_images(bundle.module, [names.index(name) for name in SHOWN]) for bundle in bundles]
    pictures = grid(F.interpolate(torch.cat(rows), size=(tile, tile), mode="bilinear"), len(SHOWN))
    left, top = 70, 20
    sheet = Image.new("RGB", (left + pictures.shape[2], top + pictures.shape[1]), "white")
    sheet.paste(to_image(pictures), (left, top))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for column, name in enumerate(SHOWN):
        draw.text((left + column * (tile + 2) + tile / 2, top / 2), name, "black", font, anchor="mm")
    for row, bundle in enumerate(bundles):
        draw.text((4, top + row * (tile + 2) + tile / 2), bundle.card["name"], "black", font, anchor="lm")
    return sheet


def to_image(picture: Tensor) -> Image.Image:
    """A picture [3, H, W] in [0, 1] for Pillow."""
    return Image.fromarray((picture.permute(1, 2, 0) * 255).round().byte().numpy())


def draw_showcase(folder: Path = ASSETS) -> None:
    """Write the first layers and the class images of all twins that are there."""
    bundles = [load_bundled(twin) for twin in ("robust", "standard") if (ASSETS / f"{twin}.safetensors").exists()]
    for bundle in bundles:
        to_image(first_layer(bundle.module)).save(folder / f"first-layer-{bundle.card['name']}.png")
    class_sheet(bundles).save(folder / "class-images.png")


if __name__ == "__main__":
    torch.set_num_threads(2)
    draw_showcase()
