"""The small number grids as a script."""

from viz_core.learn.relu import Relu, parse_grid
from viz_core.scripts.parts import compose, fill
from viz_core.scripts.script import Script

OBEYED = ("values", "signal", "layer", "channel")
_BODY = """
# What goes into the ReLU, and what comes back to it.
values = torch.tensor($values, dtype=torch.float64, requires_grad=True)
signal = torch.tensor($signal, dtype=torch.float64)

forward = values.relu()
(backprop,) = torch.autograd.grad(forward, values, signal)  # the true gradient: the signal where the value was positive
deconvnet = signal.relu()  # the signal treated as if it went forwards
guided = backprop.relu()  # what passes both
for name, grid in {"forward": forward, "backprop": backprop, "deconvnet": deconvnet, "guided": guided}.items():
    print(name, grid.tolist())
result = torch.stack([forward, backprop, deconvnet, guided])[3].detach().numpy()
"""


def write(technique: Relu) -> Script:
    """What guided backpropagation sends on; the other grids are printed."""
    grids = {name: parse_grid(getattr(technique, name)).tolist() for name in ("values", "signal")}
    return compose(technique, "guided", fill(_BODY, **grids), network_too=False)
