"""What scripts have in common: the network, pictures, layers to look at, ReLU rules, and how they are put together."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from string import Template
from typing import Any

import numpy as np
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

LONGEST_LINE = 120
LONGEST = 40  # lines of a script, comments and imports too
MOST_PICTURES = 3000  # of a set that travels with its script

_IMPORTS = (
    (r"\bheapq\.", "import heapq"),
    (r"\bitertools\.", "import itertools"),
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
    (r"(?<!torch\.)\bnn\.", "from torch import nn"),
    (r"\bcv2\.", "import cv2"),
    (r"\bTSNEEmbedding\(", "from openTSNE import TSNEEmbedding, affinity"),
    (r"\bPrecomputedNeighbors\(", "from openTSNE.nearest_neighbors import PrecomputedNeighbors"),
    (r"\bKMeans\(", "from sklearn.cluster import KMeans"),
    (r"\bPCA\(", "from sklearn.decomposition import PCA"),
    (r"\bUMAP\(", "from umap import UMAP"),
    (r"\bgaussian_blur\(", "from torchvision.transforms.v2.functional import gaussian_blur"),
)
_FUNCTIONAL = ("interpolate", "grid_sample", "instance_norm", "pad")  # which the engine imports by their names
_PACKAGES = {
    "safetensors": r"\bload_file\(",
    "scikit-learn": r"\bPCA\(",
    "openTSNE": r"\bTSNEEmbedding\(",
    "umap-learn": r"\bUMAP\(",
    "opencv-python": r"\bcv2\.",
}

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
_SEE = """
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
    return "[" + ", ".join(str(np.float32(value)) for value in values.flatten().tolist()) + "]"


def wrapped(line: str) -> str:
    """A call or a list on as many lines as it needs."""
    return textwrap.fill(line, 116, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def network(technique: Technique, layers: Sequence[str] = ()) -> tuple[list[str], Files]:
    """The code of the technique's network in pieces, with which layers can be watched, and its weights; raises ConvscopeError."""
    model = technique.network()
    code, files = _build(model.name, technique.seed)
    code += "net.eval().requires_grad_(False)\n"
    if layers and model.name not in BUNDLED:
        code += _NOT_IN_PLACE
    pieces = [code, fill(_SEE, mean=numbers(model.mean), std=numbers(model.std))]
    if layers:
        repeated = any(module_use(model, layer)[1] for layer in layers)
        pieces.append(fill(_WATCH_EACH_USE if repeated else _WATCH))
    return pieces, files


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


def borrowed(*functions: Callable[..., Any]) -> str:
    """Functions and classes of the engine without annotations, with the constants of the first one's module that they use."""
    trees = [ast.parse(inspect.getsource(function)).body[0] for function in functions]
    used = {node.id for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name)}
    known = vars(inspect.getmodule(functions[0]))
    constants = [
        f"{name} = {known[name]!r}" for name in known if name in used and isinstance(known[name], int | float | tuple)
    ]
    code = "\n\n".join(["\n".join(constants), *(ast.unparse(_Bare().visit(tree)) for tree in trees)])
    return "\n".join(map(_folded, code.splitlines()))


def _folded(line: str) -> str:
    """A line of code, continued on the next where it is too long: behind a comma inside brackets."""
    if len(line) <= LONGEST_LINE:
        return line
    depth, places = 0, []
    for place, letter in enumerate(line[:LONGEST_LINE]):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth:
            places.append((-depth, place + 1))
    if not places:
        return line
    cut = max(places)[1]
    indent = re.match(r" *", line)[0] + "    "  # type: ignore[index]
    return line[:cut] + "\n" + _folded(indent + line[cut:].lstrip())


