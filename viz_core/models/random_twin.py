"""The untrained twin: what the architecture sees before it has learnt anything."""

from typing import Any

import torch
from torch import Tensor, nn

from viz_core.models.bundled import BundledNet


@torch.no_grad()
def random_net(seed: int = 0, **architecture: Any) -> BundledNet:
    """Weights from a seed, every convolution scaled to variance 1 and mean 0 on noise with the spectrum of pictures.

    Layer-sequential unit variance, Mishkin & Matas 2016.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.device("meta"):
        net = BundledNet(**architecture)
    net = net.to_empty(device="cpu").eval()
    x = _pink_noise(4, 64, generator)
    for layer in net.children():
        for part in layer if isinstance(layer, nn.Sequential) else (layer,):
            if isinstance(part, nn.Conv2d | nn.Linear):
                assert part.bias is not None
                nn.init.kaiming_normal_(part.weight, generator=generator)
                part.bias.zero_()
                y = part(x)
                scale = 1 / y.std()
                part.weight.mul_(scale)
                part.bias.sub_(y.mean() * scale)
            x = part(x)
    return net


def _pink_noise(count: int, size: int, generator: torch.Generator) -> Tensor:
    """Noise [count, 3, size, size] of mean 0 and variance 1 whose amplitudes fall as 1/frequency, as in photographs."""
    rows, columns = torch.fft.fftfreq(size), torch.fft.rfftfreq(size)
    frequency = (rows[:, None] ** 2 + columns[None] ** 2).sqrt().clamp(min=1 / size)
    spectrum = torch.fft.rfft2(torch.randn(count, 3, size, size, generator=generator)) / frequency
    noise = torch.fft.irfft2(spectrum, s=(size, size))
    noise -= noise.mean()
    return noise / noise.std()
