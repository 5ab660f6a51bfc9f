"""People's own networks: torchvision's architectures with other weights, or exported programs.

runs/best.safetensors?arch=resnet18&classes=names.txt      an architecture, weights (.safetensors, .pth), class names
runs/net.pt2?classes=names.txt&size=96                     a program exported by torch.export.save
runs/flowers                                               a folder with model.json:
    {"architecture": "resnet18", "weights": "best.pth", "classes": ["rose", "tulip"], "input_size": 224,
     "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
"""

import difflib
import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from viz_core.errors import ConvscopeError
from viz_core.models import zoo
from viz_core.models.archive import read_archive
from viz_core.models.graph import GraphModel
from viz_core.models.trace import Program, compute, functions, plan, trace
from viz_core.models.vit import any_size
from viz_core.models.weights import read_tensors

DESCRIPTION = "model.json"
IMAGENET = "imagenet"
SUFFIXES = (".safetensors", ".pth", ".pt", ".pt2")
_SHORT = {"arch": "architecture", "size": "input_size"}
_WRAPPERS = ("state_dict", "model_state_dict", "model")
_PREFIXES = ("module.", "_orig_mod.")
_SHOWN = 3

Spread = Annotated[float, Field(gt=0)]


class OwnNetwork(BaseModel):
    """What a network of one's own is made of.

    architecture: a name of the catalogue, none for `.pt2`; classes: names, or a file of them (one a line, or JSON), or
    "imagenet"; input_size: pixels of the short side; mean and std: of RGB in [0, 1], by which pictures are normalised.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: Path
    architecture: str | None = None
    classes: tuple[str, ...] | str | None = None
    input_size: int | None = Field(None, ge=16, le=2048)
    mean: tuple[float, float, float] = zoo.IMAGENET_MEAN
    std: tuple[Spread, Spread, Spread] = zoo.IMAGENET_STD


def is_own(name: str) -> bool:
    """Whether a name is that of a file or folder rather than of the catalogue."""
    path = Path(name.partition("?")[0])
    return path.suffix in SUFFIXES or "/" in name or "\\" in name or (path / DESCRIPTION).is_file()


def stamp(name: str) -> tuple[float, ...]:
    """Changes when one of the network's files does."""
    own = read_description(name)
    files = [own.weights, Path(name) / DESCRIPTION, Path(str(own.classes))]
    return tuple(file.stat().st_mtime for file in files if file.is_file())


def load_own(name: str, device: torch.device) -> GraphModel:
    """The network of this name (see the module's text); ConvscopeError with one sentence for all that can be wrong."""
    own = read_description(name)
    if not own.weights.is_file():
        raise ConvscopeError("model_errors.no_file", path=own.weights)
    program, size = _from_archive(own, device) if own.weights.suffix == ".pt2" else _from_architecture(own, device)
    size = own.input_size or size
    return GraphModel(
        name,
        program,
        class_names=_class_names(own, _count_classes(program, size, own.weights, device)),
        input_size=size,
        mean=own.mean,
        std=own.std,
        device=device,
    )


def read_description(name: str) -> OwnNetwork:
    """What the name, or the `model.json` in its folder, says; files are looked for relative to the folder."""
    path, _, query = name.partition("?")
    folder = Path(path)
    if folder.is_dir():
        file = folder / DESCRIPTION
        if not file.is_file():
            raise ConvscopeError("model_errors.no_file", path=file)
        try:
            given = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ConvscopeError("model_errors.description", path=file, problem="JSON") from error
    else:
        file, folder = Path(path), Path()
        given = {"weights": path, **{_SHORT.get(key, key): _list_or_text(value) for key, value in parse_qsl(query)}}
    try:
        own = OwnNetwork.model_validate(given)
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"][:1]) or DESCRIPTION
        raise ConvscopeError("model_errors.description", path=file, problem=field) from error
    classes = str(folder / own.classes) if isinstance(own.classes, str) and own.classes != IMAGENET else own.classes
    return own.model_copy(update={"weights": folder / own.weights, "classes": classes})


def _list_or_text(value: str) -> Any:
    return value.split(",") if "," in value else value


def _from_archive(own: OwnNetwork, device: torch.device) -> tuple[Program, int]:
    archive = read_archive(own.weights, device)
    return archive.program, min(archive.size)


def _from_architecture(own: OwnNetwork, device: torch.device) -> tuple[Program, int]:
    entry, options, state = architecture_of(own)
    network = zoo.empty_network(entry.name, **options)
    _check_fit(own, network.state_dict(), state)
    network.load_state_dict(state, assign=True, strict=False)
    return trace(any_size(network).to(device)), entry.input_size


