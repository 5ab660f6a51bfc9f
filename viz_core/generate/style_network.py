"""A small network that paints a picture in a learnt style in one pass: Johnson, Alahi & Fei-Fei 2016.

Several styles share all its convolutions; each has a scale and a shift of its own after every normalisation (conditional
instance normalisation, Dumoulin, Shlens & Kudlur 2017), and these can be mixed.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import instance_norm, interpolate, pad

KEPT = 0.1  # of the picture, before training: more holds its own colours fast
FAINT = 0.02  # standard deviation of the last layer's weights before training
WHITEST = 0.01  # how near to black and white a picture may come before its logit is taken


class ConditionalNorm(nn.Module):
    """Instance normalisation whose scale and shift (styles, C) belong to the style."""

    def __init__(self, styles: int, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(styles, channels))
        self.shift = nn.Parameter(torch.zeros(styles, channels))

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        """x: (N, C, H, W); mix: (N, styles), how much of each style."""
        scale, shift = (mix @ self.scale)[..., None, None], (mix @ self.shift)[..., None, None]
        return instance_norm(x) * scale + shift


class ConvNorm(nn.Module):
    """Convolution on a mirrored border, then the style's normalisation; before it, enlargement by repeating pixels."""

    def __init__(self, styles: int, inputs: int, outputs: int, kernel: int, stride: int = 1, enlarge: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, bias=False)
        self.norm = ConditionalNorm(styles, outputs)
        self.border, self.enlarge = kernel // 2, enlarge

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        if self.enlarge > 1:
            x = interpolate(x, scale_factor=self.enlarge, mode="nearest")
        return self.norm(self.conv(mirrored(x, self.border)), mix)


class Residual(nn.Module):
    """Two convolutions whose outcome is added to what came in."""

    def __init__(self, styles: int, channels: int) -> None:
        super().__init__()
        self.first = ConvNorm(styles, channels, channels, 3)
        self.second = ConvNorm(styles, channels, channels, 3)

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        return x + self.second(self.first(x, mix).relu(), mix)


class StyleNetwork(nn.Module):
    """Pictures (N, 3, H, W) in [0, 1] and a mix of styles (N, styles) to pictures of the same size in [0, 1].

    Down to a quarter of the size, some residual blocks, and up again. What comes out is added to the picture before the
    last sigmoid, with a weight that each style learns (`keep`): an untrained network gives a very pale picture back.
    """

    def __init__(self, styles: int = 1, width: int = 16, blocks: int = 5) -> None:
        super().__init__()
        self.architecture = {"styles": styles, "width": width, "blocks": blocks}
        self.down = nn.ModuleList(
            [
                ConvNorm(styles, 3, width, 9),
                ConvNorm(styles, width, 2 * width, 3, stride=2),
                ConvNorm(styles, 2 * width, 4 * width, 3, stride=2),
            ]
        )
        self.blocks = nn.ModuleList(Residual(styles, 4 * width) for _ in range(blocks))
        self.up = nn.ModuleList(
            [ConvNorm(styles, 4 * width, 2 * width, 3, enlarge=2), ConvNorm(styles, 2 * width, width, 3, enlarge=2)]
        )
        self.paint = nn.Conv2d(width, 3, 9)
        assert self.paint.bias is not None
        nn.init.normal_(self.paint.weight, std=FAINT)
        nn.init.zeros_(self.paint.bias)
        self.keep = nn.Parameter(torch.full((styles, 1), KEPT))

    @property
    def styles(self) -> int:
        """How many styles the network has learnt."""
        return self.architecture["styles"]

    def forward(self, x: Tensor, mix: Tensor | None = None) -> Tensor:
        """Without a mix the first style."""
        mix = one_style(0, self.styles, x) if mix is None else mix
        height, width = x.shape[-2:]
        h = pad(x, (0, -width % 4, 0, -height % 4), mode="replicate")
        for layer in self.down:
            h = layer(h, mix).relu()
        for block in self.blocks:
            h = block(h, mix)
        for layer in self.up:
            h = layer(h, mix).relu()
        painted = self.paint(mirrored(h, 4))[:, :, :height, :width]
        return torch.sigmoid(painted + (mix @ self.keep)[..., None, None] * x.clamp(WHITEST, 1 - WHITEST).logit())


def mirrored(x: Tensor, border: int) -> Tensor:
    """The maps with a mirrored border, which looks less like a frame than zeros do."""
    return pad(x, (border,) * 4, mode="reflect")


def one_style(index: int, styles: int, x: Tensor) -> Tensor:
    """The mix that is one style alone, for every picture of a batch: (N, styles)."""
    return torch.eye(styles, device=x.device)[index].expand(len(x), -1)
