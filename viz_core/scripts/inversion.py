"""Inversion as a script."""

import textwrap

from viz_core.generate.canvas import COLOUR
from viz_core.generate.inversion import ALPHA, FAINT, LOUD, OWN_TV, Inversion
from viz_core.scripts.parts import compose, fill, value
from viz_core.scripts.script import Script, beyond
from viz_core.scripts.steps import VARIATION, closure_code, optimiser_code, scale_code, step_code

OBEYED = ("layers", "starts", "steps", "optimiser", "tv", "beta", "alpha", "canvas")
_BODY = """
x = picture("picture.png", $size)
$canvas
smoothness = {  # how much roughness counts: more for deeper layers
    $smoothness,
}
result = []
for layer, weight in smoothness.items():
    see(x)
    goal = $answers.detach()  # what the layer answers to the picture
    size = goal.flatten(1).square().sum(1)
    $begin
    values.requires_grad_()

    def losses():  # how far the layer's answers to the picture are from the goal, and how rough it is
        values.grad = None
        painted = shown(values)
        see(painted)
        loss = ($answers - goal).flatten(1).square().sum(1) / size
        loss = loss + weight * variation(painted, $beta)$alpha
        loss.sum().backward()
        return loss.detach()

    $closure
    least, best = losses(), shown(values).detach().clone()
    $scale
    $optimiser
    for step in range($steps):
        $step
        now = losses()
        best = torch.where((now < least).view(-1, 1, 1, 1), shown(values).detach(), best)
        least = torch.minimum(now, least)
    result.append(best.clamp(0, 1))
result = torch.cat(result).numpy()
"""
_PIXELS = """
variance = float((x - mean).square().mean())

def shown(values):  # the values are the pixels
    return values
"""
_FOURIER = """
height, width = x.shape[-2:]
rows, columns = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
frequency = (rows.square() + columns.square()).sqrt().clamp(min=1 / max(height, width))
# How the colours of photographs go together.
colours = torch.tensor($colours)
colours = colours / colours.square().sum(0).sqrt().max()

def shown(values):  # the values are Fourier coefficients, the lower frequencies the larger
    spectrum = torch.view_as_complex(values) * (math.sqrt(height * width) / frequency / 4)
    return torch.einsum("oc,nchw->nohw", colours, torch.fft.irfft2(spectrum, s=(height, width))).sigmoid()
"""
_NOISE = """generator = torch.Generator().manual_seed({seed})
    values = mean + variance**0.5 * torch.randn(({starts}, *x.shape[1:]), generator=generator)"""
_COEFFICIENTS = """generator = torch.Generator().manual_seed({seed})
    values = {spread} * torch.randn({starts}, 3, *frequency.shape, 2, generator=generator)"""
_CLIPPED = """
        with torch.no_grad():
            values.clamp_(0, 1)"""


def write(technique: Inversion) -> Script:
    """The pictures of all layers."""
    network, layers = technique.network(), technique.depths()
    answers = {value(network, layer, layers) for layer in layers}
    if any("]" + "[" in one for one in answers):
        raise beyond("layers")
    smoothness = {layer: technique.tv * OWN_TV[technique.third(network, layer)] for layer in layers}
    listed = ", ".join(f'"{layer}": {weight!r}' for layer, weight in smoothness.items())
    spread = FAINT if technique.starts == 1 else LOUD
    name, fourier = technique.optimiser, technique.canvas == "fourier"
    body = fill(
        _BODY,
        size=technique.size or network.input_size,
        smoothness="\n    ".join(textwrap.wrap(listed, 100)),
        answers="seen[layer]",
        begin=(_COEFFICIENTS if fourier else _NOISE).format(
            starts=technique.starts, seed=technique.seed, spread=spread
        ),
        canvas=fill(_FOURIER, colours=[list(row) for row in COLOUR]) if fourier else fill(_PIXELS),
        beta=repr(technique.beta),
        alpha=f"\n        loss = loss + {technique.alpha!r} * (painted - mean).abs().flatten(1).pow({ALPHA}).mean(1)"
        if technique.alpha
        else "",
        closure=closure_code(name).strip().replace("\n", "\n    "),
        scale=scale_code(name).strip(),
        optimiser=optimiser_code(name, 0.05).replace("\n", "\n    "),
        steps=technique.steps,
        step=step_code(name) + (_CLIPPED if name == "adam" and not fourier else ""),
    )
    body = fill(VARIATION) + "\n\n" + "\n".join(line.rstrip() for line in body.splitlines())
    return compose(technique, "image", body, pictures={"picture.png": technique.image}, layers=layers)
