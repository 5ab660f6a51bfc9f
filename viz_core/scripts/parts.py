"""What scripts have in common: the network, pictures, layers to look at, ReLU rules, and how they are put together."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from string import Template
from typing import Any

from safetensors.torch import save

from viz_core.errors import ConvscopeError
from viz_core.images.picture_set import PictureSet
from viz_core.images.refs import open_image
from viz_core.images.render import encode_png
from viz_core.images.tensor import central
from viz_core.models import own
from viz_core.models.bundled import ASSETS, load_bundled
from viz_core.models.graph import GraphModel
from viz_core.models.load import BUNDLED, RANDOM
from viz_core.scripts.script import HELPER, Script, file_name
from viz_core.technique import Technique

Files = dict[str, Callable[[], bytes]]

MOST_PICTURES = 3000  # of a set that travels with its script

_IMPORTS = (
    (r"\bjson\.", "import json"),
    (r"\bmath\.", "import math"),
    (r"\bOrderedDict\b", "from collections import OrderedDict"),
    (r"\bPath\(", "from pathlib import Path"),
    (r"", ""),
    (r"\bnp\.", "import numpy as np"),
    (r"\btorch\.", "import torch"),
    (r"\bF\.", "import torch.nn.functional as F"),
    (r"\btorchvision\.", "import torchvision"),
    (r"\bImage\.", "from PIL import Image"),
    (r"\bload_file\(", "from safetensors.torch import load_file"),
    (r"\bnn\.", "from torch import nn"),
    (r"\bgaussian_blur\(", "from torchvision.transforms.v2.functional import gaussian_blur"),
)

_BUNDLED = """
# The network: convolutions with ReLUs, averages of 2 x 2, a global average and one linear layer.
def stage(inputs, *widths, pool=True):
    layers = OrderedDict()
    for number, width in enumerate(widths, start=1):
        layers[f"conv{number}"], layers[f"relu{number}"] = nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()
        inputs = width
    return nn.Sequential(layers | ({"pool": nn.AvgPool2d(2)} if pool else {}))

net = nn.Sequential(OrderedDict(
    conv1=nn.Conv2d(3, $first, 7, padding=3, padding_mode="replicate"), relu1=nn.ReLU(), pool1=nn.AvgPool2d(2),
    $stages,
    pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), fc=nn.Linear($last, $classes),
))
net.load_state_dict(load_file("$weights"))
"""
_LEARNT = """
# The network with the weights that torchvision downloads.
net = torchvision.models.get_model("$name", weights="IMAGENET1K_V1")
"""
_UNTRAINED = """
# The network as it is before any training.
torch.manual_seed($seed)
net = torchvision.models.get_model("$name", weights=None)
"""
_OWN = """
# The network: torchvision's architecture with weights of one's own.
net = torchvision.models.get_model("$name", weights=None, $options)
net.load_state_dict(load_file("weights.safetensors"), strict=False)
"""
_SEE = """net.eval().requires_grad_(False)
mean = torch.tensor($mean).view(3, 1, 1)
std = torch.tensor($std).view(3, 1, 1)

def see(x):  # the scores of pictures (N, 3, H, W), RGB in [0, 1]
    return net((x - mean) / std)
"""
_NOT_IN_PLACE = """for module in net.modules():
    module.inplace = False  # so that nothing overwrites a value we look at
"""
_WATCH = """
# Whenever the network sees a picture, what these layers answer is kept.
def watch(*names):
    seen = {}
    for name in names:
        net.get_submodule(name).register_forward_hook(lambda m, i, out, name=name: seen.update({name: out}))
    return seen
"""
_WATCH_EACH_USE = """
# Whenever the network sees a picture, what these layers answer is kept; some are used more than once.
def watch(*names):
    seen = {}
    net.register_forward_pre_hook(lambda *_: seen.clear())
    for name in names:
        module = net.get_submodule(name)
        module.register_forward_hook(lambda m, i, out, name=name: seen.setdefault(name, []).append(out))
    return seen