def architecture_of(own: OwnNetwork) -> tuple[zoo.ZooEntry, dict[str, Any], dict[str, Tensor]]:
    """The entry of the catalogue, what its builder is given beside `weights=None`, and the weights under today's names."""
    entry = zoo.find(own.architecture or "")
    if entry is None:
        known = [entry.name for entry in zoo.entries()]
        close = difflib.get_close_matches(own.architecture or "", known, n=3, cutoff=0.3) or known[:3]
        raise ConvscopeError(
            "model_errors.architecture", path=own.weights, name=own.architecture or "", close=", ".join(close)
        )
    state = zoo.modern_keys(_plain_state(own.weights))
    options: dict[str, Any] = {"num_classes": _classes_of_head(entry.name, state)}
    if entry.family in ("GoogLeNet", "Inception"):
        options |= {"aux_logits": any(key.lower().startswith("aux") for key in state), "init_weights": False}
    return entry, options, state


def _plain_state(path: Path) -> dict[str, Tensor]:
    """Tensors by name in single precision, out of the wrappings that training scripts put around them."""
    state: Any = read_tensors(path)
    for wrapper in _WRAPPERS:
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ConvscopeError("model_errors.not_weights", path=path)
    for prefix in _PREFIXES:
        if all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
    return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}


def _classes_of_head(architecture: str, state: dict[str, Tensor]) -> int:
    """How many classes the last layer of these weights has; 1000 where it is not there."""
    reference = zoo.empty_network(architecture).state_dict()
    heads = [
        key for key, value in reference.items() if value.dim() > 1 and len(value) == 1000 and "aux" not in key.lower()
    ]
    return len(state[heads[-1]]) if heads[-1] in state else 1000


def _check_fit(own: OwnNetwork, expected: dict[str, Tensor], found: dict[str, Tensor]) -> None:
    """Tell the first keys that differ and the shapes expected, if any do."""
    needed = {key: value for key, value in expected.items() if not key.endswith("num_batches_tracked")}
    missing = [f"{key} {_shape(value)}" for key, value in needed.items() if key not in found]
    unexpected = [f"{key} {_shape(value)}" for key, value in found.items() if key not in expected]
    other = [
        f"{key} {_shape(value)} ≠ {_shape(found[key])}"
        for key, value in needed.items()
        if key in found and found[key].shape != value.shape
    ]
    if missing or unexpected or other:
        raise ConvscopeError(
            "model_errors.mismatch",
            path=own.weights,
            architecture=own.architecture,
            missing=_first_few(missing),
            unexpected=_first_few(unexpected),
            other=_first_few(other),
        )


def _shape(value: Tensor) -> str:
    return "×".join(str(n) for n in value.shape) or "1"


def _first_few(items: list[str]) -> str:
    return ", ".join(items[:_SHOWN]) + (f", … ({len(items)})" if len(items) > _SHOWN else "") if items else "-"


@torch.no_grad()
def _count_classes(program: Program, size: int, path: Path, device: torch.device) -> int:
    """The number of logits for one picture; ConvscopeError unless two pictures give two rows of them."""
    steps = plan(program, (program.output,), (program.input,))
    pictures = torch.zeros(2, 3, size, size, device=device)
    try:
        values = compute(steps, functions(program, program.modules), program.constants, {program.input: pictures})
    except RuntimeError as error:
        raise ConvscopeError("model_errors.no_logits", path=path, size=size) from error
    logits = values[program.output]
    if not isinstance(logits, Tensor) or logits.dim() != 2 or len(logits) != 2:
        raise ConvscopeError("model_errors.no_logits", path=path, size=size)
    return logits.shape[1]


def _class_names(own: OwnNetwork, count: int) -> tuple[str, ...]:
    match own.classes:
        case None:
            return tuple(f"class {index}" for index in range(count))
        case "imagenet":
            names = zoo.entries()[0].class_names
        case str(file):
            names = _read_names(Path(file))
        case _:
            names = own.classes
    if len(names) != count:
        raise ConvscopeError("model_errors.class_count", path=own.weights, classes=count, names=len(names))
    return tuple(names)


def _read_names(file: Path) -> tuple[str, ...]:
    """Class names in the order of the outputs: one a line, or JSON: a list, or an object from index to name."""
    if not file.is_file():
        raise ConvscopeError("model_errors.no_file", path=file)
    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix != ".json":
            return tuple(line.strip() for line in text.splitlines() if line.strip())
        names = json.loads(text)
        ordered = [names[key] for key in sorted(names, key=int)] if isinstance(names, dict) else names
        return tuple(name[-1] if isinstance(name, list) else str(name) for name in ordered)
    except (ValueError, TypeError, IndexError) as error:
        raise ConvscopeError("model_errors.class_file", path=file) from error
