"""Between pictures and the tensors a network sees."""

import numpy as np
import torch
from torch.nn.functional import interpolate

from viz_core.images.intake import Picture

LONGEST_RATIO = 2  # of the long side to the short one; the rest is cropped


def to_tensor(pixels: np.ndarray) -> torch.Tensor:
    """Pixels (H, W, 3) uint8 as a tensor (1, 3, H, W), float32 in [0, 1], of the same size."""
    channels_first = np.ascontiguousarray(pixels.transpose(2, 0, 1))
    return torch.from_numpy(channels_first)[None].to(torch.float32) / 255


def to_input(picture: Picture, size: int) -> torch.Tensor:
    """The whole picture with its short side scaled to `size` pixels: (1, 3, H, W), float32, RGB in [0, 1].

    Bilinear with antialiasing. A picture longer than 2:1 keeps its central part.
    """
    pixels = _central(picture.pixels)
    height, width = pixels.shape[:2]
    factor = size / min(height, width)
    scaled = (round(height * factor), round(width * factor))
    return interpolate(to_tensor(pixels), scaled, mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)


def to_pixels(tensor: torch.Tensor) -> np.ndarray:
    """A picture tensor (1, 3, H, W) or (3, H, W), RGB in [0, 1], rounded and clipped to pixels (H, W, 3) uint8."""
    chw = tensor.detach().reshape(tensor.shape[-3:]).to("cpu", torch.float32)
    levels = torch.nan_to_num(chw, nan=0.0).clamp(0, 1).mul(255).round().to(torch.uint8)
    return np.ascontiguousarray(levels.permute(1, 2, 0).numpy())


def _central(pixels: np.ndarray) -> np.ndarray:
    longest = LONGEST_RATIO * min(pixels.shape[:2])
    top, left = (max(0, side - longest) // 2 for side in pixels.shape[:2])
    return pixels[top : top + longest, left : left + longest]
