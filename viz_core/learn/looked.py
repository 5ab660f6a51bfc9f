"""Where people looked, where the network did, and which of them matters more to its answer, by one score: deletion."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from viz_core.errors import ConvscopeError
from viz_core.images.tensor import to_tensor
from viz_core.learn.contest import TEMPERATURE, describe, feature_layer
from viz_core.models.cam import map_layers
from viz_core.models.faithfulness import area_under, deletion
from viz_core.models.graph import GraphModel

CELLS = 16  # a side of the grid that people paint on
PATCH, STRIDE = 32, 16  # of the occlusion, pixels
STEPS = 16  # in which the pixels go
CHANCE_RUNS = 3
GREY = 0.5
TIES = 1e-4  # of a map's range, to part equal values
BATCH = 17

Shares = Callable[[Tensor], Tensor]  # pictures (N, 3, H, W) to how sure the network is of the label, (N,)


def pack(cells: np.ndarray) -> str:
    """Painted cells (16, 16) as 64 hexadecimal digits."""
    return np.packbits(np.asarray(cells, bool)).tobytes().hex()


def unpack(painted: str) -> np.ndarray:
    """The cells (16, 16) bool; raises ConvscopeError where that is no painting."""
    try:
        bits = np.unpackbits(np.frombuffer(bytes.fromhex(painted), np.uint8))
    except ValueError as error:
        raise ConvscopeError("learn_errors.no_painting") from error
    if bits.size != CELLS**2:
        raise ConvscopeError("learn_errors.no_painting")
    return bits.reshape(CELLS, CELLS).astype(bool)


def together(paintings: Sequence[str]) -> np.ndarray:
    """The share of people who painted each cell, (16, 16) in [0, 1]."""
    return np.mean([unpack(one) for one in paintings], axis=0)


def shares_of(network: GraphModel, known: dict[str, Tensor], choices: Sequence[str], label: str) -> Shares:
    """How sure the network is of the label among the choices."""
    means = torch.stack([known[choice] for choice in choices])

    def shares(x: Tensor) -> Tensor:
        cosines = normalize(describe(network, x), dim=1) @ means.T
        return (cosines / TEMPERATURE).softmax(dim=1)[:, list(choices).index(label)]

    return shares


@torch.inference_mode()
def occlusion_map(shares: Shares, x: Tensor) -> np.ndarray:
    """How far the share falls where a grey patch lies, (rows, columns). Zeiler & Fergus 2014."""
    places = range(0, x.shape[-1] - PATCH + 1, STRIDE)
    hidden = x.repeat(len(places) ** 2, 1, 1, 1)
    for number, (top, left) in enumerate((top, left) for top in places for left in places):
        hidden[number, :, top : top + PATCH, left : left + PATCH] = GREY
    drop = shares(x) - torch.cat([shares(part) for part in hidden.split(BATCH)])
    return drop.reshape(len(places), len(places)).cpu().numpy()


def gradcam_map(network: GraphModel, x: Tensor, mean: Tensor) -> np.ndarray:
    """Grad-CAM of the likeness to a label's mean, at the last layer with positions, (h, w). Selvaraju et al., 2017."""
    layer, told = map_layers(network)[-1], feature_layer(network)
    with torch.enable_grad():
        values = network.activations(x.detach().requires_grad_(), (layer, told))
        feature = values[told].flatten(2).mean(dim=2) if values[told].dim() > 2 else values[told]
        likeness = normalize(feature, dim=1) @ mean
        (gradients,) = torch.autograd.grad(likeness.sum(), values[layer])
    weights = gradients.mean(dim=(2, 3))
    return torch.einsum("nc,nchw->nhw", weights, values[layer]).relu()[0].detach().cpu().numpy()


@torch.inference_mode()
def deletion_area(network: GraphModel, shares: Shares, x: Tensor, values: np.ndarray) -> float:
    """The area under the share while the pixels go, the greatest of the map (h, w) first: small if the map is right.

    Equal values, as painted ones are, go in a random order, the same every time. Petsiuk, Das & Saenko 2018.
    """
    large = _at_size(values, x.shape[-1])
    tied = TIES * float(np.ptp(large) or 1.0) * np.random.default_rng(0).random(large.shape, np.float32)
    stages = torch.cat(list(deletion(x, network, large + tied, STEPS)))
    return area_under(torch.cat([shares(part) for part in stages.split(BATCH)]).cpu().numpy())


def _at_size(values: np.ndarray, side: int) -> np.ndarray:
    """A map brought to the picture's size, bilinear."""
    tensor = torch.from_numpy(np.asarray(values, np.float32))[None, None]
    return torch.nn.functional.interpolate(tensor, (side, side), mode="bilinear")[0, 0].numpy()


def chance_area(network: GraphModel, shares: Shares, x: Tensor, seed: int) -> float:
    """The area of orders drawn at random, on average."""
    random = np.random.default_rng(seed)
    return float(
        np.mean([deletion_area(network, shares, x, random.random((CELLS, CELLS))) for _ in range(CHANCE_RUNS)])
    )


def looks(
    network: GraphModel, shown: np.ndarray, known: dict[str, Tensor], choices: Sequence[str], label: str, seed: int
) -> Iterator[tuple[str, np.ndarray | None, float]]:
    """For a picture as it was shown (S, S, 3) uint8: name, map and deletion area of occlusion, Grad-CAM and chance."""
    x = to_tensor(shown).to(network.device)
    shares = shares_of(network, known, choices, label)
    occlusion, gradcam = occlusion_map(shares, x), gradcam_map(network, x, known[label])
    yield "occlusion", occlusion, deletion_area(network, shares, x, occlusion)
    yield "gradcam", gradcam, deletion_area(network, shares, x, gradcam)
    yield "chance", None, chance_area(network, shares, x, seed)


def over(shown: np.ndarray, values: np.ndarray, strength: float = 0.75) -> np.ndarray:
    """The picture, dark where a map (h, w) is small: (S, S, 3) uint8."""
    span = float(values.max() - values.min()) or 1.0
    light = _at_size((values - values.min()) / span, shown.shape[0]).clip(0, 1)
    return np.rint(shown * (1 - strength + strength * light[..., None])).astype(np.uint8)
