"""Between pictures and the tensors a network sees.

Computed by numpy and Pillow on one thread: torch would wake all of its threads for these small arrays, which costs tens
of milliseconds on a busy computer.
"""

import numpy as np
import torch
from PIL import Image

from viz_core.images.intake import Picture

LONGEST_RATIO = 2  # of the long side to the short one; the rest is cropped


def to_tensor(pixels: np.ndarray) -> torch.Tensor:
    """Pixels (H, W, 3) uint8 as a tensor (1, 3, H, W), float32 in [0, 1], of the same size."""
    return torch.from_numpy(channels_first(pixels)[None])


def channels_first(pixels: np.ndarray) -> np.ndarray:
    """Pixels (H, W, 3) uint8 as an array (3, H, W), float32 in [0, 1]."""
    return np.divide(pixels.transpose(2, 0, 1), np.float32(255), dtype=np.float32, order="C")


def to_input(picture: Picture, size: int) -> torch.Tensor:
    """The whole picture with its short side scaled to `size` pixels: (1, 3, H, W), float32, RGB in [0, 1].

    Bilinear with antialiasing. A picture longer than 2:1 keeps its central part.
    """
    pixels = central(picture.pixels)
    height, width = pixels.shape[:2]
    factor = size / min(height, width)
    scaled = (round(width * factor), round(height * factor))
    channels = [Image.fromarray(channel) for channel in channels_first(pixels)]
    resized = [np.asarray(channel.resize(scaled, Image.Resampling.BILINEAR)) for channel in channels]
    return torch.from_numpy(np.stack(resized)[None].clip(0, 1))


def to_pixels(picture: torch.Tensor | np.ndarray) -> np.ndarray:
    """A picture as a tensor or array (1, 3, H, W) or (3, H, W), RGB in [0, 1], rounded and clipped to pixels (H, W, 3) uint8."""
    tensor = torch.as_tensor(picture).detach()
    chw = tensor.reshape(tensor.shape[-3:]).cpu().numpy()
    levels = np.rint(np.nan_to_num(chw, nan=0.0).clip(0, 1) * np.float32(255)).astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(1, 2, 0))


def central(pixels: np.ndarray) -> np.ndarray:
    """The part of pixels (H, W, 3) that networks see: all of it, or the middle where it is longer than 2:1."""
    longest = LONGEST_RATIO * min(pixels.shape[:2])
    top, left = (max(0, side - longest) // 2 for side in pixels.shape[:2])
    return pixels[top : top + longest, left : left + longest]
