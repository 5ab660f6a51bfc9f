"""One way to every network: bundled, torchvision's with learnt or random weights, or people's own."""

import difflib

import torch

from viz_core.errors import ConvscopeError
from viz_core.models import zoo
from viz_core.models.bundled import load_bundled
from viz_core.models.device import default_device
from viz_core.models.graph import GraphModel
from viz_core.models.memory import Memory, capacity_from_environment
from viz_core.models.own import is_own, load_own, stamp
from viz_core.models.trace import trace

BUNDLED = ("bundled", "bundled-robust", "bundled-random")
RANDOM = "random:"

_networks: Memory[GraphModel] = Memory(capacity_from_environment())


def load(name: str, device: torch.device | str | None = None, seed: int = 0) -> GraphModel:
    """The network of this name, on the accelerator if there is one; kept in memory, so that asking again costs nothing.

    name: 'bundled', 'bundled-robust', 'bundled-random'; a name of the catalogue such as 'alexnet', whose learnt weights are
    fetched on first use; the path of a network of one's own, see `viz_core.models.own`; 'random:alexnet' for
    torchvision's own initialisation under `torch.manual_seed(seed)`. Raises ConvscopeError with one sentence for
    everything that can go wrong.
    """
    place = torch.device(device) if device is not None else default_device()
    own = stamp(name) if is_own(name) else None
    key = (name, str(place), seed if name.startswith(RANDOM) else None, own)
    return _networks.get(key, lambda: _make(name, place, seed))


def _make(name: str, device: torch.device, seed: int) -> GraphModel:
    if is_own(name):
        return load_own(name, device)
    if name in BUNDLED:
        return _bundled(name, device)
    if name.startswith(RANDOM):
        entry = zoo.find(name.removeprefix(RANDOM))
        if entry is not None:
            return _from_entry(name, entry, zoo.build_random(entry.name, seed), device)
    entry = zoo.find(name)
    if entry is not None:
        return _from_entry(name, entry, zoo.build_pretrained(entry), device)
    raise _unknown(name)


def _bundled(name: str, device: torch.device) -> GraphModel:
    try:
        twin = load_bundled(name.removeprefix("bundled").removeprefix("-") or "standard")
    except FileNotFoundError as error:
        raise ConvscopeError("model_errors.no_bundled", name=name) from error
    return GraphModel(
        name,
        trace(twin.module.to(device)),
        class_names=[names.en for names in twin.classes],
        translated_names={"ko": [names.ko for names in twin.classes]},
        input_size=twin.input_size,
        mean=twin.mean,
        std=twin.std,
        device=device,
    )


def _from_entry(name: str, entry: zoo.ZooEntry, module: torch.nn.Module, device: torch.device) -> GraphModel:
    return GraphModel(
        name,
        trace(module.to(device)),
        class_names=entry.class_names,
        input_size=entry.input_size,
        mean=entry.mean,
        std=entry.std,
        device=device,
    )


def _unknown(name: str) -> ConvscopeError:
    prefix = RANDOM if name.startswith(RANDOM) else ""
    known = [prefix + entry.name for entry in zoo.entries()] + list(BUNDLED)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or ["bundled", "alexnet", "random:resnet18"]
    return ConvscopeError("model_errors.unknown", name=name, close=", ".join(close))
