"""Vision transformers (Dosovitskiy et al., 2021) for pictures of any size: the embedding of positions is stretched to the grid."""

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F
from torchvision.models import VisionTransformer


def with_positions(tokens: Tensor, positions: Tensor, maps: Tensor) -> Tensor:
    """Tokens (N, 1 + h * w, C) of maps (N, C, h, w), told where they are; positions: (1, 1 + side * side, C).

    On another grid than the one they were learnt on, positions are scaled bicubically, as Dosovitskiy et al. do.
    """
    height, width = maps.shape[-2:]
    side = round((positions.shape[1] - 1) ** 0.5)
    if (height, width) == (side, side):
        return tokens + positions
    grid = positions[:, 1:].transpose(1, 2).unflatten(2, (side, side))
    stretched = F.interpolate(grid, (height, width), mode="bicubic", align_corners=False)
    return tokens + torch.cat([positions[:, :1], stretched.flatten(2).transpose(1, 2)], dim=1)


fx.wrap("with_positions")


class AnySizeTransformer(nn.Module):
    """torchvision's vision transformer with its modules and weights, names included, for sides of at least a patch."""

    def __init__(self, network: VisionTransformer) -> None:
        super().__init__()
        self.class_token, self.conv_proj = network.class_token, network.conv_proj
        self.encoder, self.heads = network.encoder, network.heads

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes) of normalised pictures (N, 3, H, W)."""
        maps = self.conv_proj(x)
        patches = maps.flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(patches.shape[0], -1, -1), patches], dim=1)
        encoder = self.encoder
        tokens = encoder.dropout(with_positions(tokens, encoder.pos_embedding, maps))
        return self.heads(encoder.ln(encoder.layers(tokens))[:, 0])


def any_size(network: nn.Module) -> nn.Module:
    """A vision transformer for pictures of any size; every other network as it is."""
    return AnySizeTransformer(network) if isinstance(network, VisionTransformer) else network
