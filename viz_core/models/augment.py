"""Random views of a batch of pictures, drawn with a few tensor operations for the whole batch at once."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)
GREY = 0.45  # about the mean of the pictures
MARGIN = 4  # pixels by which a view that keeps the pixels may leave the picture


def random_views(
    images: Tensor,
    size: int,
    generator: torch.Generator,
    area: tuple[float, float],
    colour: float,
    erased: float = 0.0,
    kept: float = 0.0,
) -> Tensor:
    """A flipped, cropped, rescaled and tinted view [B, 3, size, size] in [0, 1] of each picture uint8 [B, 3, H, W].

    `area` bounds the share of the picture that is cropped (Szegedy et al. 2015); `colour` is the largest relative
    change of brightness, contrast and saturation; `erased` is the share of the views that lose pixels, up to half of
    them, to grey; `kept` is the share that is cut out pixel by pixel, as sharp as the picture, where it is large enough.
    The generator lives on the CPU: every device sees the same views.
    """
    pixels = images.float() / 255
    crops = _crops(len(images), generator, area)
    if kept and size <= images.shape[-1]:
        crops = _keep(crops, generator, kept, size, images.shape[-1])
    grid = F.affine_grid(crops.to(images.device), [len(images), 3, size, size], False)
    # enlarged views are as sharp as enlarged photographs
    mode = "bicubic" if size > images.shape[-1] else "bilinear"
    views = F.grid_sample(pixels, grid, mode=mode, padding_mode="reflection", align_corners=False)
    views = _tint(views, generator, colour).clamp_(0, 1)
    return _erase(views, generator, erased) if erased else views


def _crops(count: int, generator: torch.Generator, area: tuple[float, float]) -> Tensor:
    """Affine maps [B, 2, 3] from a view to a crop of random area, aspect (3/4 to 4/3), place and direction."""
    draw = torch.rand(5, count, generator=generator)
    side = (area[0] + (area[1] - area[0]) * draw[0]).sqrt()
    stretch = torch.exp((draw[1] - 0.5) * math.log(4 / 3))
    half = torch.stack([side * stretch, side / stretch], 1).clamp(max=1)
    centre = (1 - half) * (2 * draw[2:4].T - 1)
    flip = torch.where(draw[4] < 0.5, -1.0, 1.0)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1], theta[:, :, 2] = half[:, 0] * flip, half[:, 1], centre
    return theta


def _keep(crops: Tensor, generator: torch.Generator, kept: float, size: int, side: int) -> Tensor:
    """The same crops, but this share of them `size` whole pixels wide and at whole pixels, flipped as before."""
    count = len(crops)
    chosen = torch.rand(count, 1, 1, generator=generator) < kept
    left_top = torch.randint(-MARGIN, side - size + MARGIN + 1, (count, 2), generator=generator)
    half = size / side
    whole = torch.zeros_like(crops)
    whole[:, 0, 0], whole[:, 1, 1] = half * crops[:, 0, 0].sign(), half
    whole[:, :, 2] = 2 * left_top / side - 1 + half
    return torch.where(chosen, whole, crops)


def _tint(views: Tensor, generator: torch.Generator, colour: float) -> Tensor:
    """Brightness, contrast and saturation, each times 1 +- colour."""
    factors = 1 + colour * (2 * torch.rand(3, len(views), 1, 1, 1, generator=generator) - 1)
    brightness, contrast, saturation = factors.to(views.device)
    luma = torch.tensor(LUMA, device=views.device)[:, None, None]
    views = views * brightness
    views = torch.lerp(views.mean((1, 2, 3), keepdim=True), views, contrast)
    return torch.lerp((views * luma).sum(1, keepdim=True), views, saturation)


def _erase(views: Tensor, generator: torch.Generator, erased: float) -> Tensor:
    """Grey in place of pixels here and there, so that a picture with holes is nothing new to the network."""
    count, _, height, width = views.shape
    chosen = torch.rand(count, generator=generator) < erased
    lost = (0.5 * torch.rand(count, generator=generator) * chosen)[:, None, None, None]
    holes = torch.rand(count, 1, height, width, generator=generator) < lost
    return views.masked_fill(holes.to(views.device), GREY)