class _Bare(ast.NodeTransformer):
    """A function without annotations, and the modules that scripts import called as scripts call them."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(f"F.{node.id}" if node.id in _FUNCTIONAL else node.id, node.ctx)


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
    `groundwork` are functions that `body` needs. The script holds as much of them as forty lines can, the last first; what
    it cannot hold lies in the helper file.
    """
    below, all_files = network(technique, layers) if network_too else ([], {})
    all_files |= files or {}
    if pictures or "picture(" in body:
        below.insert(1 if network_too else 0, fill(_PICTURE))
        all_files |= {file: picture_file(ref) for file, ref in (pictures or {}).items()}
    below += re.split(r"\n\n(?=\S)", _tidy(groundwork)) if groundwork.strip() else []
    body = "\n".join(map(_folded, body.splitlines()))
    watch = watching(technique.network(), layers) + "\n\n" if layers else ""
    code = _tidy(watch + body.strip("\n") + "\n\n" + fill(_SAVE, file=file_name(array), array=array))
    while below:
        longer = _tidy(f"{below[-1]}\n\n{code}")
        if line_count(_with_imports(longer, below[:-1])) > LONGEST:
            break
        code = longer
        below.pop()
    helper = _tidy("\n\n".join(below))
    code = _with_imports(code, below)
    if helper:
        helper = f'"""The groundwork of the script."""\n\n{_imports(helper)}\n{helper}'
    made = f'"{array}"' + _spelt(part)
    head = _head(technique, made, helper + code, [*all_files, *([HELPER] if helper else [])])
    return Script(head + code, array, part, all_files, helper)


def line_count(code: str) -> int:
    """Lines of code and comments, without blank ones."""
    return sum(bool(line.strip()) for line in code.splitlines())


def _with_imports(code: str, below: Sequence[str]) -> str:
    """Code after everything that it imports: libraries, and what lies in the helper file."""
    names = ", ".join(_shared("\n".join(below), code))
    line = f"from {HELPER.removesuffix('.py')} import {names}"
    if len(line) > LONGEST_LINE:
        line = textwrap.fill(line.replace(names, f"({names})"), LONGEST_LINE, subsequent_indent="    ")
    return _imports(code) + (f"\n{line}\n" if names else "") + f"\n{code}"


def _tidy(code: str) -> str:
    """Code without more than one blank line anywhere, any around it, or lines that an empty place left."""
    code = re.sub(r"^ +\n", "", code, flags=re.MULTILINE)
    code = re.sub(r"\n{3,}", "\n\n", code).strip("\n")
    return code and code + "\n"


def _shared(helper: str, code: str) -> list[str]:
    """What is defined in one file and used in the other."""
    used = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    return sorted(used & set(re.findall(r"^(?:def |class )?(\w+)(?=\(| = |:)", helper, re.MULTILINE)))


def _head(technique: Technique, made: str, code: str, files: Sequence[str]) -> str:
    """What the script does and what it needs, `made` and `code` being the array and all the code."""
    more = [package for package, pattern in _PACKAGES.items() if re.search(pattern, code)]
    needs = "torch, torchvision, numpy and pillow" + (f" (and {', '.join(more)})" if more else "")
    listed = ", ".join(sorted({name.partition("/")[0] for name in files}))
    beside = "\n" + textwrap.fill(f"Beside it must lie: {listed}.", 116) if listed else ""
    summary = textwrap.fill(technique.summary(), 116)
    makes = textwrap.fill(f"Makes the array {made} as Convscope does, with {needs}.", 116)
    return f'"""{summary}\n\n{makes}{beside}\n"""\n\n'


def _spelt(part: tuple[Any, ...]) -> str:
    """An index as it is written behind an array."""

    def one(place: Any) -> str:
        if not isinstance(place, slice):
            return str(place)
        ends = ("" if end is None else str(end) for end in (place.start, place.stop))
        return ":".join(ends)

    return f"[{', '.join(map(one, part))}]" if part else ""


def _imports(code: str) -> str:
    found = [line for pattern, line in _IMPORTS if re.search(pattern, code)]
    return "\n".join(found).strip("\n") + "\n"
