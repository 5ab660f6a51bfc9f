"""Planted cue: pictures in which we know what tells the classes apart, and a small network that learns it while one waits.

Each picture is a soft coloured ground with a large disc and three small marks. Two marks are chequered and mean nothing. The
third is striped: the direction of the stripes is the class, and there is no other cue. A truthful map points
at it, and an edge detector cannot know which of the three it is.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate

from viz_core.models.graph import GraphModel
from viz_core.models.random_state import private_random_state
from viz_core.models.trace import trace

SIDE = 48
MARK = 10
STRIPE = 2
DECOYS = 2
SLOTS_A_SIDE = 3  # the marks lie in different ones of nine squares, so that none covers another
SLOT = SIDE // SLOTS_A_SIDE
SLOTS = SLOTS_A_SIDE**2
CUE, DECOY = (0.2, 0.8), (0.0, 1.0)  # dark and bright; the decoys have the sharper edges
DISC = 12
BATCH = 48
RATE = 4e-3
CLASSES = ("upright stripes", "flat stripes", "slanting stripes")
MEAN, STD = (0.5,) * 3, (0.25,) * 3


def pictures(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures (N, 3, 48, 48) in [0, 1], classes (N,), and masks (N, 48, 48) of bool that show where the mark is."""
    ground = torch.rand(count, 3, 6, 6, generator=generator)
    x = 0.25 + 0.5 * interpolate(ground, (SIDE, SIDE), mode="bicubic").clamp(0, 1)
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    across = (columns, rows, rows - columns)  # what counts the stripes of each class
    labels = torch.randint(len(CLASSES), (count,), generator=generator)
    masks = torch.zeros(count, SIDE, SIDE, dtype=torch.bool)
    colours = torch.rand(count, 3, 2, generator=generator)
    slots = torch.rand(count, SLOTS, generator=generator).argsort(dim=1)[:, : 1 + DECOYS]
    shifts = torch.randint(0, SLOT - MARK + 1, (count, 1 + DECOYS, 2), generator=generator)
    centres = torch.randint(DISC, SIDE - DISC, (count, 2), generator=generator)
    for index in range(count):
        middle_row, middle_column = centres[index].tolist()
        disc = (rows - middle_row) ** 2 + (columns - middle_column) ** 2 < DISC**2
        x[index, :, disc] = colours[index, :, :1]
        for number, (slot, shift) in enumerate(zip(slots[index].tolist(), shifts[index].tolist(), strict=True)):
            top, left = slot // SLOTS_A_SIDE * SLOT + shift[0], slot % SLOTS_A_SIDE * SLOT + shift[1]
            mark = (rows >= top) & (rows < top + MARK) & (columns >= left) & (columns < left + MARK)
            pattern = across[labels[index]] // STRIPE if number == 0 else rows // STRIPE + columns // STRIPE
            for parity, level in enumerate(CUE if number == 0 else DECOY):
                x[index, :, mark & (pattern % 2 == parity)] = level
            if number == 0:
                masks[index] = mark
    noise = 0.03 * torch.randn(x.shape, generator=generator)
    return (x + noise).clamp(0, 1), labels, masks


class _Small(nn.Module):
    """Three convolutions, a global average and a linear layer: CAM is exact."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 12, 5, padding=2),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Conv2d(24, 24, 3, padding=1),
            nn.ReLU(),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(24, len(CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.pool(self.features(x)).flatten(1))


def training(steps: int, seed: int, device: torch.device) -> Iterator[tuple[nn.Module, float, float]]:
    """The network in training, its loss and its accuracy on fresh pictures, after each step of Adam."""
    generator = torch.Generator().manual_seed(seed)
    with private_random_state(seed):
        net = _Small().to(device)
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for _ in range(steps):
        x, labels, _ = pictures(BATCH, generator)
        x, labels = normalised(x.to(device)), labels.to(device)
        with torch.enable_grad():
            scores = net(x)
            loss = cross_entropy(scores, labels)
            optimiser.zero_grad()
            loss.backward()
        optimiser.step()
        schedule.step()
        yield net, float(loss.detach()), float((scores.argmax(dim=1) == labels).float().mean())


def normalised(x: Tensor) -> Tensor:
    """Pictures as the network gets them."""
    return (x - torch.tensor(MEAN, device=x.device)[:, None, None]) / torch.tensor(STD, device=x.device)[:, None, None]


def as_network(net: nn.Module, device: torch.device) -> GraphModel:
    """The trained network as a graph that takes RGB in [0, 1]; its weights are frozen from now on."""
    return GraphModel("planted", trace(net), class_names=CLASSES, input_size=SIDE, mean=MEAN, std=STD, device=device)


def truth(values: np.ndarray, mark: np.ndarray) -> float:
    """The share of the map (H, W) that lies on the mark, a mask (H, W): 1 for the whole truth, 0 for a flat map."""
    positive = np.maximum(values, 0)
    total = float(positive.sum())
    return float(positive[mark].sum()) / total if total > 0 else 0.0


def points_at(values: np.ndarray, mark: np.ndarray) -> bool:
    """Whether the greatest value of the map lies on the mark."""
    return bool(mark.flat[int(values.argmax())])
