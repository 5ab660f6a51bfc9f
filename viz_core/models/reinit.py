"""Fresh random weights for the later part of a network."""

import copy
import dataclasses

from torch import nn
from torch.fx import Node

from viz_core.models.random_state import private_random_state
from viz_core.models.trace import Program


def reinitialised(program: Program, first: Node, seed: int) -> Program:
    """The program with every module first used at `first` or later initialised anew by its own `reset_parameters`.

    The other modules are the same objects. A module draws the same weights however often this is called with the same
    seed.
    """
    start = program.nodes.index(first)
    before = {node.target for node in program.nodes[:start] if node.op == "call_module"}
    later = dict.fromkeys(node.target for node in program.nodes[start:] if node.op == "call_module")
    modules = dict(program.modules)
    with private_random_state(seed):
        for path in later:
            if path not in before and any(True for _ in modules[path].parameters()):
                modules[path] = _fresh(modules[path])
    return dataclasses.replace(program, modules=modules)


def _fresh(module: nn.Module) -> nn.Module:
    """A copy drawn on the CPU, so that every device gets the same weights."""
    device = next(module.parameters()).device
    twin = copy.deepcopy(module).cpu()
    for part in twin.modules():
        if hasattr(part, "reset_parameters"):
            part.reset_parameters()
    return twin.to(device).requires_grad_(False)
