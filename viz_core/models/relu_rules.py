"""Three ways to send a gradient back through a ReLU. The forward pass is max(x, 0) in all of them.

backprop     R_in = (x > 0) * R_out                     Simonyan et al., 2013
deconvnet    R_in = (R_out > 0) * R_out                 Zeiler & Fergus, 2014
guided       R_in = (x > 0) * (R_out > 0) * R_out       Springenberg et al., 2015
opened       R_in = R_out                               lets a gradient out of units that are off, to wake them
"""

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

ReluRule = Literal["backprop", "deconvnet", "guided", "opened"]
RULES: tuple[ReluRule, ...] = ("backprop", "deconvnet", "guided")  # those with a paper, for comparing


class _Deconvnet(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.relu()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient.relu()


class _Guided(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.relu()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return (x > 0) * gradient.relu()


class _Opened(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.relu()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


def rule_function(rule: ReluRule) -> Callable[..., Tensor]:
    """The ReLU of a rule, to be called like `F.relu`."""
    relu = {
        "backprop": torch.relu,
        "deconvnet": _Deconvnet.apply,
        "guided": _Guided.apply,
        "opened": _Opened.apply,
    }[rule]
    return lambda x, inplace=False: relu(x)
