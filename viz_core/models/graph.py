"""A network as a graph that anybody may look into, from any thread: no hooks, no locks, no state to restore."""

import difflib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.fx import Node

from viz_core.errors import ConvscopeError
from viz_core.models import trace
from viz_core.models.borders import Borders, convolution
from viz_core.models.head import find_head
from viz_core.models.layers import Layer, describe, layer_names
from viz_core.models.ops import is_relu, path
from viz_core.models.reinit import reinitialised
from viz_core.models.relu_rules import ReluRule, rule_function
from viz_core.models.tokens import from_maps, to_maps
from viz_core.models.trace import Program

REMEMBERED = 64  # pictures


class Head(NamedTuple):
    """A linear head over a global average: logits = mean over positions of the maps of `layer` @ weight.T + bias.

    weight: (classes, channels); bias: (classes,). With it class activation maps are exact.
    """

    layer: str
    weight: Tensor
    bias: Tensor


class GraphModel:
    """A classifier of pictures: (N, 3, H, W) RGB in [0, 1] -> logits (N, classes), and everything computed on the way.

    The weights are frozen and shared by all models derived from this one (`with_relu`, cuts, `randomised`); nothing
    here is ever changed, so that any number of threads may use one model at once. Everything is differentiable with
    respect to the picture. Layers are named by their module's path, functions by their node in the graph (`relu_1`,
    `add`, `cat_3`).
    """

    def __init__(
        self,
        name: str,
        program: Program,
        *,
        class_names: Sequence[str],
        translated_names: Mapping[str, Sequence[str]] | None = None,
        input_size: int,
        mean: Sequence[float],
        std: Sequence[float],
        device: torch.device,
    ) -> None:
        """`program` takes pictures normalised by mean and std; `translated_names`: class names by language."""
        self.name = name
        self.class_names = tuple(class_names)
        self.input_size = input_size
        self.device = device
        self._translated = {language: tuple(names) for language, names in (translated_names or {}).items()}
        self._mean = torch.tensor(mean, device=device).view(3, 1, 1)
        self._std = torch.tensor(std, device=device).view(3, 1, 1)
        self._program = program
        self._functions: trace.Functions = trace.functions(program, program.modules)
        self._rule: ReluRule = "backprop"
        self._names = layer_names(program)
        self._describe = lru_cache(64)(partial(describe, program, self._names))
        self._plan = lru_cache(512)(partial(trace.plan, program))
        self._digest = lru_cache(1)(partial(_weights_digest, program))
        self._remembered: dict[bytes, Tensor] = {}

    # What it is

    @property
    def digest(self) -> str:
        """Sixteen hex digits of the SHA-256 over the names and numbers of all weights."""
        return self._digest()

    @property
    def mean(self) -> Tensor:
        """The colour this network sees as zero: (3, 1, 1), RGB in [0, 1]."""
        return self._mean

    @property
    def std(self) -> Tensor:
        """What colours are divided by once the mean is taken off: (3, 1, 1)."""
        return self._std

    def class_name(self, index: int, lang: str = "en") -> str:
        """What a class is called in a language; in English where there is no translation."""
        return self.class_names_in(lang)[index]

    def class_names_in(self, lang: str) -> tuple[str, ...]:
        """What all classes are called in a language; in English where there is no translation."""
        return self._translated.get(lang, self.class_names)

    def layers(self, size: tuple[int, int] | None = None) -> tuple[Layer, ...]:
        """All layers in the order of computation, for pictures of `size` (height, width); by default the network's own.

        Raises ConvscopeError if the network cannot take pictures of this size.
        """
        height, width = size or (self.input_size, self.input_size)
        try:
            return self._describe((int(height), int(width)))
        except (RuntimeError, ValueError, AssertionError) as error:
            raise ConvscopeError(
                "model_errors.size", model=self.name, height=height, width=width, own=self.input_size
            ) from error

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The names of all layers in the order of computation."""
        return tuple(layer.name for layer in self.layers())

    def layer(self, name: str, size: tuple[int, int] | None = None) -> Layer:
        """One layer by name; raises ConvscopeError naming close matches."""
        found = {layer.name: layer for layer in self.layers(size)}
        if name not in found:
            close = difflib.get_close_matches(name, found, n=3, cutoff=0.3) or list(found)[:3]
            raise ConvscopeError("model_errors.no_layer", layer=name, model=self.name, close=", ".join(close))
        return found[name]

    def convolutions(self) -> tuple[str, ...]:
        """The names of all convolutions in the order of computation."""
        return tuple(layer.name for layer in self.layers() if layer.kind == "Conv2d")

    def resolve_layer(self, name: str | None, default_kind: str = "Conv2d") -> str:
        """The name if there is such a layer; for None the last layer of the default kind ("Conv2d", "ReLU", ...).

        The kind "map" is the last layer that still has positions: (C, H, W) with H * W > 1. Raises ConvscopeError.
        """
        if name is not None:
            return self.layer(name).name
        wanted = [layer.name for layer in self.layers() if layer.kind == default_kind or _is_map(layer, default_kind)]
        if not wanted:
            raise ConvscopeError("model_errors.no_such_kind", kind=default_kind, model=self.name)
        return wanted[-1]

    @property
    def has_relu(self) -> bool:
        """Whether there is a ReLU at all, and so a difference between the rules of going back through one."""
        return any(is_relu(node, self._program.modules) for node in self._program.nodes)

    def module_of(self, layer: str) -> tuple[str, int] | None:
        """The path of the module that computes a layer, and how often it was used before; None for a function."""
        node = self._node(layer)
        if node.op != "call_module":
            return None
        earlier = self._program.nodes[: self._program.nodes.index(node)]
        return path(node), sum(other.op == "call_module" and path(other) == path(node) for other in earlier)

    def weight(self, layer: str) -> Tensor:
        """The weight of a convolution (out, in / groups, kh, kw) or linear layer (out, in); else ConvscopeError."""
        weight, _ = trace.weight_and_bias(self._program, self._node(layer))
        if weight is None or weight.dim() < 2:
            raise ConvscopeError("model_errors.no_weight", layer=layer, model=self.name)
        return weight

    def head(self) -> Head | None:
        """The linear head over a global average pooling, or None where the network ends in another way."""
        found = find_head(self._program)
        return Head(self._names[found[0]], *found[1:]) if found else None

    # What it computes

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes) of pictures (N, 3, H, W) RGB in [0, 1]; ConvscopeError if they are too small."""
        return self._compute(x, (self._program.output,))[self._program.output]

    __call__ = forward

    def activations(self, x: Tensor, layers: str | Sequence[str]) -> dict[str, Tensor]:
        """The values of layers for pictures (N, 3, H, W), by name; nothing behind the deepest of them is computed.

        Tokens come as maps, and what is computed behind them is computed from those.
        """
        names = (layers,) if isinstance(layers, str) else tuple(layers)
        nodes = {name: self._node(name) for name in names}
        maps: dict[Node, Tensor] = {}
        functions = dict(self._functions)
        for name, node in nodes.items():
            layer = self.layer(name, (x.shape[-2], x.shape[-1])) if self.layer(name).in_tokens else None
            if layer is not None:
                functions[node] = _through_maps(node, functions[node], layer.shape[1:], maps)
        values = self._compute(x, tuple(nodes.values()), functions)
        return {name: maps.get(node, values[node]) for name, node in nodes.items()}

    def after(self, layer: str) -> Callable[[Tensor], Tensor]:
        """The rest of the network, from values of this layer to logits; ConvscopeError if there are ways around it."""
        node, output = self._node(layer), self._program.output
        steps = self._plan((output,), (node,))
        around = any(self._program.input in step.all_input_nodes for step in steps.nodes)
        if around or self.layer(layer).in_tokens:
            raise ConvscopeError("model_errors.ways_around", layer=layer, model=self.name)

        def rest(values: Tensor) -> Tensor:
            return trace.compute(steps, self._functions, self._program.constants, {node: values})[output]

        return rest

    def probabilities(self, x: Tensor) -> Tensor:
        """Class probabilities (N, classes) of pictures (N, 3, H, W)."""
        return self(x).softmax(dim=1)

    @torch.inference_mode()
    def scores(self, x: Tensor) -> Tensor:
        """Logits (classes,) of one picture (1, 3, H, W), without gradients; those of the latest pictures are remembered."""
        key = hashlib.sha256(x.detach().cpu().numpy().tobytes()).digest() + bytes(str(tuple(x.shape)), "ascii")
        found = self._remembered.get(key)
        if found is None:
            found = self._remembered[key] = self(x)[0]
            for oldest in list(self._remembered)[:-REMEMBERED]:
                self._remembered.pop(oldest, None)
        return found.clone()

    @torch.inference_mode()
    def top(self, x: Tensor, k: int = 5) -> list[tuple[int, str, float]]:
        """The k likeliest classes of one picture (1, 3, H, W): index, English name, probability; likeliest first."""
        best = self.scores(x).softmax(dim=0).topk(min(k, len(self.class_names)))
        return [(i, self.class_names[i], p) for p, i in zip(best.values.tolist(), best.indices.tolist(), strict=True)]

    def target_index(self, target: int | str | None, x: Tensor) -> int:
        """The class meant: an index, an English name or part of one; for None the network's own first choice for x."""
        if target is None:
            return self.top(x, 1)[0][0]
        if isinstance(target, int) or target.strip().isdigit():
            if not 0 <= int(target) < len(self.class_names):
                raise ConvscopeError(
                    "model_errors.no_class_index", index=target, last=len(self.class_names) - 1, model=self.name
                )
            return int(target)
        return self._class_called(target.strip().lower())

    def _class_called(self, wanted: str) -> int:
        names = [name.lower() for name in self.class_names]
        for fits in (wanted.__eq__, lambda name: name.startswith(wanted), lambda name: wanted in name):
            matches = [index for index, name in enumerate(names) if fits(name)]
            if matches:
                return matches[0]
        close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.4) or names[:3]
        raise ConvscopeError("model_errors.no_class", name=wanted, model=self.name, close=", ".join(close))

    # What can be made of it

    def with_relu(self, rule: ReluRule) -> "GraphModel":
        """The same network with another backward rule in every ReLU, however written; ReLU6 and such keep theirs."""
        relu = rule_function(rule)
        rewritten = {node: relu for node in self._functions if is_relu(node, self._program.modules)}
        model = self._derived({**self._functions, **rewritten})
        model._rule = rule
        return model

    def with_borders(self, borders: Borders) -> "GraphModel":
        """The same network whose convolutions see beyond the border what `borders` says, where they saw zeros."""
        found = {node: convolution(node, self._program.modules, borders) for node in self._functions}
        return self._derived({**self._functions, **{node: conv for node, conv in found.items() if conv is not None}})

    def randomised(self, from_layer: str, seed: int) -> "GraphModel":
        """A copy with fresh random weights in this layer and in all computed after it; the earlier ones are shared.

        Every module draws its weights as when it was made (`reset_parameters`). For the sanity checks of Adebayo et
        al., 2018.
        """
        program = reinitialised(self._program, self._node(from_layer), seed)
        model = self._derived(trace.functions(program, program.modules))
        model._program = program
        model._digest = lru_cache(1)(partial(_weights_digest, program))
        model._remembered = {}
        return model.with_relu(self._rule)

    def _derived(self, functions: trace.Functions) -> "GraphModel":
        model = object.__new__(GraphModel)
        model.__dict__.update(self.__dict__)
        model._functions = functions
        return model

    # How

    def _node(self, layer: str) -> Node:
        name = self.layer(layer).name
        return next(node for node, other in self._names.items() if other == name)

    def _compute(
        self, x: Tensor, outputs: tuple[Node, ...], functions: trace.Functions | None = None
    ) -> dict[Node, Tensor]:
        steps = self._plan(outputs, (self._program.input,))
        values = {self._program.input: (x - self._mean) / self._std}
        try:
            return trace.compute(steps, functions or self._functions, self._program.constants, values)
        except RuntimeError:
            self.layers((x.shape[-2], x.shape[-1]))  # says so if it is the picture's size that does not fit
            raise


def _is_map(layer: Layer, kind: str) -> bool:
    return kind == "map" and len(layer.shape) == 3 and layer.shape[1] * layer.shape[2] > 1


def _through_maps(
    node: Node, function: Callable[..., Tensor], grid: tuple[int, ...], maps: dict[Node, Tensor]
) -> Callable[..., Tensor]:
    """A function whose tokens are made from the maps (N, C, h, w) they are, which are kept."""

    def through(*args: Any, **kwargs: Any) -> Tensor:
        tokens = function(*args, **kwargs)
        maps[node] = to_maps(tokens, grid)
        return from_maps(maps[node], tokens)

    return through


def _weights_digest(program: Program) -> str:
    tensors = dict(program.constants)
    for node in program.nodes:
        if node.op == "call_module":
            module: nn.Module = program.modules[path(node)]
            tensors |= {f"{path(node)}.{name}": value for name, value in module.state_dict().items()}
    digest = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(np.ascontiguousarray(value.detach().cpu().numpy()).data)
    return digest.hexdigest()[:16]
