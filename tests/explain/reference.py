"""What the tests of the explanations share: pictures, and networks as the reference libraries need them."""

import numpy as np
import torch
from torch import Tensor, nn

from tests.models.networks import torchvision_network
from viz_core.images import refs
from viz_core.images.intake import Picture


def noise_picture(height: int = 90, width: int = 72) -> str:
    """A reference to an upload of noise that is not square. No two places are alike, so no max pooling has a tie."""
    return refs.keep_upload(Picture(np.random.default_rng(3).integers(0, 255, (height, width, 3), dtype=np.uint8)))


def reference_network(name: str) -> nn.Module:
    """torchvision's network behind its normalisation, with no operation in place, as captum and grad-cam need it."""
    network = torchvision_network(name)
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    return network


def difference(found: Tensor | np.ndarray, expected: Tensor | np.ndarray) -> float:
    """The largest difference, as a share of the largest expected value, which must not vanish."""
    found, expected = torch.as_tensor(found).detach(), torch.as_tensor(expected).detach()
    assert found.shape == expected.shape
    assert expected.abs().max() > 1e-12
    return float((found - expected).abs().max() / expected.abs().max())
