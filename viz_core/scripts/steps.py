"""Pieces of the scripts that make pictures step by step."""

from viz_core.scripts.parts import fill

_LBFGS = """
options = {"max_iter": 1, "max_eval": 26, "history_size": 10, "tolerance_grad": 0.0, "tolerance_change": 0.0}
optimiser = torch.optim.LBFGS([values], 1.0, line_search_fn="strong_wolfe", **options)
"""
_CLOSURE = """
def closure():  # torch forgets curvature below 1e-10, so loss and gradient are enlarged
    loss = float(losses().sum()) * scale
    values.grad = values.grad * scale
    return loss
"""
BLUR = """
def blur(x, sigma):  # a Gaussian cut at four standard deviations; the border is repeated outwards
    radius, colours = max(1, round(4 * sigma)), x.shape[1]
    bell = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, dtype=x.dtype) / sigma) ** 2)
    bell = (bell / bell.sum()).repeat(colours, 1)
    x = F.conv2d(F.pad(x, (radius, radius, 0, 0), "replicate"), bell[:, None, None], groups=colours)
    return F.conv2d(F.pad(x, (0, 0, radius, radius), "replicate"), bell[:, None, :, None], groups=colours)
"""
VARIATION = """
def variation(x, power=2.0):  # how much neighbours differ, on average
    right, down = x[..., :-1, 1:] - x[..., :-1, :-1], x[..., 1:, :-1] - x[..., :-1, :-1]
    steepness = right.square() + down.square()
    return (steepness if power == 2 else (steepness + 1e-12).pow(power / 2)).flatten(1).mean(1)
"""


def optimiser_code(name: str, rate: float) -> str:
    """`optimiser` for the leaf `values`: Adam, or L-BFGS one step at a time with what it asks for (`scale` must be set)."""
    if name == "adam":
        return f"optimiser = torch.optim.Adam([values], lr={rate!r})"
    return fill(_LBFGS)


def closure_code(name: str) -> str:
    """The loss for L-BFGS as a function; nothing for Adam."""
    return fill(_CLOSURE) + "\n\n" if name == "lbfgs" else ""


def step_code(name: str) -> str:
    """One step of `optimiser`."""
    return "optimiser.step(closure)" if name == "lbfgs" else "optimiser.step()"


def scale_code(name: str) -> str:
    """What L-BFGS's losses are multiplied by; nothing for Adam."""
    return "scale = float(1 / values.grad.abs().mean())\n" if name == "lbfgs" else ""


def clamp_code(name: str) -> str:
    """What follows a step: L-BFGS alone must not be clipped on the way."""
    return "" if name == "lbfgs" else "\nvalues.data.clamp_(0, 1)"
