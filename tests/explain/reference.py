"""What the tests of the explanations share: pictures, and networks as the reference libraries need them."""

import numpy as np
import torch
from torch import Tensor, nn

from tests.models.networks import torchvision_network
from viz_core.images import refs
from viz_core.images.intake import Picture
from viz_core.models import zoo
from viz_core.models.graph import GraphModel
from viz_core.models.trace import trace


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


def kaiming_network(name: str) -> tuple[nn.Module, GraphModel]:
    """torchvision's network with weights under which no signal dies, as a module behind its normalisation and as a graph.

    With torchvision's own random weights the answers of some networks hardly depend on the picture, and any comparison of
    answers would be satisfied.
    """
    wrapped = reference_network(name)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(1)
        for module in wrapped.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.normal_(module.bias, std=0.1)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, std=0.1)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
                nn.init.normal_(module.running_mean, std=0.1)
        last = [module for module in wrapped.modules() if isinstance(module, nn.Conv2d | nn.Linear)][-1]
        last.weight *= 0.1
    entry = zoo.find(name)
    graph = GraphModel(
        name,
        trace(wrapped.network),
        class_names=entry.class_names,
        input_size=entry.input_size,
        mean=entry.mean,
        std=entry.std,
        device=torch.device("cpu"),
    )
    return wrapped, graph


class Answer(nn.Module):
    """The probabilities of a graph model, for captum."""

    def __init__(self, network: GraphModel) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network.probabilities(x)


def plain_logits(
    network: GraphModel, x: Tensor, filling: Tensor, tops: list[int], lefts: list[int], patch: int
) -> Tensor:
    """Logits (N, classes) of the picture under patches, by forward passes of whole pictures."""
    covered = x.repeat(len(tops), 1, 1, 1)
    for picture, top, left in zip(covered, tops, lefts, strict=True):
        window = (slice(None), slice(top, top + patch), slice(left, left + patch))
        picture[window] = filling[0][window]
    with torch.inference_mode():
        return network(covered)
