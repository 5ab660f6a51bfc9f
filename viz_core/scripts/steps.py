"""Pieces of the scripts that make pictures step by step."""

from viz_core.generate.canvas import COLOUR
from viz_core.scripts.parts import fill

LBFGS_HISTORY = 10
_LBFGS = """
# A step of L-BFGS, after `losses` has run once; torch forgets curvature below 1e-10, so loss and gradient are enlarged.
def lbfgs(values, losses):
    scale = float(1 / values.grad.abs().mean())
    options = {"max_iter": 1, "max_eval": 26, "history_size": $history, "tolerance_grad": 0.0, "tolerance_change": 0.0}
    optimiser = torch.optim.LBFGS([values], 1.0, line_search_fn="strong_wolfe", **options)

    def closure():
        loss = float(losses().sum()) * scale
        values.grad = values.grad * scale
        return loss

    return lambda: optimiser.step(closure)
"""
MOMENTUM = """
# Steps of rate times gradient, with momentum that begins anew when the rate changes; the last rate stays.
class Descent:
    def __init__(self, values, rates, momentum):
        self.values, self.rates, self.momentum = values, rates, momentum
        self.velocity, self.taken = torch.zeros_like(values), 0

    def step(self):
        now = min(self.taken, len(self.rates) - 1)
        if self.rates[now] != self.rates[now - 1]:
            self.velocity.zero_()
        self.velocity.mul_(self.momentum).sub_(self.rates[now] * self.values.grad)
        self.values.data += self.velocity
        self.taken += 1
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
_FOURIER = """
# How the colours of photographs go together.
colours = torch.tensor($colours)
colours = colours / colours.square().sum(0).sqrt().max()

def scale(height, width):  # the lower frequencies the larger
    rows, columns = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
    frequency = (rows.square() + columns.square()).sqrt().clamp(min=1 / max(height, width))
    return math.sqrt(height * width) / frequency / 4

# Pictures (N, 3, H, W) from Fourier coefficients (N, 3, H, W // 2 + 1, 2).
def fourier(values, height, width):
    spectrum = torch.view_as_complex(values) * scale(height, width)
    return torch.einsum("oc,nchw->nohw", colours, torch.fft.irfft2(spectrum, s=(height, width))).sigmoid()
"""
_COEFFICIENTS_OF = """
def coefficients(pictures):  # that stand for them, but for black and white, which are nearly met
    inner = torch.einsum("oc,nchw->nohw", colours.inverse(), pictures.clamp(0.01, 0.99).logit())
    return torch.view_as_real(torch.fft.rfft2(inner) / scale(*pictures.shape[-2:])).contiguous()
"""
COEFFICIENTS = "{spread} * torch.randn({starts}, 3, {height}, {half}, 2, generator=generator)"


def step_code(name: str, rate: float) -> str:
    """`step()`, which changes the leaf `values` so that `losses` falls: by Adam, or by L-BFGS."""
    return f"torch.optim.Adam([values], lr={rate!r}).step" if name == "adam" else "lbfgs(values, losses)"


def step_groundwork(name: str, history: int = LBFGS_HISTORY) -> str:
    """The functions that `step_code` needs beside the script; `history`: how many steps L-BFGS remembers."""
    return "" if name == "adam" else fill(_LBFGS, history=history) + "\n\n"


def clamp_code(name: str) -> str:
    """What follows a step: L-BFGS alone must not be clipped on the way."""
    return "" if name == "lbfgs" else "values.data.clamp_(0, 1)"


def fourier_groundwork(backwards: bool = False) -> str:
    """`fourier(values, height, width)`: the pictures that coefficients stand for; `backwards`: `coefficients` of pictures."""
    code = fill(_FOURIER, colours=[list(row) for row in COLOUR])
    return code + "\n\n" + fill(_COEFFICIENTS_OF) if backwards else code