"""
_PICTURE = """
# A picture as the network sees it: the short side scaled to `size`, RGB in [0, 1], (1, 3, H, W).
def picture(file, size):
    rgb = np.asarray(Image.open(file).convert("RGB"), np.float32) / 255
    height, width = (round(side * (size / min(rgb.shape[:2]))) for side in rgb.shape[:2])
    colours = [Image.fromarray(rgb[..., c].copy()).resize((width, height), Image.Resampling.BILINEAR) for c in range(3)]
    return torch.from_numpy(np.stack([np.asarray(colour) for colour in colours]).clip(0, 1))[None]
"""
_SAVE = """
np.save("$file", result)
print("$array", result.shape, "from", result.min(), "to", result.max())
"""
_RULE = """
# Every ReLU works as ever forwards, and follows the rule backwards.
class Rule(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.relu()

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return $backward

nn.functional.relu = lambda x, inplace=False: Rule.apply(x)
"""
_BACKWARD = {
    "guided": "(x > 0) * gradient.relu()  # guided: where the input and the gradient are positive",
    "deconvnet": "gradient.relu()  # deconvnet: where the gradient is positive",
}


def fill(template: str, **values: Any) -> str:
    """A piece of code with its `$places` filled in, without blank lines around it."""
    return Template(inspect.cleandoc(template)).substitute(values)


def comment(words: str) -> str:
    """Words on one line, as a comment needs them."""
    return " ".join(words.split())


def numbers(values: Any) -> str:
    """A tensor's numbers as a list that reads back to the same tensor."""
    return "[" + ", ".join(str(float(f"{value:.9g}")) for value in values.flatten().tolist()) + "]"


def wrapped(line: str) -> str:
    """A call or a list on as many lines as it needs."""
    return textwrap.fill(line, 116, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def network(technique: Technique, layers: Sequence[str] = ()) -> tuple[str, Files]:
    """The code of the technique's network, with which layers can be watched, and its weights; raises ConvscopeError."""
    model = technique.network()
    code, files = _build(model.name, technique.seed)
    if layers and model.name not in BUNDLED:
        code += _NOT_IN_PLACE
    code += fill(_SEE, mean=numbers(model.mean), std=numbers(model.std)) + "\n"
    if layers:
        repeated = any(module_use(model, layer)[1] for layer in layers)
        code += "\n" + fill(_WATCH_EACH_USE if repeated else _WATCH) + "\n"
    return code, files


def watching(model: GraphModel, layers: Sequence[str]) -> str:
    """The line that watches these layers."""
    names = dict.fromkeys(module_use(model, layer)[0] for layer in layers)
    return wrapped("seen = watch(" + ", ".join(f'"{name}"' for name in names) + ")")


def module_use(model: GraphModel, layer: str) -> tuple[str, int]:
    """The module of a layer and which of its uses; raises ConvscopeError for layers that are plain functions."""
    found = model.module_of(layer)
    if found is None:
        raise ConvscopeError("script_errors.layer", layer=layer)
    return found


def value(model: GraphModel, layer: str, layers: Sequence[str] = ()) -> str:
    """The expression that stands for what a watched layer answered; `layers` are all that are watched."""
    name, use = module_use(model, layer)
    repeated = any(module_use(model, other)[1] for other in (*layers, layer))
    return f'seen["{name}"][{use}]' if repeated else f'seen["{name}"]'


def _build(name: str, seed: int) -> tuple[str, Files]:
    if name in BUNDLED:
        return _bundled(name.removeprefix("bundled").removeprefix("-") or "standard")
    if own.is_own(name):
        return _own(name)
    if name.startswith(RANDOM):
        return fill(_UNTRAINED, name=name.removeprefix(RANDOM), seed=seed) + "\n", {}
    return fill(_LEARNT, name=name) + "\n", {}


def _bundled(twin: str) -> tuple[str, Files]:
    shape = load_bundled(twin).module.architecture
    widths = [shape["first"], *(stage[-1] for stage in shape["stages"])]
    last = len(shape["stages"]) - 1
    stages = [
        f"stage{number + 2}=stage({', '.join(map(str, (widths[number], *stage)))}{', pool=False' if number == last else ''})"
        for number, stage in enumerate(shape["stages"])
    ]
    file = f"{twin}.safetensors"
    places = {
        "first": shape["first"],
        "stages": ", ".join(stages),
        "last": widths[-1],
        "classes": shape["classes"],
    }
    return fill(_BUNDLED, weights=file, **places) + "\n", {file: (ASSETS / file).read_bytes}


def _own(name: str) -> tuple[str, Files]:
    described = own.read_description(name)
    if described.weights.suffix == ".pt2":
        raise ConvscopeError("script_errors.archive")
    entry, options, state = own.architecture_of(described)
    given = ", ".join(f"{option}={value!r}" for option, value in options.items())
    plain = {key: tensor.contiguous() for key, tensor in state.items()}
    return fill(_OWN, name=entry.name, options=given) + "\n", {"weights.safetensors": lambda: save(plain)}


def picture_file(ref: str) -> Callable[[], bytes]:
    """The part of a picture that networks see, as a PNG file."""
    return lambda: encode_png(central(open_image(ref).pixels))


def relu_rule(rule: str) -> str:
    """The code that makes every ReLU follow a rule; none for plain backpropagation."""
    return "" if rule == "backprop" else "\n" + fill(_RULE, backward=_BACKWARD[rule]) + "\n"


def set_files(pictures: PictureSet, indices: Sequence[int], side: int) -> Files:
    """Members of a set as the network sees them, as PNG files in this order; raises ConvscopeError for too large a set."""
    if len(indices) > MOST_PICTURES:
        raise ConvscopeError("script_errors.large_set", pictures=len(indices), most=MOST_PICTURES)
    return {
        f"pictures/{number:05d}.png": lambda index=index: encode_png(pictures.seen(index, side))  # type: ignore[misc]
        for number, index in enumerate(indices)
    }


def compose(
    technique: Technique,
    array: str,
    body: str,
    *,
    part: tuple[Any, ...] = (),
    pictures: Mapping[str, str] | None = None,
    layers: Sequence[str] = (),
    network_too: bool = True,
    groundwork: str = "",
    files: Files | None = None,
) -> Script:
    """The script whose `body` leaves the array in `result`.

    `pictures`: file names and references of the pictures it reads by `picture(file, size)`; `layers` are watched;
    `groundwork` is code that lies in the helper file, with the network and the reading of pictures.
    """
    helper, all_files = network(technique, layers) if network_too else ("", {})
    all_files |= files or {}
    if pictures:
        helper += "\n" + fill(_PICTURE) + "\n"
        all_files |= {file: picture_file(ref) for file, ref in pictures.items()}
    helper = _tidy(f"{helper}\n{groundwork}")
    watch = watching(technique.network(), layers) + "\n\n" if layers else ""
    code = _tidy(watch + body.strip("\n") + "\n\n" + fill(_SAVE, file=file_name(array), array=array))
    names = ", ".join(_shared(helper, code))
    imports = _imports(code) + (f"\nfrom {HELPER.removesuffix('.py')} import {names}\n" if names else "")
    if helper:
        helper = f'"""The groundwork of the script."""\n\n{_imports(helper)}\n{helper}'
    head = _head(technique, array, "load_file(" in helper + code, [*all_files, *([HELPER] if helper else [])])
    return Script(f"{head}{imports}\n{code}", array, part, all_files, helper)


def _tidy(code: str) -> str:
    """Code without more than one blank line anywhere, any around it, or lines that an empty place left."""
    code = re.sub(r"^ +\n", "", code, flags=re.MULTILINE)
    code = re.sub(r"\n{3,}", "\n\n", code).strip("\n")
    return code and code + "\n"


def _shared(helper: str, code: str) -> list[str]:
    """What is defined in one file and used in the other."""
    used = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    return sorted(used & set(re.findall(r"^(?:def )?(\w+)(?=\(| = )", helper, re.MULTILINE)))


def _head(technique: Technique, array: str, safetensors: bool, files: Sequence[str]) -> str:
    """What the script does and what it needs."""
    needs = "torch, torchvision, numpy and pillow" + (" (and safetensors)" if safetensors else "")
    listed = ", ".join(sorted({name.partition("/")[0] for name in files}))
    beside = f"\nBeside it must lie: {listed}." if listed else ""
    summary = textwrap.fill(technique.summary(), 116)
    return f'"""{summary}\n\nMakes the array "{array}" as Convscope does, with {needs}.{beside}\n"""\n\n'


def _imports(code: str) -> str:
    found = [line for pattern, line in _IMPORTS if re.search(pattern, code)]
    return "\n".join(found).strip("\n") + "\n"
