"""Networks for tests: torchvision's own to compare with, and hand-made ones as graphs."""

import torch
import torchvision
from torch import Tensor, nn

from viz_core.models import zoo
from viz_core.models.graph import GraphModel
from viz_core.models.trace import trace


class Normalised(nn.Module):
    """torchvision's own network behind the ImageNet normalisation, as anybody would write it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        mean, std = torch.tensor(zoo.IMAGENET_MEAN), torch.tensor(zoo.IMAGENET_STD)
        return self.network((x - mean[:, None, None]) / std[:, None, None])


def torchvision_network(name: str, seed: int = 0) -> Normalised:
    """The network `random:<name>` should be."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Normalised(torchvision.models.get_model(name, weights=None)).eval()


def graph_of(
    module: nn.Module, size: int = 16, classes: int = 10, mean: tuple = (0, 0, 0), std: tuple = (1, 1, 1)
) -> GraphModel:
    """A module as a graph, without normalisation unless told."""
    return GraphModel(
        "own",
        trace(module),
        class_names=[f"class {i}" for i in range(classes)],
        input_size=size,
        mean=mean,
        std=std,
        device=torch.device("cpu"),
    )
