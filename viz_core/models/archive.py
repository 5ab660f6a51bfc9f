"""Reading `.pt2` archives of `torch.export.save` without running anything that is in them.

`torch.export.load` unpickles parts of the archive and evaluates expressions in it, so an archive from a stranger could run
their code. The graph in it is plain JSON over torch's own operators and the weights are plain numbers; that is all that is
read here. Archives that need more are refused.
"""

import json
import operator
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx import Node

from viz_core.errors import ConvscopeError
from viz_core.models.trace import Program, program_of

SCHEMA = 8
_DTYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
_WORDS = {"none", "tanh", "same", "valid", "constant", "reflect", "replicate", "circular"}
_ARITHMETIC = {"add", "sub", "mul", "floordiv", "truediv", "mod", "neg", "getitem"}


@dataclass(frozen=True)
class Archive:
    """A network from an archive: its program, and the size (height, width) of the example it was exported with."""

    program: Program
    size: tuple[int, int]


def read_archive(path: Path, device: torch.device) -> Archive:
    """The network in a `.pt2` archive; ConvscopeError if it cannot be read, or not without running its contents."""
    try:
        with zipfile.ZipFile(path) as archive:
            files = {name.partition("/")[2]: name for name in archive.namelist()}
            (model,) = (name for name in files if re.fullmatch(r"models/[^/]+\.json", name))
            exported = json.loads(archive.read(files[model]))
            if exported["schema_version"]["major"] != SCHEMA:
                raise ConvscopeError("model_errors.archive_version", path=path)
            tensors = {}
            for folder in ("weights", "constants"):
                config = json.loads(archive.read(files[f"data/{folder}/{Path(model).stem}_{folder}_config.json"]))
                for name, payload in config["config"].items():
                    data = archive.read(files[f"data/{folder}/{payload['path_name']}"])
                    tensors[name] = _tensor(path, payload, data, device)
        return _Builder(path, exported["graph_module"], tensors).archive()
    except (zipfile.BadZipFile, json.JSONDecodeError, LookupError, TypeError, ValueError, RuntimeError) as error:
        raise ConvscopeError("model_errors.not_an_archive", path=path) from error


def _tensor(path: Path, payload: Mapping[str, Any], data: bytes, device: torch.device) -> Tensor:
    """The tensor written as plain numbers; anything pickled is refused."""
    if payload["use_pickle"]:
        raise ConvscopeError("model_errors.archive_pickled", path=path)
    meta = payload["tensor_meta"]
    sizes, strides = ([n["as_int"] for n in meta[of]] for of in ("sizes", "strides"))
    flat = torch.frombuffer(bytearray(data), dtype=_DTYPES[meta["dtype"]]) if data else torch.empty(0)
    value = flat.as_strided(sizes, strides, meta["storage_offset"]["as_int"]).clone().to(device)
    return nn.Parameter(value, requires_grad=False) if payload["is_param"] else value


class _Builder:
    """Turns the archive's list of calls into a graph."""

    def __init__(self, path: Path, module: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        self.path = path
        self.module = module
        self.tensors = tensors
        self.graph = fx.Graph()
        self.values: dict[str, Node] = {}

    def archive(self) -> Archive:
        picture = self._inputs()
        for call in self.module["graph"]["nodes"]:
            self._call(call)
        logits = self.module["graph"]["outputs"][0]["as_tensor"]["name"]
        self.graph.output(self.values[logits])
        height, width = (_number(side) for side in self.module["graph"]["tensor_values"][picture]["sizes"][2:])
        return Archive(program_of(self.graph, {}, self.tensors), (height, width))

    def _inputs(self) -> str:
        """Weights, constants and the picture become nodes; the picture's name."""
        pictures = []
        for spec in self.module["signature"]["input_specs"]:
            ((kind, given),) = spec.items()
            if kind == "user_input":
                pictures.append(given["arg"]["as_tensor"]["name"])
                self.values[pictures[-1]] = self.graph.placeholder(pictures[-1])
            else:
                name = given["arg"]["name"]
                tensor = given[f"{kind}_name"]
                self.tensors[tensor]  # a missing one is told here
                self.values[name] = self.graph.create_node("get_attr", tensor, name=name)
        (picture,) = pictures
        return picture

    def _call(self, call: Mapping[str, Any]) -> None:
        given = [(argument["name"], self._argument(argument), argument["kind"]) for argument in call["inputs"]]
        args = tuple(value for _, value, kind in given if kind == 1)
        kwargs = {name: value for name, value, kind in given if kind != 1}
        (output,) = call["outputs"]
        ((kind, made),) = output.items()
        many = kind == "as_tensors"
        name = made[0]["name"] if many else made.get("name") or made["as_name"]
        title = re.sub("_+", "_", name).rstrip("_")  # `relu_` works in place there, not here
        node = self.graph.create_node("call_function", self._function(call["target"]), args, kwargs, name=title)
        node.meta |= _module_path(call["metadata"].get("nn_module_stack", ""))
        if many:
            for position, part in enumerate(made):
                self.values[part["name"]] = self.graph.call_function(operator.getitem, (node, position))
        else:
            self.values[name] = node

    def _function(self, target: str) -> Callable[..., Any]:
        """One of torch's tensor operators or of Python's arithmetic; nothing else can be named."""
        if found := re.fullmatch(r"torch\.ops\.aten\.([a-z]\w*)\.(\w+)", target):
            return getattr(getattr(torch.ops.aten, found[1]), found[2])
        if (found := re.fullmatch(r"_operator\.(\w+)", target)) and found[1] in _ARITHMETIC:
            return getattr(operator, found[1])
        raise ConvscopeError("model_errors.archive_operator", path=self.path, operator=target)

    def _argument(self, argument: Mapping[str, Any]) -> Any:
        ((kind, given),) = argument["arg"].items()
        if argument["name"] in ("train", "training"):
            return False
        match kind:
            case "as_none":
                return None
            case "as_bool" | "as_int" | "as_float" | "as_bools" | "as_ints" | "as_floats":
                return given
            case "as_tensor":
                return self.values[given["name"]]
            case "as_tensors":
                return [self.values[one["name"]] for one in given]
            case "as_sym_int":
                return self._size(given)
            case "as_sym_ints":
                return [self._size(one) for one in given]
            case "as_scalar_type":
                return _DTYPES[given]
            case "as_string" if given in _WORDS:
                return given
        raise ConvscopeError("model_errors.archive_operator", path=self.path, operator=f"{argument['name']}={kind}")

    def _size(self, given: Mapping[str, Any]) -> Any:
        return given["as_int"] if "as_int" in given else self.values[given["as_name"]]


def _number(size: Mapping[str, Any]) -> int:
    """A size that is fixed, or the example's where it may vary."""
    return size["as_int"] if "as_int" in size else size["as_expr"]["hint"]["as_int"]


def _module_path(stack: str) -> dict[str, str]:
    """Where a call comes from, if from one of torch's own modules: its path, such as `features.0`."""
    _, _, last = stack.rpartition(";")
    parts = last.split(",")
    return {"path": parts[1]} if len(parts) == 3 and parts[1] and parts[2].startswith("torch.nn.modules.") else {}
