"""The small number grids as a script."""

from viz_core.learn.relu import Relu, parse_grid
from viz_core.scripts.parts import compose, fill
from viz_core.scripts.script import Script

OBEYED = ("values", "signal", "layer", "channel")
_BODY = """
# What goes into the ReLU, and what comes back to it.
values = torch.tensor($values, dtype=torch.float64, requires_grad=True)
signal = torch.tensor($signal, dtype=torch.float64)

# Forwards a ReLU lets through what is positive. Two masks say what may come back.
forward = values.relu()
was_positive = values > 0
comes_positive = signal > 0

backprop = signal.where(was_positive, 0)  # the true gradient: by what came forwards
deconvnet = signal.where(comes_positive, 0)  # by what comes back, as if it went forwards
guided = signal.where(was_positive & comes_positive, 0)  # by both
grids = {"forward": forward, "backprop": backprop, "deconvnet": deconvnet, "guided": guided}
for name, grid in grids.items():
    print(name, grid.tolist())

(gradient,) = torch.autograd.grad(forward, values, signal)
print("backprop is what autograd says:", bool((gradient == backprop).all()))
result = guided.numpy()
"""


def write(technique: Relu) -> Script:
    """What guided backpropagation sends on; the other grids are printed."""
    grids = {name: parse_grid(getattr(technique, name)).tolist() for name in ("values", "signal")}
    return compose(technique, "guided", fill(_BODY, **grids), network_too=False)
