"""A network made ready for forward passes alone: batch norms and ReLUs become part of the operation before them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.fx import Node
from torch.nn import functional as F

from viz_core.models import trace
from viz_core.models.graph import GraphModel
from viz_core.models.layers import window_of
from viz_core.models.ops import Modules, argument, is_relu, kind, path
from viz_core.models.receptive_field import Window

# Weights beyond the second cache: with the channels last they would be read anew for every row of a map.
LARGE_WEIGHTS = 2**20  # numbers


@dataclass(frozen=True)
class Convolution:
    """A convolution padded with zeros or with copies of the border, which may end in a ReLU."""

    weight: Tensor
    bias: Tensor | None
    window: Window
    padding: Any  # as the layer says it: numbers or "same"
    groups: int
    replicates: bool
    relu: bool

    @property
    def layout(self) -> torch.memory_format:
        """How maps had better lie in memory."""
        return torch.contiguous_format if self.weight.numel() > LARGE_WEIGHTS else torch.channels_last

    def __call__(self, maps: Tensor) -> Tensor:
        """Maps (N, C, H, W) to maps."""
        if not self.replicates:
            return self.on_padded(maps, self.padding)
        down, across = self.window.padding
        return self.on_padded(F.pad(maps, (across, across, down, down), mode="replicate"))

    def on_padded(self, maps: Tensor, padding: Any = 0) -> Tensor:
        """Maps that bring their padding along, to maps."""
        maps = maps.contiguous(memory_format=self.layout)
        out = F.conv2d(maps, self.weight, self.bias, self.window.stride, padding, self.window.dilation, self.groups)
        return out.relu_() if self.relu else out


class Folded:
    """What each node of a network computes, and the convolutions among them whose padding is simple."""

    def __init__(self, network: GraphModel) -> None:
        self._program, self._modules = network._program, network._program.modules
        self.functions: dict[Node, Callable[..., Any]] = dict(network._functions)
        self.convolutions: dict[Node, Convolution] = {}
        for node in self._program.nodes:
            of = kind(node, self._modules)
            if of == "Conv2d" and _padding_mode(node, self._modules) in ("zeros", "replicate"):
                self.functions[node] = self.convolutions[node] = self._convolution(node)
            elif of in ("Add", "BatchNorm2d") and self.functions[node] is not _same and self._takes_relu(node):
                self.functions[node] = _then_relu(self.functions[node])

    def _convolution(self, node: Node) -> Convolution:
        """The convolution of a node, with the batch norm and the ReLU behind it."""
        weight, bias = trace.weight_and_bias(self._program, node)
        window = window_of(node, self._program)
        assert weight is not None
        assert window is not None
        module: Any = self._modules[path(node)] if node.op == "call_module" else None
        padding = module.padding if module else argument(node, 4, "padding", 0)
        groups = module.groups if module else argument(node, 6, "groups", 1)
        norm, last = self._norm_behind(node), node
        if norm is not None:
            behind: Any = self._modules[path(norm)]
            weight, bias = _with_norm(weight, bias, behind)
            self.functions[norm], last = _same, norm
        replicates = _padding_mode(node, self._modules) == "replicate"
        folded = Convolution(weight, bias, window, padding, groups, replicates, self._takes_relu(last))
        return replace(folded, weight=weight.contiguous(memory_format=folded.layout))

    def _norm_behind(self, node: Node) -> Node | None:
        """The batch norm that alone reads a value, if it knows its mean and variance."""
        user = _only_user(node)
        module = self._modules.get(path(user)) if user is not None and user.op == "call_module" else None
        return user if isinstance(module, nn.BatchNorm2d) and module.running_var is not None else None

    def _takes_relu(self, node: Node) -> bool:
        """Whether a ReLU alone reads a value; it then has nothing left to do."""
        user = _only_user(node)
        if user is None or not is_relu(user, self._modules):
            return False
        self.functions[user] = _same
        return True


_made: WeakKeyDictionary[GraphModel, Folded] = WeakKeyDictionary()


@torch.inference_mode()
def folded(network: GraphModel) -> Folded:
    """A network's operations, folded; made once and kept as long as the network."""
    if network not in _made:
        _made[network] = Folded(network)
    return _made[network]


def _only_user(node: Node) -> Node | None:
    return next(iter(node.users)) if len(node.users) == 1 else None


def _same(value: Tensor, *_: Any, **__: Any) -> Tensor:
    return value


def _then_relu(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda *args, **kwargs: function(*args, **kwargs).relu_()


def _with_norm(weight: Tensor, bias: Tensor | None, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution that does what a batch norm behind it does."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = (norm.weight if norm.affine else 1.0) / (norm.running_var + norm.eps).sqrt()
    shift = norm.bias if norm.affine else 0.0
    before = 0.0 if bias is None else bias
    return weight * scale[:, None, None, None], shift + (before - norm.running_mean) * scale


def _padding_mode(node: Node, modules: Modules) -> str:
    return str(modules[path(node)].padding_mode) if node.op == "call_module" else "zeros"
